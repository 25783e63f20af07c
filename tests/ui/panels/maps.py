"""Histories without a step, and a hand on the chart of a phase map."""

from PySide6.QtCore import QSizeF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from initviz.lab.experiment import Experiment
from initviz.lab.recording import Environment, Recording
from initviz.ui.panels.canvas import Canvas

LEFT = Qt.MouseButton.LeftButton


def empty_run(**changed):
    """A history without a step: enough to know where its layers stand."""
    experiment = Experiment().with_values({k.replace("__", "."): v for k, v in changed.items()})
    return history_of(experiment)


def history_of(experiment):
    layers = experiment.network.hidden_layers
    names = [*(f"hidden {i}" for i in range(1, layers + 1)), "output"]
    return Recording(experiment, names, Environment("CPU", 1))


def settle(panel):
    panel._answers._pool.waitForDone()
    QApplication.processEvents()


def chart_of(panel):
    return panel.findChild(Canvas)


def place_of(panel, point):
    """Where a point is on the chart, in whole pixels."""
    return panel.lay_out(QSizeF(chart_of(panel).size())).at(point).toPoint()


def press(panel, at):
    QTest.mouseMove(chart_of(panel), at)
    QTest.mousePress(chart_of(panel), LEFT, pos=at)


def drag(panel, to):
    QTest.mouseMove(chart_of(panel), to)


def release(panel, at):
    QTest.mouseRelease(chart_of(panel), LEFT, pos=at)
