"""Running experiments beside an event loop: worker thread, lanes, timeline, clock. QtCore only."""

#: What the packaged program is called with to be the process that trains: it has no interpreter.
TRAIN = "--train-for-a-window"
#: The environment variable that says where a window trains: in a "thread", or a process else.
TRAINER = "INITVIZ_TRAINER"
