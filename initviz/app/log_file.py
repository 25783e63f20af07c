"""The log of the program, in the place that the platform has for logs. It stays small."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
#: Bytes of the log, and of the one before it, which is kept.
MOST_BYTES = 500_000


@contextmanager
def logging_to(folder: Path) -> Iterator[None]:
    """Write what is logged to `folder`/initviz.log; a folder that refuses costs only the log."""
    handler: logging.Handler = logging.NullHandler()
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            folder / "initviz.log", maxBytes=MOST_BYTES, backupCount=1, encoding="utf-8", delay=True
        )
        handler.setFormatter(logging.Formatter(_FORMAT))
    logger = logging.getLogger("initviz")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()
