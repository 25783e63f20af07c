"""Films of panels: the timeline of a run as MP4 or GIF.

A film is made from the recordings, frame by frame, by copies of the panels, so that what is on the
screen can go on meanwhile. Frames are painted on the GUI thread, one at a time between its other
work, and packed by a thread of their own. The encoder (PyAV) is an optional extra, docs/decisions
0009.
"""

from __future__ import annotations

import importlib.util
import logging
import queue
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPoint, QRect, QSize, QSizeF, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter

from initviz.ui.panels import export
from initviz.ui.panels.base import Panel, Shown

log = logging.getLogger(__name__)

Frame = NDArray[np.uint8]

#: The size of a film as the window would show it, before it is sharpened.
SIZE = QSize(640, 360)
#: Frames in a second, and the most in a film.
PACE, MOST_FRAMES = 20, 300
#: How long the last frame stays, in frames.
REST = PACE
#: Milliseconds between two frames that are painted beside other work.
_PAUSE = 4
#: Frames that may wait for the encoder: each takes 3 MB.
_WAITING = 4

#: What to do where there is no encoder. A frozen program cannot be given one.
MISSING = (
    'films need initviz as it is installed by pip: pip install "initviz[video]"'
    if getattr(sys, "frozen", False)
    else 'a film needs one more package: pip install "initviz[video]"'
)


@dataclass(frozen=True)
class Kind:
    """One kind of film: pixels for each pixel of `SIZE`, and how it is packed."""

    sharpness: float
    container: str
    codec: str
    pixels: str
    options: dict[str, str]
    #: FFmpeg filters that turn a frame of RGB into one that the codec takes.
    filters: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    ".mp4": Kind(2.0, "mp4", "libx264", "yuv420p", {"crf": "18", "preset": "veryfast"}),
    # Each frame gets the 256 colours that suit it.
    ".gif": Kind(1.5, "gif", "gif", "pal8", {}, ("palettegen", "paletteuse")),
}
#: The endings of films.
ENDINGS = tuple(KINDS)


def is_available() -> bool:
    """Whether films can be made here; if not, `MISSING` says what to do."""
    return importlib.util.find_spec("av") is not None


def film_steps(shown: Sequence[Shown], most: int = MOST_FRAMES) -> list[int]:
    """At most so many of the steps that are kept of any of these lanes, evenly among them."""
    tracks = [lane.recording.scalar_track("loss").steps for lane in shown]
    kept = np.unique(np.concatenate(tracks)) if tracks else np.empty(0, dtype=np.int64)
    if len(kept) > most:
        kept = kept[np.round(np.linspace(0, len(kept) - 1, most)).astype(np.int64)]
    found: list[int] = kept.tolist()
    return found


def copy_of(panel: Panel[Any], shown: Sequence[Shown]) -> Panel[Any]:
    """A panel that shows what `panel` does, for pictures alone; `stop` it when done.

    It has no analyst, so that every picture is whole.
    """
    made = type(panel)()
    for key, value in panel.chosen.items():
        made.set_option(key, value)
    made.set_theme(panel.theme)
    made.show_data(shown)
    if made.picks_lane and panel.shown and shown:
        made.pick_lane(panel.picked.letter)
    return made


class Scene:
    """What is filmed: panels at their places in a picture. `close` it when done.

    `places` are in pixels of the window; the picture shows them as large as it can.
    """

    def __init__(
        self,
        panels: Sequence[Panel[Any]],
        places: Sequence[QRect],
        shown: Sequence[Shown],
        kind: Kind,
    ) -> None:
        self._shown = tuple(shown)
        self._ground = QColor(panels[0].theme.window)
        #: The pixels of a frame, even numbers.
        self.size = QSize(*(2 * round(kind.sharpness * side / 2) for side in SIZE.toTuple()))
        self._panels = [copy_of(panel, shown) for panel in panels]
        self._places = list(places)
        self._whole = QRect()
        for panel, place in zip(self._panels, places, strict=True):
            panel.resize(place.size())
            self._whole = self._whole.united(place)

    @classmethod
    def of_panel(cls, panel: Panel[Any], shown: Sequence[Shown], kind: Kind) -> Scene:
        """One panel that fills the picture."""
        return cls([panel], [QRect(QPoint(0, 0), SIZE)], shown, kind)

    @classmethod
    def of_panels(cls, panels: Sequence[Panel[Any]], shown: Sequence[Shown], kind: Kind) -> Scene:
        """Several panels, as they are arranged beside each other in their window."""
        window = panels[0].window()
        return cls(
            panels, [QRect(p.mapTo(window, QPoint()), p.size()) for p in panels], shown, kind
        )

    def frame(self, step: int) -> QImage:
        """The picture at one step."""
        image = QImage(self.size, QImage.Format.Format_RGB888)
        image.fill(self._ground)
        size, whole = QSizeF(self.size), QSizeF(self._whole.size())
        scale = min(size.width() / whole.width(), size.height() / whole.height())
        rest = (size - whole * scale) / 2
        shown = [replace(lane, step=step) for lane in self._shown]
        for panel, place in zip(self._panels, self._places, strict=True):
            panel.show_data(shown)
            with QPainter(image) as painter:
                painter.translate(rest.width(), rest.height())
                painter.scale(scale, scale)
                painter.translate(place.topLeft() - self._whole.topLeft())
                painter.setClipRect(0, 0, place.width(), place.height())
                export.paint(panel, painter, place.size())
        return image

    def close(self) -> None:
        """Let go of the panels."""
        for panel in self._panels:
            panel.stop()
            panel.deleteLater()
        self._panels = []


