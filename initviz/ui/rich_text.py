"""A text in Markdown with formulas, at any size: for lectures, help and challenges."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QMimeData, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextEdit, QWidget

from initviz.ui.markdown import plain
from initviz.ui.rich_builder import Setting
from initviz.ui.rich_document import RichDocument
from initviz.ui.theme import Theme


class RichText(QTextEdit):
    """Shows a text, as high as it is at its width; it never scrolls by itself.

    The text can be selected and copied (formulas as LaTeX) but not changed. Links and pictures are
    only words. It takes the focus by a click and never by Tab: there is nothing to do in it.
    """

    def __init__(self, setting: Setting, markdown: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._setting = setting
        self._markdown: str | None = None
        self.setReadOnly(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAcceptDrops(False)
        self.viewport().setAutoFillBackground(False)
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.set_markdown(markdown)

    @property
    def markdown(self) -> str:
        """What is shown."""
        return self._markdown or ""

    @property
    def setting(self) -> Setting:
        """How it is set."""
        return self._setting

    @property
    def rich_document(self) -> RichDocument:
        """What is shown, as it is laid out."""
        return self._document

    def set_markdown(self, markdown: str) -> None:
        """Show another text."""
        self.present(markdown, self._setting)

    def set_setting(self, setting: Setting) -> None:
        """Set the text in another way."""
        self.present(self.markdown, setting)

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of another theme; the size stays."""
        self.set_setting(replace(self._setting, theme=theme))

    def present(self, markdown: str, setting: Setting) -> None:
        """Show another text in another way."""
        if markdown == self._markdown and setting == self._setting:
            return
        if markdown != self._markdown:
            self.setAccessibleName(plain(markdown))
        self._markdown, self._setting = markdown, setting
        old = self.document()
        self._document = RichDocument(markdown, setting, self)
        self.setDocument(self._document)
        if isinstance(old, RichDocument):
            old.deleteLater()
        self.updateGeometry()

    def place(self, x: int, y: int, width: int) -> int:
        """Stand there, as high as the text is; returns where it ends below. All in pixels."""
        # The document is laid out now: Qt tells a hidden widget of its size only when it is shown.
        height = -int(-self._document.height_at(width) // 1)
        self.setGeometry(x, y, width, height)
        return y + height

    def hasHeightForWidth(self) -> bool:
        """As high as the text is."""
        return True

    def heightForWidth(self, width: int) -> int:
        """In pixels, at a width in pixels."""
        before = self._document.textWidth()
        height = self._document.height_at(width)
        if before > 0:
            self._document.setTextWidth(before)
        return -int(-height // 1)

    def sizeHint(self) -> QSize:
        """Lines of a comfortable length."""
        width = round(self._document.idealWidth())
        width = max(1, min(width, round(34 * self._setting.size)))
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        """A few words."""
        return QSize(round(6 * self._setting.size), round(self._setting.size))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Boxes first, then the text."""
        painter = QPainter(self.viewport())
        self._document.paint_boxes(painter)
        painter.end()
        super().paintEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Who holds the text scrolls it."""
        event.ignore()

    def createMimeDataFromSelection(self) -> QMimeData:  # noqa: N802
        """Copied are words, and formulas as LaTeX."""
        data = QMimeData()
        data.setText(self._document.selected_text(self.textCursor()))
        return data
