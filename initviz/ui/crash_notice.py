"""Tells that something failed, with a report that can be copied; nothing is sent anywhere."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

AT_START = (
    "initviz ended unexpectedly the last time",
    "What ran is kept and can be opened again. If you report this, please copy the text below.",
)
WHILE_RUNNING = (
    "Something went wrong inside initviz",
    "You can go on; save what matters to you. If you report this, please copy the text below.",
)


class CrashNotice(QDialog):
    """A headline, a sentence and the report."""

    def __init__(self, words: tuple[str, str], report: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("crash_notice")
        self.setWindowTitle("initviz")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        headline, sentence = (QLabel(text) for text in words)
        headline.setProperty("role", "title")
        sentence.setWordWrap(True)
        self._report = QPlainTextEdit(report)
        self._report.setObjectName("crash_notice.report")
        self._report.setAccessibleName("Report")
        self._report.setReadOnly(True)
        self._report.setTabChangesFocus(True)
        note = QLabel("Nothing is sent anywhere.")
        note.setProperty("role", "soft")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = QPushButton("Copy report")
        copy.setObjectName("crash_notice.copy")
        copy.setAccessibleName("Copy report")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(report))
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.close)
        body = QVBoxLayout(self)
        body.setContentsMargins(24, 20, 24, 20)
        body.setSpacing(12)
        for part in (headline, sentence, self._report, note, buttons):
            body.addWidget(part)
        self.resize(680, 420)
        copy.setFocus()


class CrashTeller(QObject):
    """Shows reports, from whichever thread they come: one at a time, and no other box with it."""

    _came = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._is_open = False
        self._came.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def tell(self, report: str) -> None:
        """Something failed just now. May be called from any thread."""
        self._came.emit(report)

    def tell_left_over(self, report: str) -> None:
        """Something had failed the last time; "" says nothing."""
        if report:
            self._open(AT_START, report)

    def _show(self, report: str) -> None:
        self._open(WHILE_RUNNING, report)

    def _open(self, words: tuple[str, str], report: str) -> None:
        if self._is_open:
            return  # what fails again and again must not bury the window
        self._is_open = True
        before = QApplication.activeModalWidget()
        if before is None:
            self._show_notice(words, report)
        else:
            before.destroyed.connect(lambda: self._show_notice(words, report))

    def _show_notice(self, words: tuple[str, str], report: str) -> None:
        notice = CrashNotice(words, report, self._window)
        notice.finished.connect(self._closed)
        notice.open()

    def _closed(self) -> None:
        self._is_open = False
