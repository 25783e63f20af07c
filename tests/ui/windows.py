"""Windows as the tests of what lies in them want them."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from initviz.ui.window import MainWindow

PATIENCE = 20_000


def wait_until_idle(qtbot: QtBot, window: MainWindow) -> None:
    """Until every lane has measured what it was to measure."""

    def idle() -> bool:
        lanes = window.laboratory.lanes
        return window.laboratory.is_idle and all(lane.recording or lane.error for lane in lanes)

    qtbot.waitUntil(idle, timeout=PATIENCE)


def leave_lane_a_alone(qtbot: QtBot, window: MainWindow) -> None:
    """Take the second lane away, as if it had never been."""
    wait_until_idle(qtbot, window)
    window.desk.remove("B")
    window.undo_stack.clear()
    window.guidance.show()
    wait_until_idle(qtbot, window)
