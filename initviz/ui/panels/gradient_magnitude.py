"""How large the gradients of every layer are: the signal ∂L/∂z and the weights' ∂L/∂W."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QSizeF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from initviz.ui.panels.axes import Floats, short_power
from initviz.ui.panels.base import Option, Row, Shown, Table
from initviz.ui.panels.profile import Profile, ProfileLayout, Series
from initviz.ui.panels.theory_ghosts import (
    LATER,
    NOW,
    Ghost,
    Predictions,
    draw_band,
    draw_dashes,
    draw_line,
    ghost,
)

#: The two kinds of gradient: quantity, and its name in the legend.
KINDS: dict[str, tuple[str, str]] = {
    "signal": ("signal_gradient_norm", "signal ∂L/∂z"),
    "weights": ("weight_gradient_norm", "weights ∂L/∂W"),
}


class GradientMagnitude(Profile):
    """log10 of the gradient norms against the hidden layers."""

    name = "gradient_magnitude"
    title = "Gradient magnitude"
    short_title = "Magnitude"
    group = "Gradients"
    how_to_read = (
        "Each point is the size of a gradient at one hidden layer, on an axis of powers of ten "
        "that never rescales itself. Circles are the signal ∂L/∂z that is sent back from the "
        "loss; read it from right to left. Where it falls towards the left it vanishes, where it "
        "rises it explodes; in the shaded band it is healthy. Squares are ∂L/∂W, what the "
        "weights of that layer learn from: the signal times what came forward. The dashed line "
        "is what theory expects of the signal before training, in a band that two of three "
        "networks keep to; once weights have changed only its outline stays. Theory tells of "
        "ratios: in absolute numbers it starts from the last hidden layer as measured at step 0. "
        "What leaves the axis is marked at its edge with its value."
    )
    kinds = KINDS
    column = "layer"
    place = "hidden layer"
    direction = "input side is left"
    reference = "the last hidden layer"
    options = (
        *Profile.options,
        Option("of", "Marks", {"both": "signal and weights", "signal": "signal alone"}),
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ghosts: list[Ghost] = []
        self._predictions = Predictions(self)
        self._predictions.grew.connect(lambda: self.show_data(self.shown))

    @classmethod
    def suits(cls, shown: Sequence[Shown]) -> bool:
        """Where all lanes are recurrent, time takes the place of depth."""
        return not shown or any(not lane.recording.times for lane in shown)

    def count(self, lane: Shown) -> int:
        return len(lane.recording.layers) - 1

    def row(self, lane: Shown, quantity: str) -> tuple[int, Floats]:
        step, row = lane.recording.latest(quantity, lane.step)
        return step, row[: self.count(lane)]

    def _read_series(self, lane: Shown, kind: str, relative: bool) -> Series:
        series = super()._read_series(lane, kind, relative)
        is_left_out = kind == "weights" and self.option("of") == "signal"
        return replace(series, measured_at=-1) if is_left_out else series

    # -- theory ----------------------------------------------------------------------------------

    @property
    def ghosts(self) -> tuple[Ghost, ...]:
        """What theory says of the lanes, as far as it is known yet."""
        return tuple(self._ghosts)

    def read(self) -> None:
        super().read()
        self._predictions.show(self.shown)
        relative = self.option("scale") == "relative"
        lanes = {series.lane.letter: series.lane for series in self._series}
        answers = [(lane, self._predictions.of(lane.recording)) for lane in lanes.values()]
        self._ghosts = [
            ghost(lane, answer, KINDS["signal"][0], relative=relative)
            for lane, answer in answers
            if answer is not None
        ]

    def draw(self, painter: QPainter, size: QSizeF) -> None:
        if self.shown:
            self._predictions.settle(self.shown)
            self.read()
        super().draw(painter, size)

    def stop(self) -> None:
        super().stop()
        self._predictions.close()

    def _is_now(self, lane: Shown) -> bool:
        """Whether what is drawn of a lane was measured at the step that theory is about."""
        return all(series.measured_at == 0 for series in self._series if series.lane is lane)

    @property
    def _drawn_kinds(self) -> dict[str, str]:
        drawn = [ghost.lane for ghost in self._ghosts if ghost.is_drawn]
        if not drawn:
            return super()._drawn_kinds
        return super()._drawn_kinds | {"theory": NOW if all(map(self._is_now, drawn)) else LATER}

    def _draw_kind(self, painter: QPainter, kind: str, x: Floats, y: Floats, colour: str) -> None:
        if kind == "theory":
            half = 0.7 * self.theme.mark
            is_now = all(self._is_now(ghost.lane) for ghost in self._ghosts if ghost.is_drawn)
            ends, level = np.append(x - half, x + half), np.append(y, y)
            draw_dashes(painter, ends, level, self.theme, is_now=is_now)
        else:
            super()._draw_kind(painter, kind, x, y, colour)

    def draw_words(self, painter: QPainter, layout: ProfileLayout) -> None:
        painter.save()
        painter.setClipRect(layout.plot)
        for one in reversed(self._ghosts):
            is_now = self._is_now(one.lane)
            draw_band(painter, one, layout.x, layout.y, layout.theme, is_now=is_now)
        painter.restore()
        super().draw_words(painter, layout)

    def draw_between(self, painter: QPainter, layout: ProfileLayout) -> None:
        painter.save()
        painter.setClipRect(layout.plot)
        for one in self._ghosts:
            if one.is_drawn and self._is_now(one.lane):
                draw_line(painter, one, layout.x, layout.y, layout.theme)
        painter.restore()

    def describe(self, at: QPointF, layout: ProfileLayout) -> str:
        text, place = super().describe(at, layout), round(layout.x.value(at.x()))
        lines = [self._theory(one, place - 1) for one in self._ghosts]
        return "\n".join([text, *filter(None, lines)]) if text else ""

    def _theory(self, one: Ghost, index: int) -> str:
        """What theory says of one layer, or why it says nothing."""
        if one.why_not:
            return textwrap.fill(f"{one.lane.letter}  {one.why_not}", 64)
        if index >= len(one.exponents):
            return ""
        expected, reach = float(one.exponents[index]), float(one.reach[index])
        value, low, high = map(short_power, (expected, expected - reach, expected + reach))
        return f"{one.lane.letter}  theory at step 0: {value},  from {low} to {high}"

    def table(self) -> Table:
        header, rows = super().table()
        expected: list[Row] = [
            [one.lane.letter, one.lane.label, 0, layer, "theory", "", float(exponent)]
            for one in self._ghosts
            if one.is_drawn
            for layer, exponent in enumerate(one.exponents, start=1)
        ]
        return header, [*rows, *expected]
