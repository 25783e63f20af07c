"""Running experiments beside an event loop: worker thread, lanes, timeline, clock. QtCore only."""
