"""How what takes a while lets itself be watched, and called off."""

from __future__ import annotations

from collections.abc import Callable

#: Is told the share that is done, from 0 to 1. It may raise `CalledOff`: then nothing half done is
#: left behind.
Told = Callable[[float], None]


class CalledOff(Exception):  # noqa: N818 (it is no error)
    """What is being done is not wanted any more."""


def unwatched(_share: float) -> None:
    """Nobody looks, and nobody calls it off."""
