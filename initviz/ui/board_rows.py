"""Rows of places whose sizes can be dragged: how a layout of the board looks on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import accumulate, pairwise

from PySide6.QtCore import QEvent, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSplitter,
    QSplitterHandle,
    QWidget,
)

from initviz.ui.layout import Layout, Side
from initviz.ui.theme import LIGHT, Theme

#: The share of a place, from its upper and its lower edge, where something dropped gets a row.
_EDGE = 0.22


class Place(QWidget):
    """A place on the board: one panel, or the suitable ones of those that share it."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.name = name
        self.body = QHBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.hide()


class _Handle(QSplitterHandle):
    """Says when it is taken hold of."""

    taken = Signal()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.taken.emit()
        super().mousePressEvent(event)


class _Splitter(QSplitter):
    """A splitter none of whose parts can be dragged away."""

    taken = Signal()

    def __init__(self, orientation: Qt.Orientation, name: str) -> None:
        super().__init__(orientation)
        self.setObjectName(name)
        self.setChildrenCollapsible(False)
        self._shares: tuple[int, ...] = ()

    def createHandle(self) -> QSplitterHandle:  # noqa: N802 (Qt's name)
        handle = _Handle(self.orientation(), self)
        handle.taken.connect(self.taken)
        return handle

    def share_out(self, shares: tuple[int, ...]) -> None:
        """Give its parts these shares of the room that there is, now and when that is another."""
        self._shares = shares
        if not shares or self.count() != len(shares) or self._has_hidden():
            return
        along = self.width() if self.orientation() == Qt.Orientation.Horizontal else self.height()
        room = along - (self.count() - 1) * self.handleWidth()
        ends = [round(room * end / sum(shares)) for end in accumulate(shares, initial=0)]
        self.setSizes([max(1, end - start) for start, end in pairwise(ends)])

    def keep(self, shares: tuple[int, ...]) -> None:
        """Its parts were dragged to these shares."""
        self._shares = shares

    def _has_hidden(self) -> bool:
        parts = (self.widget(i) for i in range(self.count()))
        return any(part is None or part.isHidden() for part in parts)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.share_out(self._shares)


class Rows(QScrollArea):
    """Shows places as a layout has them; scrolls up and down where they need more room.

    `resized` brings the layout with the sizes that were dragged, and which drag it was.
    """

    resized = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("rows_area")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self._layout = Layout()
        self._alone = ""
        self._drags = 0
        self._theme = LIGHT
        self.rows: list[_Splitter] = []
        self.column = self._made(Qt.Orientation.Vertical, "rows")
        self.column.splitterMoved.connect(self._heights_dragged)
        self.setWidget(self.column)

    def set_theme(self, theme: Theme) -> None:
        """Take the gaps of a theme."""
        self._theme = theme
        for splitter in (self.column, *self.rows):
            splitter.setHandleWidth(theme.gap)
        for place in self.findChildren(Place):
            place.body.setSpacing(theme.gap)
        self.fit()

    def arrange(self, layout: Layout, places: Mapping[str, Place], alone: str = "") -> None:
        """Show these places in these rows; only one of them, where one is to be alone."""
        self._make_rows(len(layout.rows))
        for splitter, row in zip(self.rows, layout.rows, strict=False):
            for at, name in enumerate(row.panels):
                if splitter.indexOf(places[name]) != at:
                    splitter.insertWidget(at, places[name])
        self._drop_rows(len(layout.rows))
        for splitter, row in zip(self.rows, layout.rows, strict=True):
            for name in row.panels:
                places[name].setVisible(alone in ("", name))
            splitter.setVisible(alone in ("", *row.panels))
        self._layout, self._alone = layout, alone
        self.fit()

    def _make_rows(self, count: int) -> None:
        for number in range(len(self.rows), count):
            splitter = self._made(Qt.Orientation.Horizontal, f"row{number}")
            splitter.splitterMoved.connect(partial(self._widths_dragged, splitter))
            self.rows.append(splitter)
            self.column.addWidget(splitter)

    def _drop_rows(self, count: int) -> None:
        for splitter in self.rows[count:]:
            splitter.hide()
            splitter.setParent(None)
            splitter.deleteLater()
        del self.rows[count:]

    def fit(self) -> None:
        """Give everything its share of the room that there is."""
        self.setMinimumWidth(self._least_width())
        for splitter, row in zip(self.rows, self._layout.rows, strict=True):
            splitter.share_out(row.widths)
        self.column.share_out(self._layout.heights)

    def _least_width(self) -> int:
        bar = self.verticalScrollBar().sizeHint().width()
        return self.column.minimumSizeHint().width() + bar if self.rows else 0

    def bring_into_view(self, place: Place) -> None:
        """Scroll to a place, also to one that is new."""
        QApplication.sendPostedEvents(self, QEvent.Type.LayoutRequest.value)
        self.ensureWidgetVisible(place, 0, 0)

    def place_at(self, at: QPoint) -> tuple[Place, Side] | None:
        """The place at a point of this widget, and to which side of it the point is nearest."""
        for place in self.findChildren(Place):
            box = self.box(place)
            if place.isVisible() and box.contains(at) and self.rect().contains(at):
                down = (at.y() - box.top()) / box.height()
                if down < _EDGE or down > 1 - _EDGE:
                    return place, "above" if down < _EDGE else "below"
                return place, "left" if at.x() < box.center().x() else "right"
        return None

    def box(self, place: Place) -> QRect:
        """Where a place lies on this widget."""
        return QRect(place.mapTo(self, QPoint(0, 0)), place.size())

    @property
    def scrolls(self) -> bool:
        """Whether not everything can be seen at once."""
        return self.verticalScrollBar().maximum() > 0

    # -- dragging sizes ----------------------------------------------------------------------

    def _made(self, orientation: Qt.Orientation, name: str) -> _Splitter:
        splitter = _Splitter(orientation, name)
        splitter.setHandleWidth(self._theme.gap)
        splitter.taken.connect(self._begin_drag)
        return splitter

    def _begin_drag(self) -> None:
        self._drags += 1

    def _widths_dragged(self, row: _Splitter, *_: int) -> None:
        number = self.rows.index(row)
        self._tell(self._layout.with_widths(number, row.sizes()))

    def _heights_dragged(self, *_: int) -> None:
        self._tell(self._layout.with_heights(self.column.sizes()))

    def _tell(self, layout: Layout) -> None:
        self._layout = layout
        for splitter, row in zip(self.rows, layout.rows, strict=True):
            splitter.keep(row.widths)
        self.column.keep(layout.heights)
        self.resized.emit(layout, f"drag {self._drags}")


class DropMark(QWidget):
    """A line where a panel would come to stand if it were let go of now."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("drop_mark")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._theme = LIGHT
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._theme = theme

    def show_at(self, box: QRect, side: Side) -> None:
        """At one side of a box, in the gap."""
        gap = self._theme.gap
        wide, high = box.width(), box.height()
        beside = {
            "left": QRect(box.left() - gap, box.top(), gap, high),
            "right": QRect(box.right() + 1, box.top(), gap, high),
            "above": QRect(box.left(), box.top() - gap, wide, gap),
            "below": QRect(box.left(), box.bottom() + 1, wide, gap),
        }
        self.setGeometry(beside[side])
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        thin = max(2, self._theme.gap // 4)
        box = self.rect()
        if box.width() > box.height():
            line = QRect(0, (box.height() - thin) // 2, box.width(), thin)
        else:
            line = QRect((box.width() - thin) // 2, 0, thin, box.height())
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._theme.accent))
            painter.drawRoundedRect(line, thin / 2, thin / 2)
