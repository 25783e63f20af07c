"""The panels in the middle: which there are, how they are laid out, and when each is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QSplitter, QVBoxLayout, QWidget

from initviz.lab.thresholds import Thresholds
from initviz.ui.board_rows import DropMark, Place, Rows
from initviz.ui.layout import DEFAULT, Direction, Layout, Side
from initviz.ui.panel_moves import PanelMenu, equip
from initviz.ui.panels import CATALOGUE, Entry
from initviz.ui.panels.base import Asking, Panel, Shown
from initviz.ui.theme import LIGHT, Theme

#: The words beside the titles are renewed at every so many ticks.
WORDS = 6

Options = Mapping[str, Mapping[str, str]]


def _place_of(entry: Entry) -> str:
    return entry.stands_in_for or entry.name


#: The panels that share a place, by the name that this has in a layout.
KINDS: dict[str, tuple[Entry, ...]] = {
    name: tuple(entry for entry in CATALOGUE.values() if _place_of(entry) == name)
    for name in dict.fromkeys(map(_place_of, CATALOGUE.values()))
}


class PanelBoard(QWidget):
    """The panels of a layout, which a person adds, removes, moves and resizes.

    What the panels show is asked from `shown` when they are drawn. `mark` says that there is
    something new; each panel is then drawn at its own pace, at every `every`-th tick. Panels are
    made when they are first shown, and kept.

    Signals:
        layout_changed: a person changed the layout: before, after, and the gesture of which it is
            a part, "" if it stands by itself. `use` takes it back.
        arranged: the layout is another, whoever asked for that.
        failed: with a sentence: why a panel could not be saved.
        experiment_wanted: a lane's letter, the experiment that it is to run, and the gesture.
        option_changed: an option of a panel is another.
    """

    layout_changed = Signal(object, object, str)
    arranged = Signal()
    failed = Signal(str)
    experiment_wanted = Signal(str, object, str)
    option_changed = Signal()

    def __init__(self, shown: Callable[[], Sequence[Shown]], layout: Layout = DEFAULT) -> None:
        super().__init__()
        self.setObjectName("panels")
        self.setAccessibleName("Panels")
        self.setProperty("role", "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._shown = shown
        self._lanes: Sequence[Shown] = ()  # as they were when something was last drawn
        self._theme = LIGHT
        self._thresholds = Thresholds()
        self._analyst: Asking | None = None
        self._layout = Layout()
        self._alone = ""
        self._places: dict[str, Place] = {}
        self._made: dict[str, Panel[Any]] = {}
        self._marked: set[Panel[Any]] = set()
        #: Those for which there was nothing new when it was their turn.
        self._late: set[Panel[Any]] = set()
        self._unsuited: set[Panel[Any]] = set()
        self._options: dict[str, Mapping[str, str]] = {}
        self._area = Rows()
        self._area.resized.connect(self._resized)
        self._area.verticalScrollBar().valueChanged.connect(self._catch_up)
        self._drop = DropMark(self)
        self._empty = self._offer()
        self._waiting = QLabel("Measuring step 0…", self)
        self._waiting.setObjectName("waiting")
        self._waiting.setProperty("role", "pill")
        self._body = QVBoxLayout(self)
        self._body.addWidget(self._area, 1)
        self._body.addWidget(self._empty, 1, Qt.AlignmentFlag.AlignCenter)
        self.use(layout)

    def _offer(self) -> QPushButton:
        """What stands on a board without panels."""
        button = QPushButton("Add panel")
        button.setObjectName("button.add_panel")
        button.setAccessibleName("Add panel")
        button.setMenu(PanelMenu(self, parent=button))
        return button

    # -- the layout --------------------------------------------------------------------------

    @property
    def arrangement(self) -> Layout:
        """The layout as it is."""
        return self._layout

    @property
    def panels(self) -> list[Panel[Any]]:
        """The panels that are on the board, as one reads."""
        kinds = [kind for name in self._layout.panels for kind in KINDS[name]]
        return [self._made[kind.name] for kind in kinds if kind.name in self._made]

    @property
    def rows(self) -> list[QSplitter]:
        """What divides each row."""
        return list(self._area.rows)

    def splitters(self) -> dict[str, QSplitter]:
        """What is kept by name elsewhere: nothing, all sizes are part of the layout."""
        return {}

    def panel(self, name: str) -> Panel[Any]:
        """A panel by its name, made if it was not there yet.

        Raises:
            KeyError: if there is none.
        """
        if name not in self._made:
            if name not in CATALOGUE:
                raise KeyError(f"there is no panel {name!r}")
            self._make(CATALOGUE[name])
        return self._made[name]

    def use(self, layout: Layout) -> None:
        """Show another layout; panels that are not known are left out."""
        layout = layout.only(KINDS)
        if layout == self._layout and not self._alone:
            return
        focused = self._focused()
        for name in self._layout.panels:
            if name not in layout.panels:
                self._take_off(self._places[name])
        for name in layout.panels:
            self._place(name)
        self._layout = layout
        self._choose(self._lanes)
        self._show_alone("")
        self._catch_up()
        self._chain_tabs()
        if focused is not None:
            (focused if focused.isVisible() else self).setFocus(Qt.FocusReason.OtherFocusReason)
        self.arranged.emit()

    def add_panel(self, name: str) -> None:
        """One more panel, which is then in view and has the focus."""
        self._change(self._layout.added(name))
        if name in self._layout.panels:
            self._area.bring_into_view(self._places[name])
            self._focus(name)

    def remove_panel(self, name: str) -> None:
        """Take a panel off; it is as it was when it is added again."""
        order = self._layout.panels
        self._change(self._layout.removed(name))
        if name in order and self._layout.panels:
            self._focus(self._layout.panels[min(order.index(name), len(order) - 2)])

    def move_panel(self, name: str, direction: Direction) -> None:
        """One place on."""
        if not self._alone:
            self._change(self._layout.moved(name, direction))

    def put_panel(self, name: str, beside: str, side: Side) -> None:
        """Beside another one."""
        if not self._alone:
            self._change(self._layout.put(name, beside, side))

    def grow(self, name: str, wider: int, higher: int) -> None:
        """Larger or smaller, by thousandths of the row's width and of the board's height."""
        if not self._alone:
            after = self._layout.widened(name, wider).heightened(name, higher)
            self._change(after, f"size of {name}")

    def reset_layout(self) -> None:
        """As at the first start."""
        self._change(DEFAULT.only(KINDS))
        self._area.verticalScrollBar().setValue(0)

    def _change(self, after: Layout, gesture: str = "") -> None:
        before = self._layout
        self.use(after)
        if self._layout != before:
            self.layout_changed.emit(before, self._layout, gesture)

    def _resized(self, after: Layout, gesture: str) -> None:
        """The sizes are already as a person dragged them."""
        before, self._layout = self._layout, after
        if after != before:
            self.arranged.emit()
            self.layout_changed.emit(before, after, gesture)

    # -- one alone ---------------------------------------------------------------------------

    @property
    def maximised(self) -> str:
        """The name of the panel that is alone; "" if none is."""
        return self._alone

    def maximise(self, name: str) -> None:
        """Show one panel alone. It is a way of looking, and changes nothing of the layout."""
        if name in self._layout.panels and name != self._alone:
            self._show_alone(name)
            self._catch_up()
            self._focus(name)
            self.arranged.emit()

    def restore(self) -> None:
        """Show all panels again."""
        if self._alone:
            was = self._alone
            self._show_alone("")
            self._catch_up()
            self._focus(was)
            self.arranged.emit()

    def toggle_maximised(self, name: str) -> None:
        """Alone, or with the others again."""
        if self._alone == name:
            self.restore()
        else:
            self.maximise(name)

    def take_focus(self) -> None:
        """What Esc does: let go of what is carried, leave a control, or show all panels again."""
        was_here = self.hasFocus() or self._focused() is not None
        if not self._drop.isHidden():
            self._end_carrying()
        elif was_here:
            self.restore()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_alone(self, name: str) -> None:
        self._alone = name
        self._area.arrange(self._layout, self._places, name)
        for panel in self.panels:
            panel.header.show_maximised(_place_of(CATALOGUE[panel.name]) == name)
        self._area.setVisible(bool(self._layout.rows))
        self._empty.setVisible(not self._layout.rows)

    # -- making panels -----------------------------------------------------------------------

    def _place(self, name: str) -> Place:
        if name not in self._places:
            self._places[name] = place = Place(name, self)
            place.body.setSpacing(self._theme.gap)
        return self._places[name]

    def _make(self, entry: Entry) -> None:
        name = _place_of(entry)
        panel = self._made[entry.name] = entry.load()()
        place = self._place(name)
        after = sum(other.name in self._made for other in KINDS[name][: KINDS[name].index(entry)])
        place.body.insertWidget(after, panel)
        equip(panel, name, self)
        panel.failed.connect(self.failed)
        panel.experiment_wanted.connect(self.experiment_wanted)
        panel.option_changed.connect(self.option_changed)
        panel.header.size_wanted.connect(lambda: self.toggle_maximised(name))
        panel.header.carried.connect(lambda at: self._carry(name, at))
        panel.header.dropped.connect(lambda at: self._drop_at(name, at))
        panel.set_theme(self._theme)
        panel.thresholds = self._thresholds
        self._use_options(panel)
        if panel.needs_analyst:
            panel.analyst = self._analyst
        self._marked.add(panel)

    def _take_off(self, place: Place) -> None:
        place.hide()
        place.setParent(self)

    def _choose(self, shown: Sequence[Shown]) -> None:
        """Make the panels that have something to say of these lanes, and hide the others."""
        for name in self._layout.panels:
            for kind in KINDS[name]:
                suits = kind.load().suits(shown)
                if suits and kind.name not in self._made:
                    self._make(kind)
                    self._made[kind.name].show()  # at once, or Qt does it when it likes
                panel = self._made.get(kind.name)
                # Only where that changes: what was hidden by others stays so.
                if panel is not None and (panel in self._unsuited) == suits:
                    self._unsuited ^= {panel}
                    panel.setVisible(suits)

    def set_thresholds(self, thresholds: Thresholds) -> None:
        """What the rules of the diagnosis hold their numbers against, from now on."""
        self._thresholds = thresholds
        for panel in self._made.values():
            panel.thresholds = thresholds
            panel.words_due = True
        self.mark()

    def set_analyst(self, analyst: Asking) -> None:
        """Whom the panels may ask that need to find things out."""
        self._analyst = analyst
        for panel in self._made.values():
            if panel.needs_analyst:
                panel.analyst = analyst

    @property
    def options(self) -> dict[str, Mapping[str, str]]:
        """The options of all panels that have any, to keep."""
        chosen = {name: panel.chosen for name, panel in self._made.items() if panel.options}
        return {**self._options, **chosen}

    def use_options(self, options: Options) -> None:
        """Choose these options in all panels, also in those that are made later."""
        self._options = dict(options)
        for panel in self._made.values():
            self._use_options(panel)

    def _use_options(self, panel: Panel[Any]) -> None:
        for option in panel.options:
            value = self._options.get(panel.name, {}).get(option.key, "")
            if value in option.choices:
                panel.set_option(option.key, value)

    def set_theme(self, theme: Theme) -> None:
        """Pass the theme on, with its gaps."""
        self._theme = theme
        self._body.setContentsMargins(theme.gap, theme.gap, theme.gap, theme.gap)
        for panel in self._made.values():
            panel.set_theme(theme)
        self._drop.set_theme(theme)
        self._area.set_theme(theme)

    def stop(self) -> None:
        """Let every panel end what it is still finding out: the window closes."""
        for panel in self._made.values():
            panel.stop()

    # -- drawing -----------------------------------------------------------------------------

    def say(self, sentence: str) -> None:
        """Say something in the middle of the panels; an empty sentence takes it away."""
        self._waiting.setText(sentence)
        self._waiting.adjustSize()
        self._waiting.move(self.rect().center() - self._waiting.rect().center())
        self._waiting.setVisible(bool(sentence))
        self._waiting.raise_()

    def mark(self) -> None:
        """There is something new to draw."""
        self._marked.update(self._made.values())

    @property
    def is_marked(self) -> bool:
        """Whether something that can be seen still waits to be drawn."""
        return any(self._is_seen(panel) for panel in self._marked)

    def undrawn(self) -> list[str]:
        """The names of the panels that can be seen but have not drawn yet."""
        return [p.name for p in self.panels if self._is_seen(p) and not p.has_drawn]

    def tick(self, number: int) -> None:
        """Draw the marked panels whose turn it is. Those out of view stay marked.

        Panels of the same pace take turns, so that no tick has to draw all of them; each renews
        its words at every so many of its turns. Where there is nothing new in time, the turn is
        taken later.
        """
        before: dict[int, int] = {}
        turn: dict[bool, list[Panel[Any]]] = {True: [], False: []}
        for panel in filter(self._is_seen, self.panels):
            beat = number + before.get(panel.every, 0)
            before[panel.every] = before.get(panel.every, 0) + 1
            late = beat % panel.every
            if panel in self._marked and (late == 0 or panel in self._late):
                turn[(beat - late) % WORDS == 0].append(panel)
            elif late == 0:
                self._late.add(panel)
        for words, panels in turn.items():
            self._draw(panels, words=words)

    def draw_now(self) -> None:
        """Draw every panel that can be seen, whoever's turn it is."""
        self.mark()
        self._lanes = self._shown()
        self._choose(self._lanes)
        self._draw(self._missing())

    def _is_seen(self, panel: Panel[Any]) -> bool:
        if not panel.isVisible():
            return False
        return not self._area.scrolls or not panel.visibleRegion().isEmpty()

    def _missing(self) -> list[Panel[Any]]:
        """The panels that can be seen and wait to be drawn."""
        return [panel for panel in self._marked if self._is_seen(panel)]

    def _catch_up(self) -> None:
        """Draw what has come into view, if there was something to draw before."""
        if self._lanes:
            self._draw(self._missing())

    def _draw(self, panels: Sequence[Panel[Any]], *, words: bool = True) -> None:
        if panels:
            self._lanes = self._shown()
            for panel in panels:
                panel.show_data(self._lanes, words=words)
            self._marked.difference_update(panels)
            self._late.difference_update(panels)

    # -- carrying a panel --------------------------------------------------------------------

    def _carry(self, name: str, at: QPoint) -> None:
        found = None if self._alone else self._area.place_at(self._area.mapFromGlobal(at))
        if found is None or found[0].name == name:
            self._drop.hide()
            return
        place, side = found
        self._drop.show_at(self._area.box(place).translated(self._area.pos()), side)

    def _drop_at(self, name: str, at: QPoint) -> None:
        was_marked = not self._drop.isHidden()
        self._end_carrying()
        found = self._area.place_at(self._area.mapFromGlobal(at))
        if was_marked and found is not None:
            self.put_panel(name, found[0].name, found[1])

    def _end_carrying(self) -> None:
        self._drop.hide()
        for panel in self.panels:
            panel.header.put_back()

    # -- focus -------------------------------------------------------------------------------

    def _focused(self) -> QWidget | None:
        """What has the focus, if it is on the board."""
        focused = QApplication.focusWidget()
        return focused if focused is not None and self.isAncestorOf(focused) else None

    def _focus(self, name: str) -> None:
        """Give the focus to a panel, so that the next key acts on it, if it was on the board."""
        there = [self._made[k.name] for k in KINDS[name] if k.name in self._made]
        visible = next((panel for panel in there if panel.isVisible()), None)
        if visible is not None and not visible.isAncestorOf(self._focused() or self):
            visible.setFocus(Qt.FocusReason.OtherFocusReason)

    def _chain_tabs(self) -> None:
        """Let Tab go through the panels as one reads."""
        stops = [
            widget
            for panel in self.panels
            for widget in panel.findChildren(QWidget)
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.window() is self.window()
        ]
        for one, following in pairwise(stops):
            QWidget.setTabOrder(one, following)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and not self._waiting.isHidden():
            self.say(self._waiting.text())
        return super().event(event)
