"""What panels share that look into whole weights: the nearest checkpoint, and who computes.

What takes longer than a redraw is found by the analyst, behind the window. Until an answer comes
the one before it stays, with its own step; where there is none to come, a sentence says why.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from PySide6.QtCore import QPointF, QSize, QSizeF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from initviz.lab.checkpoint import Checkpoint
from initviz.session.worker import explain
from initviz.ui.controls import ComboBox, WholeBox
from initviz.ui.panels.base import Panel, Shown
from initviz.ui.panels.drawing import CENTRE, wrapped, write
from initviz.ui.theme import Theme

log = logging.getLogger(__name__)
Found = TypeVar("Found")
NO_CHECKPOINTS = "No whole weights of this run were kept."
LOOKING = "Looking…"


@dataclass(frozen=True)
class LookLayout:
    """All that the drawing depends on, beside what was found."""

    theme: Theme
    size: QSizeF


@dataclass(frozen=True)
class Look(Generic[Found]):
    """What was found at a checkpoint, or a sentence why nothing was."""

    subject: Hashable
    step: int
    found: Found | None = None
    sentence: str = ""


class CloserLook(Panel[LookLayout], Generic[Found]):
    """A panel that shows one lane at a checkpoint, computed beside the window.

    Without an analyst it computes at once: where nobody waits, as for a picture in a file.
    """

    picks_lane = True
    needs_analyst = True

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look: Look[Found] | None = None
        self._asked: tuple[Hashable, int] | None = None
        self._is_reading = False

    def keep_choice(self, key: str, value: str) -> None:
        """Choose what no menu lists, as there are too many or they depend on the run."""
        if value != self._chosen[key]:
            self._chosen[key] = value
            self._stale = self.words_due = True
            self._refresh()
            self.option_changed.emit(key, value)

    # -- what a panel looks for --------------------------------------------------------------------

    def why_not(self, _lane: Shown) -> str:
        """A sentence where there is nothing to look for in this lane; empty where there is."""
        return ""

    @abstractmethod
    def subject(self, lane: Shown) -> Hashable:
        """What is looked at, apart from the step: while it stays, the newest answer is shown."""

    @abstractmethod
    def question(self, lane: Shown, checkpoint: Checkpoint) -> Callable[[], Found]:
        """What finds the answer; it runs in another thread and must not touch the panel."""

    def found_changed(self) -> None:
        """A new answer is there; often nothing is to be done."""

    @abstractmethod
    def draw_found(self, painter: QPainter, layout: LookLayout, found: Found) -> None:
        """Paint the answer."""

    @abstractmethod
    def what(self, found: Found) -> str:
        """What is shown, for the subtitle: the unit, without the step."""

    # -- looking -----------------------------------------------------------------------------------

    @property
    def found(self) -> Found | None:
        """The newest answer to what is looked at now."""
        return self._look.found if self._look is not None and self.shown else None

    @property
    def sentence(self) -> str:
        """What is said in the middle in place of an answer."""
        return self._look.sentence if self._look is not None else LOOKING

    def show_data(self, shown: Sequence[Shown], *, words: bool = True) -> None:
        """As every panel; but all is painted with the words: only where the look is another."""
        before = self._look
        super().show_data(shown, words=words and before is None)
        if self._look is not before:
            self.words_due = True
        if words:
            self.show_subtitle()

    def read(self) -> None:
        lane = self.picked
        subject = (lane.recording, self.subject(lane))
        if self._look is not None and self._look.subject != subject:
            self._look = self._asked = None
        checkpoint = lane.recording.nearest_checkpoint(lane.step)
        sentence = self.why_not(lane) or ("" if checkpoint else NO_CHECKPOINTS)
        if sentence or checkpoint is None:
            self._look, self._asked = Look(subject, -1, None, sentence), None
        elif self._asked != (subject, checkpoint.step):
            self._asked = subject, checkpoint.step
            self._ask(subject, checkpoint.step, self.question(lane, checkpoint))

    def _ask(self, subject: Hashable, step: int, compute: Callable[[], Found]) -> None:
        find = _Finding(subject, step, compute)
        self._is_reading = True
        try:
            if self.analyst is None:
                self._keep(find())
            else:
                self.analyst.ask((self.name, id(self)), find, self._keep)
        finally:
            self._is_reading = False

    def _keep(self, look: Look[Found]) -> None:
        """Show an answer, unless something else is looked at by now."""
        if self._asked is None or self._asked[0] != look.subject:
            return
        self._look = look
        self.words_due = True
        self.found_changed()
        if not self._is_reading and self.shown:
            self.show_subtitle()
            self._canvas.update()

    def stop(self) -> None:
        self._asked = None  # whatever is still answered is not shown
        super().stop()

    def subtitle(self) -> str:
        look = self._look
        if look is None or look.found is None:
            return ""
        return f"{self.what(look.found)} · {self._step_text(look.step)}"

    def _step_text(self, step: int) -> str:
        at = min(self.picked.step, self.picked.recording.last_step)
        return f"step {step}" if step == at else f"nearest kept: step {step}"

    # -- drawing -----------------------------------------------------------------------------------

    def lay_out(self, size: QSizeF) -> LookLayout:
        return LookLayout(self.theme, size)

    def draw_backdrop(self, painter: QPainter, layout: LookLayout) -> None:
        """Nothing stays from one answer to the next."""

    def draw_words(self, painter: QPainter, layout: LookLayout) -> None:
        if self.found is None:
            draw_sentence(painter, layout, self.sentence)
        else:
            self.draw_found(painter, layout, self.found)

    def draw_marks(self, painter: QPainter, layout: LookLayout) -> None:
        """Everything changes together, with an answer: it is painted with the words."""

    def describe(self, at: QPointF, layout: LookLayout) -> str:
        return self.describe_found(at, layout, self.found) if self.found is not None else ""

    def describe_found(self, _at: QPointF, _layout: LookLayout, _found: Found) -> str:
        """The exact values of an answer at a point of the chart."""
        return ""


class _Finding(Generic[Found]):
    """Finds an answer, or the sentence why there is none; raises nothing."""

    def __init__(self, subject: Hashable, step: int, compute: Callable[[], Found]) -> None:
        self._subject, self._step, self._compute = subject, step, compute

    def __call__(self) -> Look[Found]:
        try:
            return Look(self._subject, self._step, self._compute())
        except Exception as failure:
            log.info("a closer look failed", exc_info=True)
            return Look(self._subject, self._step, None, explain(failure))


class LayerLook(CloserLook[Found]):
    """One that looks at one layer, chosen in a strip under the header."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layers: tuple[str, ...] = ()
        self._chosen["layer"] = ""
        self._layer = ComboBox()
        self._layer.setObjectName(f"panel.{self.name}.layer")
        self._layer.setAccessibleName(f"{self.title}: layer")
        self._layer.setToolTip("The layer that is shown")
        self._layer.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._layer.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToContents)
        self._layer.setMinimumContentsLength(11)
        self._layer.activated.connect(lambda place: self.set_option("layer", self._layers[place]))
        caption = QLabel("Layer")
        caption.setProperty("role", "label")
        self.strip = strip_under_header(self)
        self.strip.addWidget(caption)
        self.strip.addWidget(self._layer)

    @property
    def layer(self) -> str:
        """The layer that is shown: the first, unless a person has chosen another that is there."""
        layers = self.picked.recording.layers
        return self._chosen["layer"] if self._chosen["layer"] in layers else layers[0]

    def set_option(self, key: str, value: str) -> None:
        if key != "layer":
            super().set_option(key, value)
        else:
            self.keep_choice(key, value)

    def step_layer(self, by: int) -> None:
        """Show a layer further on or, if negative, further back."""
        layers = self.picked.recording.layers
        place = min(max(layers.index(self.layer) + by, 0), len(layers) - 1)
        self.set_option("layer", layers[place])

    def read(self) -> None:
        self._fill()
        super().read()

    def _fill(self) -> None:
        """Offer the layers of the lane picked."""
        layers = self.picked.recording.layers
        if layers != self._layers:
            self._layers = layers
            self._layer.clear()
            self._layer.addItems(list(layers))
        self._layer.setCurrentIndex(layers.index(self.layer))


