"""A process that is told things and answers, and nobody waits for the pipes to it.

A checkpoint of a large network has more bytes than a pipe takes at once, and than a window can copy
between two frames. So one thread writes what is said to the process, and one reads what comes;
while they do, they leave the interpreter to the others.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from initviz.session.messages import Instruction, Parts, Report, read, unpacked, write

#: Seconds that a process which has ended, or was killed, may take to be gone.
PATIENCE = 5.0


class ChildProcess:
    """A process of `command` in this `environment`, started at once.

    `told_end` is called by the thread that reads, when nothing more will come; with the child
    itself. `close` it, or it lives as long as this process.

    Raises:
        OSError: if it cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        told_end: Callable[[ChildProcess], Any],
    ) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self._told_end = told_end
        self._instructions: SimpleQueue[Instruction | None] = SimpleQueue()
        self._arrived: SimpleQueue[Parts] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._write, name="initviz orders", daemon=True),
            threading.Thread(target=self._read, name="initviz replies", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def number(self) -> int:
        """What the operating system calls it."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def send(self, instruction: Instruction) -> None:
        """Let it be written, after all that was before."""
        self._instructions.put(instruction)

    def received(self, patience: float = 0.0) -> list[Report] | None:
        """The oldest message that was not taken yet; None if none comes for `patience` seconds."""
        try:
            parts = self._arrived.get(timeout=patience) if patience else self._arrived.get_nowait()
        except Empty:
            return None
        reports: list[Report] = unpacked(parts)
        return reports

    def status(self) -> int:
        """How it has ended, as `Popen.returncode` says it, once everything was read."""
        self._join()
        return self._process.wait(PATIENCE)

    def close(self) -> None:
        """End it at once, in whatever it does."""
        self._process.kill()
        self._process.wait(PATIENCE)
        self._join()

    def _join(self) -> None:
        self._instructions.put(None)
        for thread in self._threads:
            thread.join(PATIENCE)

    # -- the two threads -------------------------------------------------------------------------

    def _write(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(OSError), pipe:  # its end is told by the other thread
            while (instruction := self._instructions.get()) is not None:
                write(pipe, instruction)

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        with contextlib.suppress(EOFError), pipe:
            while True:
                self._arrived.put(read(pipe))
        self._told_end(self)
