"""The lecture player: text and formulas at left, panels at right, one beat at a time."""
