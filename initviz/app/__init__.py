"""The program: command line, settings, and how its rooms are put together."""