class SampleLook(CloserLook[Found]):
    """One that looks at one sample, chosen in a strip under the header, and goes by buttons."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chosen["sample"] = "0"
        self._sample = WholeBox()
        self._sample.setObjectName(f"panel.{self.name}.sample")
        self._sample.setAccessibleName(f"{self.title}: sample")
        self._sample.setToolTip("The number of the sample in the training part")
        self._sample.setRange(0, 0)
        self._sample.valueChanged.connect(lambda at: self.set_option("sample", str(at)))
        caption = QLabel("Sample")
        caption.setProperty("role", "label")
        self._strip = strip_under_header(self)
        self._strip.addWidget(caption)
        self._strip.addWidget(self._sample)
        self._strip.addStretch(1)

    @property
    def sample(self) -> int:
        """The number of the sample that is chosen."""
        return int(self._chosen["sample"])

    def set_option(self, key: str, value: str) -> None:
        if key != "sample":
            super().set_option(key, value)
        elif value.isdecimal():
            self.keep_choice(key, value)

    def add_button(self, text: str, name: str, tip: str, slot: Callable[[], None]) -> QToolButton:
        """One more button at the end of the strip."""
        button = QToolButton()
        button.setText(text)
        button.setProperty("role", "flat")
        button.setObjectName(f"panel.{self.name}.{name}")
        button.setAccessibleName(f"{self.title}: {tip}")
        button.setToolTip(tip)
        button.clicked.connect(lambda: slot())
        self._strip.addWidget(button)
        return button

    def show_sample(self, index: int, count: int) -> None:
        """Let the strip say which sample of how many is shown."""
        self._sample.blockSignals(True)
        self._sample.setRange(0, count - 1)
        self._sample.setValue(index)
        self._sample.blockSignals(False)


class ShortLabel(QLabel):
    """A line of text that is cut with an ellipsis where there is no room for it."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "label")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def say(self, text: str) -> None:
        """Show a text; the whole of it is in the tooltip."""
        self.setText(text)
        self.setToolTip(text)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        text = self.fontMetrics().elidedText(
            self.text(), Qt.TextElideMode.ElideRight, self.contentsRect().width()
        )
        with QPainter(self) as painter:
            painter.setPen(self.palette().color(self.foregroundRole()))
            painter.drawText(self.contentsRect(), Qt.AlignmentFlag.AlignVCenter, text)


def strip_under_header(panel: Panel[LookLayout]) -> QHBoxLayout:
    """A row for widgets between a panel's header and its chart."""
    panel.controls = QWidget()
    strip = QHBoxLayout(panel.controls)
    strip.setContentsMargins(12, 2, 12, 2)
    strip.setSpacing(8)
    column = panel.layout()
    assert isinstance(column, QVBoxLayout)
    column.insertWidget(1, panel.controls)
    return strip


def draw_sentence(painter: QPainter, layout: LookLayout, text: str) -> None:
    """A calm sentence in the middle, in as many lines as it needs."""
    theme, size = layout.theme, layout.size
    lines = wrapped(text, theme.label, size.width() - 4 * theme.gap)
    pitch = 1.6 * theme.label
    top = size.height() / 2 - pitch * (len(lines) - 1) / 2
    for row, line in enumerate(lines):
        at = (size.width() / 2, top + row * pitch)
        write(painter, line, at, theme.ink_soft, theme.label, align=CENTRE)


def signed(number: str) -> str:
    """A number with a true minus in front; that of an exponent stays as it is."""
    return "−" + number[1:] if number.startswith("-") else number
