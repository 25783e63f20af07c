"""The box that tells of a failure."""

import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QPushButton, QWidget

from initviz.ui.crash_notice import CrashNotice, CrashTeller


@pytest.fixture
def window(qtbot):
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def notices(window):
    return [one for one in window.findChildren(CrashNotice) if one.isVisible()]


def test_the_report_is_copied_by_key(window, qtbot):
    CrashTeller(window).tell_left_over("what failed")
    (notice,) = notices(window)
    copy = notice.findChild(QPushButton, "crash_notice.copy")
    QTest.keyClick(copy, Qt.Key.Key_Space)
    assert QGuiApplication.clipboard().text() == "what failed"
    QTest.keyClick(notice, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not notices(window))


def test_nothing_left_over_says_nothing(window):
    CrashTeller(window).tell_left_over("")
    assert not notices(window)


def test_a_failure_in_a_thread_is_shown_and_the_next_ones_do_not_pile_up(window, qtbot):
    teller = CrashTeller(window)
    for _ in range(3):
        thread = threading.Thread(target=teller.tell, args=("failed",))
        thread.start()
        thread.join()
    qtbot.waitUntil(lambda: len(notices(window)) == 1)
    notices(window)[0].close()
    teller.tell("failed again")
    qtbot.waitUntil(lambda: len(notices(window)) == 1)
    notices(window)[0].close()


def test_it_waits_for_a_box_that_is_open(window, qtbot):
    box = QDialog(window)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
    CrashTeller(window).tell_left_over("what failed")
    assert not notices(window)
    box.close()
    qtbot.waitUntil(lambda: len(notices(window)) == 1)
    notices(window)[0].close()
