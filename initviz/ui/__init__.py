"""The window: widgets over recordings. Knows the lab and the session, never the app."""