def pixels(image: QImage) -> Frame:
    """A frame as an array (height, width, 3) of its own."""
    bits = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return bits[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


class Encoder:
    """Writes frames to a film file; `close` it, after `finish` if all went well."""

    def __init__(self, path: Path, kind: Kind, size: QSize) -> None:
        import av

        self._av = av
        self._container = av.open(str(path), "w", format=kind.container)
        codec = kind.codec if kind.codec in av.codecs_available else "mpeg4"
        stream = self._container.add_stream(codec, rate=PACE, options=kind.options)
        self._stream = cast(Any, stream)
        self._stream.width, self._stream.height = size.toTuple()
        self._stream.pix_fmt = kind.pixels
        # Training has the other core.
        self._stream.codec_context.thread_count = 1
        self._kind = kind
        self._frames = 0

    def add(self, frame: Frame) -> None:
        """Write one frame."""
        made = self._av.VideoFrame.from_ndarray(frame, format="rgb24")
        for ready in self._filtered(made) if self._kind.filters else [made]:
            ready.pts, ready.time_base = self._frames, Fraction(1, PACE)
            self._container.mux(self._stream.encode(ready))
        self._frames += 1

    def _filtered(self, frame: Any) -> Iterator[Any]:
        """The frame in colours of its own."""
        make, use = self._kind.filters
        graph = self._av.filter.Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, PACE)
        )
        split, palette = graph.add("split"), graph.add(make, "stats_mode=single")
        used, sink = graph.add(use, "new=1:dither=none"), graph.add("buffersink")
        source.link_to(split)
        split.link_to(used, 0, 0)
        split.link_to(palette, 1, 0)
        palette.link_to(used, 0, 1)
        used.link_to(sink)
        graph.configure()
        frame.pts, frame.time_base = 0, Fraction(1, PACE)
        graph.push(frame)
        graph.push(None)
        yield graph.pull()

    def finish(self) -> None:
        """Write what is still held back."""
        self._container.mux(self._stream.encode(None))

    def close(self) -> None:
        """Close the file."""
        self._container.close()


def _pack(path: Path, kind: Kind, size: QSize, frames: Iterator[Frame]) -> None:
    """Write a film; an existing file is replaced when all is well."""
    path = path.resolve()  # a link stays a link
    with tempfile.TemporaryDirectory(prefix=".initviz-", dir=path.parent) as folder:
        draft = Path(folder, f"draft{path.suffix.lower()}")
        with closing(Encoder(draft, kind, size)) as encoder:
            last: list[Frame] = []
            for frame in frames:
                encoder.add(frame)
                last = [frame] * REST
            for frame in last:
                encoder.add(frame)
            encoder.finish()
        draft.replace(path)


def write_film(
    scene: Scene,
    steps: Sequence[int],
    path: Path,
    progress: Callable[[int], None] = lambda _done: None,
) -> None:
    """Paint and pack a whole film, and return when it is there.

    `progress` is told how many frames are done.

    Raises:
        OSError: if the file cannot be written.
    """

    def frames() -> Iterator[Frame]:
        for number, step in enumerate(steps, 1):
            yield pixels(scene.frame(step))
            progress(number)

    _pack(path, KINDS[path.suffix.lower()], scene.size, frames())


class _Cancelled(Exception):  # noqa: N818 (it is no error)
    """The film is not wanted any more."""


class Film(QObject):
    """A film that is made while the window goes on; it starts at once.

    `progressed` tells how many frames were painted, `ended` that it is over: with an empty text if
    the film is there or was cancelled, otherwise with a sentence.
    """

    progressed = Signal(int)
    ended = Signal(str)

    def __init__(
        self, scene: Scene, steps: Sequence[int], path: Path, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.frames = len(steps)
        self.is_over = False
        self._scene = scene
        self._steps = list(steps)
        self._painted = 0
        self._path, self._size = path, scene.size
        self._queue: queue.Queue[Frame | None] = queue.Queue(_WAITING)
        self._is_cancelled = threading.Event()
        self._trouble = ""
        self._thread = threading.Thread(target=self._work, name="initviz film")
        self._timer = QTimer(self)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self._go_on)
        self._thread.start()
        self._timer.start()

    def cancel(self) -> None:
        """Stop; what was there before stays."""
        if not self.is_over:
            self._is_cancelled.set()
            self._end("")

    # -- GUI thread ------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Paint one frame, unless the encoder has enough to do."""
        if not self._thread.is_alive():
            self._end(self._trouble)
        elif self._queue.full():
            return
        elif self._painted < self.frames:
            try:
                frame = pixels(self._scene.frame(self._steps[self._painted]))
            except Exception as error:
                log.info("a frame could not be painted", exc_info=True)
                self._is_cancelled.set()
                self._end(_sentence(error))
                return
            self._queue.put_nowait(frame)
            self._painted += 1
            self.progressed.emit(self._painted)
        elif self._painted == self.frames:
            self._queue.put_nowait(None)
            self._painted += 1  # the end was told

    def _end(self, trouble: str) -> None:
        self.is_over = True
        self._timer.stop()
        self._thread.join()
        self._scene.close()
        self.ended.emit(trouble)

    # -- its own thread --------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            _pack(self._path, KINDS[self._path.suffix.lower()], self._size, self._frames())
        except _Cancelled:
            return
        except Exception as error:
            log.info("the film failed", exc_info=True)
            self._trouble = _sentence(error)

    def _frames(self) -> Iterator[Frame]:
        while True:
            if self._is_cancelled.is_set():
                raise _Cancelled
            try:
                frame = self._queue.get(timeout=0.05)
            except queue.Empty:
                continue
            if frame is None:
                return
            yield frame


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).splitlines() or [type(error).__name__])[0]
