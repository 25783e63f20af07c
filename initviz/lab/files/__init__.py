"""Recording files: one SQLite file that stands alone, described in docs/recording-file.md."""

from initviz.lab.files.following import Changes, Follower
from initviz.lab.files.format import VERSION
from initviz.lab.files.reading import load
from initviz.lab.files.writing import (
    PERIOD,
    RecordingFile,
    RecordingWriter,
    check_writable,
    journals,
    save,
)

__all__ = [
    "PERIOD",
    "VERSION",
    "Changes",
    "Follower",
    "RecordingFile",
    "RecordingWriter",
    "check_writable",
    "journals",
    "load",
    "save",
]
