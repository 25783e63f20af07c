"""The bar at the bottom: which recorded step is shown, and every way to another one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QPainter, QValidator
from PySide6.QtWidgets import QFrame, QHBoxLayout

from initviz.ui.controls import Slider, WholeBox, judged_whole
from initviz.ui.steady_label import SteadyLabel
from initviz.ui.theme import Theme
from initviz.ui.toolbar import ActionButton


class StepBox(WholeBox):
    """The number of the step that is shown; another one can be typed."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("timeline.step")
        self.setAccessibleName("Step shown")
        self.setToolTip("The step that is shown. Type another one.")
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setPrefix("step ")
        self.setRange(0, 0)

    def valueFromText(self, text: str) -> int:
        return super().valueFromText(text.removeprefix(self.prefix()))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        return judged_whole(text.removeprefix(self.prefix())), text, position

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance("step 0000000") + 14, metrics.height() + 6)


class TimelineSlider(Slider):
    """The recorded steps from left to right. ← and → are left to the actions of the same keys."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("timeline.slider")
        self.setAccessibleName("Recorded steps")
        self.setToolTip("Drag to look at another recorded step. Marks: a finding began or ended.")
        self._marks: tuple[tuple[int, str], ...] = ()

    @property
    def radius(self) -> float:
        return super().radius * 1.3

    @property
    def ink(self) -> QColor:
        palette = self.palette()
        return (palette.highlight() if self.hasFocus() else palette.windowText()).color()

    def show_marks(self, marks: Sequence[tuple[int, str]]) -> None:
        """Mark steps at which a finding began or ended, each with the colour of its kind."""
        if tuple(marks) != self._marks:
            self._marks = tuple(marks)
            self.update()

    def draw_filled(self, painter: QPainter, groove: QRectF, centre: QPointF) -> None:
        """A place in time fills nothing; the marks stand here, under the handle."""
        span = self.maximum() - self.minimum()
        room = self.width() - 2 * self.radius - 2
        half = 0.8 * self.radius
        for step, colour in self._marks:
            if span > 0:
                x = self.radius + 1 + room * (step - self.minimum()) / span
                painter.fillRect(
                    QRectF(x - 1, groove.center().y() - half, 2, 2 * half), QColor(colour)
                )


class TimelineBar(QFrame):
    """The strip at the bottom of the window.

    `wanted` brings the step that a person asks for; what is shown comes back by `show_position`.
    """

    wanted = Signal(int)

    def __init__(self, actions: dict[str, QAction]) -> None:
        super().__init__()
        self.setObjectName("timeline")
        self.setProperty("role", "bar")
        start = ActionButton(actions["start"], sign="start", text="")
        back = ActionButton(actions["back"], sign="back", text="")
        self._end = ActionButton(actions["end"], sign="end", text="")
        fork = ActionButton(actions["fork"], "F")
        self._buttons = [start, back, self._end, fork]
        self.step = StepBox()
        self.slider = TimelineSlider()
        self.recorded = SteadyLabel("00\u2009000 recorded · live")
        self.recorded.setObjectName("timeline.recorded")
        self.recorded.setProperty("role", "soft")
        self.step.valueChanged.connect(self.wanted)
        self.slider.valueChanged.connect(self.wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(18, 12, 18, 12)
        row.setSpacing(12)
        for part in (start, back, self.step):
            row.addWidget(part)
        row.addWidget(self.slider, 1)
        row.addWidget(self._end)
        row.addWidget(self.recorded)
        row.addWidget(fork)
        self.show_position(0, 0, live=False, kept=0)

    def show_position(self, step: int, last: int, *, live: bool, kept: int) -> None:
        """Show `step` of the steps 0 to `last`, of which `kept` are recorded.

        `live` says that the newest step is followed while training goes on.
        """
        blockers = [QSignalBlocker(self.slider), QSignalBlocker(self.step)]
        # Under the hand that drags it, the slider is where it should be.
        if not self.slider.isSliderDown():
            self.slider.setRange(0, max(0, last))
            self.slider.setValue(step)
        self.slider.setEnabled(last > 0)
        # What a person is typing stays until they have finished.
        if not self.step.lineEdit().isModified():
            self.step.setRange(0, max(0, last))
            self.step.setValue(step)
        del blockers
        ending = " · live" if live else ""
        self.recorded.say(f"{kept:,} recorded{ending}".replace(",", "\u2009"))
        self.slider.setAccessibleDescription(f"step {step} of {last}")

    def set_theme(self, theme: Theme) -> None:
        """Pass the theme on to what is drawn rather than styled."""
        for button in self._buttons:
            button.set_theme(theme)
        self.recorded.fit()
