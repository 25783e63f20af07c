"""What all panels are: a card with a header and a chart that is painted from recordings.

A panel paints by itself, in two layers: a graphics view with an item for each kind of mark took
twice as long. The *backdrop* (axes, grid, labels) is kept as a pixmap and painted again only when
its layout changes; the *marks* are painted at every redraw, all of a kind at once. The same two
layers painted on a picture or an SVG are the export.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QGuiApplication,
    QKeyEvent,
    QPainter,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QFileDialog, QFrame, QVBoxLayout, QWidget

from initviz.lab.recording import Recording
from initviz.lab.thresholds import Thresholds
from initviz.session.laboratory import LETTERS
from initviz.ui.panels.axes import Axis, Floats
from initviz.ui.panels.canvas import Canvas
from initviz.ui.panels.header import Header
from initviz.ui.panels.presented import PresentedHead
from initviz.ui.theme import LIGHT, Theme

Row = Sequence[str | int | float]
Table = tuple[Sequence[str], Sequence[Row]]
Layout = TypeVar("Layout")
Answer = TypeVar("Answer")

MARGIN = 12
#: The headings under which panels are offered, in this order.
GROUPS = ("Gradients", "Activations", "Weights", "Network", "Training")
#: The least size of a panel, in heights of its labels.
LEAST_WIDTH, LEAST_HEIGHT = 12, 14


#: Keys that pick the next lane on the projector, where one is shown at a time.
NEXT_LANE = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})


class Asking(Protocol):
    """Finds things out behind the window; the newest question under a key is answered."""

    def ask(
        self, key: Hashable, function: Callable[[], Answer], answer: Callable[[Answer], None], /
    ) -> None:
        """Run `function` in a thread, and `answer` with what it returned in the window's."""


@dataclass(frozen=True)
class Shown:
    """What a panel is given of one lane: its letter, number (0 … 3), label, history, position."""

    letter: str
    index: int
    label: str
    recording: Recording
    step: int


@dataclass(frozen=True)
class Option:
    """Something that a panel's menu offers: `choices` maps each value to its label.

    The first choice is the default.
    """

    key: str
    label: str
    choices: Mapping[str, str]

    @property
    def default(self) -> str:
        return next(iter(self.choices))


@dataclass(frozen=True)
class LayerAxes:
    """Where a panel puts one value for each layer: place n = 1, 2, … along x, values along y.

    Values are in the axis's own units: exponents of ten where it is one of powers. A curve that
    is drawn by hand goes by `step`, or by `stride` where it is in a hurry; `text` writes a value
    and `apart` says in words how far two curves lie from each other, by their mean distance.
    """

    plot: QRectF
    x: Axis
    y: Axis
    step: float
    stride: float
    text: Callable[[float], str]
    apart: Callable[[float], str]
    #: Areas in which words stand: others keep out of them if they can.
    taken: tuple[QRectF, ...] = ()


