"""The panels of a stage: one alone, or two beside or below each other, as on a projector."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QWidget

from initviz.lab.lectures import Stage
from initviz.ui.panels import PANELS
from initviz.ui.panels.base import Panel, Shown
from initviz.ui.panels.seeds import Seeds
from initviz.ui.panels.slow_motion import SlowMotionPanel
from initviz.ui.theme import Theme

Answer = TypeVar("Answer")
KINDS = {kind.name: kind for kind in PANELS}
#: The words beside the titles are renewed at every so many ticks.
WORDS = 6


class Answering(Protocol):
    """Who finds things out behind the window, such as a session's analyst."""

    def ask(
        self,
        key: Hashable,
        compute: Callable[[], Answer],
        answer: Callable[[Answer], None],
        fail: Callable[[str], None] | None = None,
    ) -> None:
        """Compute something in a thread, and tell it in the window's."""


class StagePanels(QWidget):
    """Makes each panel once, when a stage first names it, and dresses it as the stage wants.

    Signals:
        experiment_wanted: a lane's letter, and the experiment that somebody plays with.
        answered: a panel was told what it had asked the analyst.
    """

    experiment_wanted = Signal(str, object)
    answered = Signal()

    def __init__(self, analyst: Answering, look: Theme) -> None:
        super().__init__()
        self.setObjectName("lecture.panels")
        self.setAccessibleName("Panels")
        self._analyst, self._theme = analyst, look
        self._made: dict[str, Panel[Any]] = {}
        self._defaults: dict[str, Mapping[str, str]] = {}
        self._marked: set[Panel[Any]] = set()
        self._stage = Stage()
        self._is_settled = False  # whether all is there that the stage wants
        self._body = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._body.setContentsMargins(0, 0, 0, 0)
        self.panels: tuple[Panel[Any], ...] = ()

    def panel(self, name: str) -> Panel[Any] | None:
        """A panel on the stage by its name."""
        return next((panel for panel in self.panels if panel.name == name), None)

    @property
    def needs_weights(self) -> bool:
        """Whether a panel on the stage looks into whole weights."""
        return any(panel.needs_analyst for panel in self.panels)

    def set_theme(self, look: Theme) -> None:
        """Paint in the colours and sizes of `look`."""
        self._theme = look
        for panel in self._made.values():
            panel.set_theme(look)
        self._fit()

    def stop(self) -> None:
        """Let every panel end what it is still finding out."""
        for panel in self._made.values():
            panel.stop()

    # -- dressing --------------------------------------------------------------------------------

    def arrange(self, stage: Stage) -> None:
        """Put the panels of this stage in their places; what they show is still to be told."""
        self._stage, self._is_settled = stage, False
        known = [name for name in stage.panels if name in KINDS]
        wanted = tuple(self._made.get(name) or self._make(name) for name in known)
        if wanted != self.panels:
            for panel in self.panels:
                if panel not in wanted:
                    panel.hide()
                    self._leave(panel)
                self._body.removeWidget(panel)
            self.panels = wanted
            for panel in wanted:
                self._body.addWidget(panel, 1)
            self._fit()

    def dress(self, shown: Sequence[Shown]) -> str:
        """Show these lanes with the stage's options, highlight and beat, and nothing of before.

        Returns what a panel does not have, as a sentence; empty where all is well.
        """
        strange = [name for name in self._stage.panels if name not in KINDS]
        faults = [f"There is no panel {name!r}." for name in strange]
        for panel in self.panels:
            panel.set_highlight(self._stage.highlight)
            panel.expect_layers(self._veiled_layers)
            panel.show_data(shown)
            faults += self._choose(panel)
            panel.show()
        self._marked.clear()
        self._settle_places()
        self._show_beat()
        return " ".join(faults)

    def begin_seeds(self) -> None:
        """Let a panel that compares seeds run them: nobody should have to reach for its button."""
        for panel in self.panels:
            if isinstance(panel, Seeds) and not panel.is_running:
                panel.run()

    def _make(self, name: str) -> Panel[Any]:
        panel = self._made[name] = KINDS[name](self)
        panel.hide()
        panel.set_theme(self._theme)
        panel.present(True)
        panel.experiment_wanted.connect(
            lambda letter, wanted, _gesture: self.experiment_wanted.emit(letter, wanted)
        )
        if panel.needs_analyst:
            panel.analyst = _Heard(self._analyst, self._hear)
        self._defaults[name] = panel.chosen | ({"lane": ""} if panel.picks_lane else {})
        return panel

    def _choose(self, panel: Panel[Any]) -> list[str]:
        """Choose the options that the stage names, and those of the start for the others."""
        faults = []
        wanted = {**self._defaults[panel.name], **self._options(panel)}
        for key, value in wanted.items():
            try:
                panel.set_option(key, value)
            except KeyError as fault:
                faults.append(str(fault.args[0]))
        return faults

    @property
    def _veiled_layers(self) -> int:
        """How many hidden layers there will be, where all lanes are still veiled; else 0."""
        veiled, lanes = self._stage.veiled, self._stage.lanes
        if not all(lane.letter in veiled for lane in lanes):
            return 0
        return max((lane.experiment.network.hidden_layers for lane in lanes), default=0)

    def _options(self, panel: Panel[Any]) -> Mapping[str, str]:
        return self._stage.options.get(panel.name, {})

    def _leave(self, panel: Panel[Any]) -> None:
        if isinstance(panel, Seeds):
            panel.cancel()

    # -- slow motion -----------------------------------------------------------------------------

    def _hear(self) -> None:
        if self._is_settled:  # while it runs, a head that shrinks and grows would shake its chart
            self._settle_places()
        self.answered.emit()

    def _show_beat(self) -> None:
        """Go to the stage's beat of slow motion: the first one where it names none."""
        panel, wanted = self.panel(SlowMotionPanel.name), self._stage.slow_motion or 0
        if not isinstance(panel, SlowMotionPanel):
            return
        if wanted == "play":
            panel.play()
        else:
            panel.show_beat(int(wanted))

    # -- drawing ---------------------------------------------------------------------------------

    def show_now(self, shown: Sequence[Shown]) -> None:
        """Draw every panel with these lanes."""
        for panel in self.panels:
            panel.show_data(shown)
        self._marked.clear()

    def mark(self) -> None:
        """There is something new to draw, at each panel's own pace."""
        self._marked.update(self.panels)

    @property
    def undrawn(self) -> list[str]:
        """The names of the panels on the stage that have something to show and have not drawn."""
        waiting = (p for p in self.panels if p in self._marked or not p.has_drawn)
        return [panel.name for panel in waiting if panel.shown]

    def tick(self, number: int, shown: Sequence[Shown]) -> None:
        """Draw the panels whose turn it is."""
        for place, panel in enumerate(self.panels):
            beat = number + place
            if panel in self._marked and beat % panel.every == 0:
                panel.show_data(shown, words=beat % WORDS == 0)
                self._marked.discard(panel)

    def settle(self, shown: Sequence[Shown]) -> None:
        """Draw these lanes, to which nothing will come any more, as if one had just come here."""
        self.show_now(shown)
        self._is_settled = True
        self._settle_places()

    def _settle_places(self) -> None:
        """Put everything where it will stay before it is painted, or the charts would jump."""
        for panel in self.panels:
            panel.fit_head()
        self._body.activate()
        for panel in self.panels:
            inside = panel.layout()
            for _ in range(2):  # how high its head is depends on how wide it became
                if inside is not None:
                    inside.activate()

    # -- places ----------------------------------------------------------------------------------

    def _fit(self) -> None:
        """Below each other where both are high enough so, and wide is what they want to be."""
        self._body.setSpacing(self._theme.gap)
        least = [panel.minimumHeight() for panel in self.panels]
        high = sum(least) + self._theme.gap * max(len(least) - 1, 0) <= self.height()
        high = high and not any(panel.is_upright for panel in self.panels)
        way = QBoxLayout.Direction
        self._body.setDirection(way.TopToBottom if high else way.LeftToRight)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()


class _Heard:
    """An analyst for panels, of whose answers somebody else hears too."""

    def __init__(self, analyst: Answering, heard: Callable[[], None]) -> None:
        self._analyst, self._heard = analyst, heard

    def ask(
        self, key: Hashable, function: Callable[[], Answer], answer: Callable[[Answer], None], /
    ) -> None:
        def tell(found: Answer) -> None:
            answer(found)
            self._heard()

        self._analyst.ask(key, function, tell)
