"""How the gradients of all layers fare over a run: layers down, steps along, size as colour."""

from __future__ import annotations

from initviz.ui.panels.axes import DECADES, Floats, short_power
from initviz.ui.panels.base import Option
from initviz.ui.panels.exponents import relative_exponents
from initviz.ui.panels.gradient_magnitude import KINDS
from initviz.ui.panels.gradient_through_time import KINDS as TIME_KINDS
from initviz.ui.panels.heat_colours import Colours, PowerColours
from initviz.ui.panels.over_time import OverTime, Rows
from initviz.ui.panels.time_axis import SPAN


class GradientOverTime(OverTime):
    """A heat map with locked colours: log10 of a gradient over that of the last hidden layer."""

    name = "gradient_over_time"
    title = "Gradient over time"
    short_title = "Gradient map"
    group = "Gradients"
    how_to_read = (
        "Each row is a hidden layer, layer 1 on top, each column a step. The colour is the size "
        "of the gradient there, relative to the last hidden layer, on colours that never rescale "
        "themselves: dark blue has vanished, yellow is as large as at the last layer, red "
        "explodes. A layer that learns late brightens on its way to the right. Where there is a "
        "single recurrent layer the rows are the time steps of its sequence. Cells that are "
        "exactly 0, or no number, have a look of their own."
    )
    is_qualified = True
    options = (
        Option("of", "Gradient", {"signal": "signal", "weights": "weights"}),
        Option("axis", "Colours", {key: decades.label for key, decades in DECADES.items()}),
        SPAN,
    )

    def rows(self) -> Rows:
        recording, kind = self.picked.recording, self.option("of")
        if recording.times and len(recording.layers) == 2 and kind == "signal":
            # Relative to itself, a single layer would be the same for ever.
            quantity, name = TIME_KINDS["state"]
            track = recording.time_track(quantity)
            return Rows(track, name, "time step", "last time step", recording.times)
        quantity, name = KINDS[kind]
        count = len(recording.layers) - 1
        return Rows(recording.track(quantity), name, "hidden layer", "last hidden layer", count)

    def colours(self) -> Colours:
        return PowerColours(DECADES[self.option("axis")])

    def to_draw(self, values: Floats) -> Floats:
        return relative_exponents(values)

    def drawn_text(self, value: float) -> str:
        return f",  relative {short_power(value)}"

    def drawn_column(self) -> str:
        return f"log10 relative to the {self.rows().last.replace('hidden ', '')}"

    def subtitle(self) -> str:
        rows = self.rows()
        return f"relative to the {rows.last} · {self.picked.letter} · {rows.name}"