class Panel(QFrame, Generic[Layout]):
    """A chart in a card. `Layout` is a value that holds all that the backdrop depends on."""

    name: ClassVar[str]
    title: ClassVar[str]
    #: What stands in its header where there is no room for the title; empty where that is short.
    short_title: ClassVar[str] = ""
    how_to_read: ClassVar[str]
    #: Redrawn at every n-th tick of the clock.
    every: ClassVar[int] = 6
    options: ClassVar[tuple[Option, ...]] = ()
    #: Whether it shows one lane at a time, chosen by its letter in the header.
    picks_lane: ClassVar[bool] = False
    #: Keys that the chart answers to while it has the focus; with any, it can have it.
    keys: ClassVar[frozenset[Qt.Key]] = frozenset()
    #: More keys, for what has a control of its own elsewhere, on the projector.
    stage_keys: ClassVar[frozenset[Qt.Key]] = frozenset()
    #: Whether the first part of its subtitle belongs to its title on the projector.
    is_qualified: ClassVar[bool] = False
    #: Whether it wants height more than width where it shares a stage with another panel.
    is_upright: ClassVar[bool] = False
    #: The heading under which it can be added to the board: one of `GROUPS`.
    group: ClassVar[str] = "Training"
    #: Whether the board gives it an `analyst`, which finds things out behind the window.
    needs_analyst: ClassVar[bool] = False

    option_changed = Signal(str, str)  # key, value
    failed = Signal(str)  # a sentence: why something could not be saved
    #: A lane's letter, the experiment that it is to run, and the gesture that this belongs to.
    experiment_wanted = Signal(str, object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"panel.{self.name}")
        self.setAccessibleName(self.title)
        self.setAccessibleDescription(self.how_to_read)
        self.setProperty("role", "card")
        self.theme = LIGHT
        #: What the rules of the diagnosis hold their numbers against.
        self.thresholds = Thresholds()
        self.shown: tuple[Shown, ...] = ()
        self.has_drawn = False
        self.analyst: Asking | None = None
        #: Whether it looks as on a projector.
        self.is_presented = False
        #: The name of the layer that is marked; empty where none is.
        self.highlight = ""
        #: So many hidden layers a lane has that is not shown yet.
        self.expected = 0
        #: Widgets between the header and the chart, which are folded away on the projector.
        self.controls: QWidget | None = None
        self._stale = False
        #: Whether the words on the chart and in the header must be renewed.
        self.words_due = True
        self._picked = ""
        self._chosen = {option.key: option.default for option in self.options}
        self._header = Header(self)
        self._head: PresentedHead | None = None
        self._canvas = Canvas(self)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(1, 4, 1, 6)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addWidget(self._canvas, 1)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._allow_smallest()

    # -- for the window ----------------------------------------------------------------------

    @classmethod
    def suits(cls, _shown: Sequence[Shown]) -> bool:
        """Whether it has anything to say of these lanes; one that has not is hidden."""
        return True

    def show_data(self, shown: Sequence[Shown], *, words: bool = True) -> None:
        """Show these lanes, each at its step. A panel that cannot be seen does it when it can.

        Without `words` what is written stays: nobody reads fifteen numbers a second.
        """
        self.shown = tuple(shown)
        self._stale = True
        self.words_due |= words
        if self.picks_lane:
            self._header.show_lanes(self.shown, self.picked.letter if shown else "")
        if self.isVisible():
            self._refresh()
            self._canvas.tell_values()

    @property
    def chart_widget(self) -> QWidget:
        """The part that is painted, under the title."""
        return self._canvas

    @property
    def header(self) -> Header:
        """Its title, by which it is taken hold of, and its menus."""
        return self._header

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours and sizes of `theme`."""
        self.theme = theme
        self._allow_smallest()
        self._header.set_theme(theme)
        self._canvas.forget()
        self.show_subtitle()
        self._refresh()

    def present(self, presented: bool) -> None:
        """Look as on a projector, or as in the window again.

        There the title is large and over the plot with what the chart is of, every lane has its
        name, and there is no card, no menu and no control: what those do `set_option` does, and
        keys while the chart has the focus (see `keys` and `stage_keys`; Enter picks the next
        lane where it is one at a time).
        """
        if presented == self.is_presented:
            return
        self.is_presented = presented
        if self._head is None:
            self._head = PresentedHead(self)
            self._column.insertWidget(0, self._head)
        self._head.setVisible(presented)
        self._header.setVisible(not presented)
        if self.controls is not None:
            self.controls.setVisible(not presented)
        self.setProperty("role", "" if presented else "card")
        self.style().unpolish(self)
        self.style().polish(self)
        self._canvas.let_focus()
        self._canvas.forget()
        self._stale = self.words_due = True
        self._refresh()

    def set_highlight(self, layer: str) -> None:
        """Mark the layer of this name, such as "hidden 1", where the panel has it; "" none."""
        if layer != self.highlight:
            self.highlight = layer
            self.words_due = True
            self._canvas.update()

    def option(self, key: str) -> str:
        """The chosen value of an option."""
        return self._chosen[key]

    def set_option(self, key: str, value: str) -> None:
        """Choose a value of an option.

        Where it shows one lane at a time "lane" is one too: its letter, which may be that of a
        lane to come, or "" for the first.

        Raises:
            KeyError: for an option or a value that this panel does not have.
        """
        if key == "lane" and self.picks_lane and value in ("", *LETTERS):
            self.pick_lane(value)
            return
        option = next((o for o in self.options if o.key == key), None)
        if option is None or value not in option.choices:
            raise KeyError(f"{self.name} has no {key} = {value}")
        if self._chosen[key] == value:
            return
        self._chosen[key] = value
        self._header.show_choice(key, value)
        self._stale = self.words_due = True
        self._refresh()
        self.option_changed.emit(key, value)

    @property
    def picked(self) -> Shown:
        """The lane that is shown where it is one at a time: the first until another is picked."""
        return next((lane for lane in self.shown if lane.letter == self._picked), self.shown[0])

    def pick_lane(self, letter: str) -> None:
        """Show the lane with this letter, where it is one at a time."""
        self._picked = letter
        self.show_data(self.shown)

    @property
    def chosen(self) -> dict[str, str]:
        """The value of every option, to keep."""
        return dict(self._chosen)

    # -- what a panel has to say ----------------------------------------------------------------

    @abstractmethod
    def read(self) -> None:
        """Take from the recordings in `self.shown` what will be painted."""

    @abstractmethod
    def subtitle(self) -> str:
        """What stands beside the title: the unit and the step."""

    @abstractmethod
    def lay_out(self, size: QSizeF) -> Layout:
        """Where everything goes on a chart of this size."""

    @abstractmethod
    def draw_backdrop(self, painter: QPainter, layout: Layout) -> None:
        """Paint what stays from one redraw to the next."""

    def draw_words(self, painter: QPainter, layout: Layout) -> None:
        """Paint what is written of what was measured and lies under the marks; often nothing."""

    def words_say(self, _layout: Layout) -> object:
        """What `draw_words` depends on besides the layout: while it is equal, the words stay.

        None paints the words whenever they are renewed.
        """
        return None

    @abstractmethod
    def draw_marks(self, painter: QPainter, layout: Layout) -> None:
        """Paint what was measured."""

    @abstractmethod
    def describe(self, at: QPointF, layout: Layout) -> str:
        """The exact values at a point of the chart, in lines; empty where there are none."""

    @abstractmethod
    def table(self) -> Table:
        """What is shown as numbers: a header and rows, in full precision."""

    # -- what it says on the projector ------------------------------------------------------------

    def told_lanes(self) -> Sequence[Shown]:
        """The lanes that are shown: all, or the one that is picked."""
        return (self.picked,) if self.picks_lane else self.shown

    def names_lanes(self, _size: QSizeF) -> bool:
        """Whether the chart, at this size, writes the whole name of every lane that it shows."""
        return False

    def middle(self, size: QSizeF) -> float:
        """Where the middle of the plot is in a chart of this size, in pixels from the left."""
        plot: QRectF | None = getattr(self.lay_out(size), "plot", None)
        return plot.center().x() if plot is not None else size.width() / 2

    def layer_axes(self) -> LayerAxes | None:
        """Where its chart, as it stands, has one value for each layer; None where it has none."""
        return None

    def layer_values(self, _letter: str) -> Floats | None:
        """What is drawn of a lane's layers (H,), in the units of `layer_axes`; None if nothing."""
        return None

    def layer_rows(self) -> Sequence[Floats]:
        """All that is drawn over the layers, in the units of `layer_axes`: a row for each mark."""
        return ()

    def draw_empty(self, painter: QPainter, size: QSizeF) -> None:
        """Paint the chart's axes where no lane is shown, if they can be known then."""

    @property
    def marked_place(self) -> int:
        """The number, from 1, of the layer that is marked; 0 where there is none."""
        for lane in self.shown if self.highlight else ():
            if self.highlight in lane.recording.layers:
                return lane.recording.layers.index(self.highlight) + 1
        return 0

    def expect_layers(self, count: int) -> None:
        """Keep room for so many hidden layers, of a lane that is not shown yet."""
        self.expected = count
        self.words_due = True
        self._canvas.update()

    # -- what a panel does when it is worked by hand; most cannot be -------------------------------

    def cursor_at(self, _at: QPointF) -> Qt.CursorShape:
        """What the pointer looks like at a point of the chart."""
        return Qt.CursorShape.ArrowCursor

    def pressed(self, _at: QPointF) -> bool:
        """The main button went down; returns whether something was taken hold of."""
        return False

    def dragged(self, at: QPointF) -> None:
        """The pointer moved with something held."""

    def released(self) -> None:
        """What was held is let go of."""

    def answers_to(self, key: int) -> bool:
        """Whether a key means something to it while its chart has the focus."""
        if key in self.keys:
            return True
        return self.is_presented and (
            key in self.stage_keys or (self._has_choice and key in NEXT_LANE)
        )

    def press(self, event: QKeyEvent) -> None:
        """A key that it answers to was pressed."""
        if self._has_choice and self.is_presented and event.key() in NEXT_LANE:
            letters = [lane.letter for lane in self.shown]
            self.pick_lane(letters[(letters.index(self.picked.letter) + 1) % len(letters)])
        else:
            self.key(event)

    @property
    def _has_choice(self) -> bool:
        return self.picks_lane and len(self.shown) > 1

    def key(self, event: QKeyEvent) -> None:
        """One of `keys`, or of `stage_keys`, was pressed."""

    def stop(self) -> None:
        """Wait for what it is still finding out: it will not be seen again."""

    # -- chart -----------------------------------------------------------------------------------

    def values_at(self, at: QPointF) -> str:
        """The exact values at a point of the chart; empty where there are none."""
        self.catch_up()
        return self.describe(at, self.lay_out(QSizeF(self._canvas.size()))) if self.shown else ""

    def draw(self, painter: QPainter, size: QSizeF) -> None:
        """Paint the whole chart, without the header, on any device."""
        self.catch_up()
        if self.shown:
            layout = self.lay_out(size)
            self.draw_backdrop(painter, layout)
            self.draw_words(painter, layout)
            self.draw_marks(painter, layout)

    def chart_resized(self) -> None:
        """Told by the canvas when it has another size; often nothing is to be done."""

    def drawn(self) -> None:
        """Told by the canvas when marks were painted on the screen."""
        self.has_drawn = True

    def _allow_smallest(self) -> None:
        label = self.theme.label
        self.setMinimumSize(LEAST_WIDTH * label, LEAST_HEIGHT * label)

    def _refresh(self) -> None:
        self.catch_up()
        self._canvas.update()

    def catch_up(self) -> None:
        """Read what was given to `show_data`, unless that is done."""
        if self._stale and self.shown:
            self.read()
            self._stale = False
            if self.words_due:
                self.show_subtitle()

    @property
    def has_read(self) -> bool:
        """Whether what it was given is read, so that it knows what it will paint."""
        return bool(self.shown) and not self._stale

    def show_subtitle(self) -> None:
        """Renew what is said beside the title."""
        if not self.is_presented or self._head is None:
            if self.has_read:
                self._header.show_subtitle(self.subtitle())
            return
        title, beside = self.title, list[str]()
        if self.has_read:
            letters = {lane.letter for lane in self.shown}
            beside = [part for part in self.subtitle().split(" · ") if part and part not in letters]
        if self.is_qualified and beside:
            title = f"{title}, {beside.pop(0)}"
        self._head.renew(title, beside)

    def fit_head(self) -> None:
        """Give what stands over the chart on the projector the height that it needs just now.

        By itself it only grows, so that the chart keeps still while numbers change.
        """
        if self._head is not None:
            self._head.forget()
        self.show_subtitle()

    # -- out of the program ------------------------------------------------------------------------

    def copy_picture(self) -> None:
        """Put the panel on the clipboard, as a picture."""
        if self.shown:
            from initviz.ui.panels import export

            self.catch_up()
            QGuiApplication.clipboard().setImage(export.to_image(self))

    def copy_values(self) -> None:
        """Put the numbers on the clipboard, as CSV."""
        if self.shown:
            from initviz.ui.panels import export

            self.catch_up()
            QGuiApplication.clipboard().setText(export.to_csv(self.table()))

    def save(self, path: Path) -> None:
        """Save as PNG, SVG or CSV, whichever the name ends with.

        Raises:
            ValueError: for any other ending, or while there is nothing to show.
            OSError: if the file cannot be written.
        """
        if not self.shown:
            raise ValueError("there is nothing to save yet")
        from initviz.ui.panels import export

        self.catch_up()
        export.save(self, path)

    def ask_where_to_save(self, kind: str) -> None:
        """Open the dialog that saves the panel as "png", "svg" or "csv"."""
        dialog = QFileDialog(self, f"Save “{self.title}” as {kind.upper()}")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(f"{kind.upper()} (*.{kind})")
        dialog.setDefaultSuffix(kind)
        dialog.selectFile(f"{self.name}.{kind}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._save_to)
        dialog.open()

    def _save_to(self, name: str) -> None:
        try:
            self.save(Path(name))
        except (OSError, ValueError) as error:
            self.failed.emit(f"“{self.title}” was not saved: {error}")

    # -- Qt ----------------------------------------------------------------------------------------

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.is_presented:
            super().contextMenuEvent(event)
        else:
            self._header.open_menu(event.globalPos())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.is_presented:
            self.show_subtitle()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh()
