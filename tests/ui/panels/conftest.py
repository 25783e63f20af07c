"""Recordings made of synthetic snapshots that look like real runs, and panels to show them."""

import re
from html import unescape
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QSizeF
from PySide6.QtGui import QColor, QImage, QPainter

from initviz.lab.experiment import Experiment
from initviz.lab.quantities import BINS, HISTOGRAMS
from initviz.lab.recording import Environment, Recording
from initviz.lab.snapshot import Histogram, Snapshot
from initviz.ui import theme
from initviz.ui.panels.base import Shown
from initviz.ui.panels.canvas import SMOOTH
from initviz.ui.panels.export import to_svg
from initviz.ui.panels.phase_map import PhaseMap
from tests.ui.panels.maps import settle


def bell(middle, spread, total=6400):
    """(counts, low, high) of a bell that reaches three spreads to either side."""
    share = np.exp(-(np.linspace(-3, 3, BINS) ** 2) / 2)
    counts = np.round(share / share.sum() * total).astype(np.int64)
    return counts, middle - 3 * spread, middle + 3 * spread


def histogram(rows, outside=None):
    """A Histogram from (counts, low, high) of each layer."""
    counts, low, high = (np.array(column) for column in zip(*rows, strict=True))
    none = np.zeros((len(rows), 4), dtype=np.int64)
    return Histogram(counts, low, high, none if outside is None else np.array(outside))


def shrinking(layers, factor=0.1):
    """A tenth of the activation in each layer: what a small normal start does to tanh."""
    return histogram([bell(0.0, 0.1 * factor**layer) for layer in range(layers + 1)])


def vanishing(layers, step):
    """The signal falls tenfold from layer to layer, towards the input."""
    return 0.01 * 10.0 ** -np.arange(layers, -1.0, -1.0)


def level(layers, step):
    return np.full(layers + 1, 1e-3)


def falling(step):
    return 2.3 / (1 + 0.01 * step)


def forgetting(times, step):
    """The gradient halves with every step back in time."""
    return 0.01 * 2.0 ** np.arange(1.0 - times, 1.0)


def plain(layers, step):
    """What else every step has of each layer: nothing remarkable."""
    same = np.ones(layers + 1)
    return {
        "activation_std": 0.5 * same,
        "activation_mean": 0.1 * same,
        "preactivation_std": 0.8 * same,
        "update_ratio": (1e-3 if step else np.nan) * same,
        "weight_norm": 10.0 * same,
        "weight_std": 0.1 * same,
        "saturated_fraction": 0.3 * same,
        "inactive_fraction": 0.5 * same,
        "dead_fraction": 0.02 * same,
    }


def along_time(times, step, state, cell):
    """What a recurrent network measures along time; nothing where there is none."""
    found = {"state_gradient_norm": state, "cell_gradient_norm": cell}
    return {name: f(times, step) for name, f in found.items() if times and f}


@pytest.fixture
def shapes():
    """Histograms to make recordings of."""
    return SimpleNamespace(bell=bell, histogram=histogram, shrinking=shrinking)


@pytest.fixture
def record():
    """Make a recording: every number at every step of `steps`, from the functions given."""

    def make(
        layers=10,
        steps=(0,),
        *,
        signal=vanishing,
        weights=level,
        activations=None,
        loss=falling,
        times=0,
        state=forgetting,
        cell=None,
        scalars=None,
        quantities=None,
        histograms=None,
        **settings,
    ):
        experiment = Experiment().with_value("network.hidden_layers", layers)
        for key, value in settings.items():
            experiment = experiment.with_value(key.replace("__", "."), value)
        names = [*(f"hidden {i}" for i in range(1, layers + 1)), "output"]
        recording = Recording(experiment, names, Environment("CPU", 1))
        for step in steps:
            taken = activations(step) if activations else shrinking(layers)
            recording.append(
                Snapshot(
                    step,
                    {"loss": loss(step), "accuracy": 0.1, "test_accuracy": 0.1}
                    | (scalars(step) if scalars else {}),
                    {
                        "signal_gradient_norm": signal(layers, step),
                        "weight_gradient_norm": weights(layers, step),
                        "sample_std": 0.1 * 0.1 ** np.arange(layers + 1.0),
                    }
                    | plain(layers, step)
                    | (quantities(step) if quantities else {}),
                    dict.fromkeys(HISTOGRAMS, taken) | (histograms(step) if histograms else {}),
                    times=along_time(times, step, state, cell),
                )
            )
        return recording

    return make


@pytest.fixture
def lane():
    """Make what a panel is given of a recording."""

    def make(recording, step=None, *, index=0, label="normal, std 0.01"):
        at = recording.last_step if step is None else step
        return Shown("ABCD"[index], index, label, recording, at)

    return make


@pytest.fixture(scope="session")
def _fonts(qapp):
    theme.load_fonts()


@pytest.fixture
def make_panel(qtbot, _fonts):
    """Make a panel of a class, shown at a size."""

    def make(kind, lanes=(), size=(640, 520)):
        panel = kind()
        qtbot.addWidget(panel)
        panel.resize(*size)
        panel.show_data(lanes)
        return panel

    return make


@pytest.fixture
def map_of(make_panel, lane):
    """Make a panel on histories, its map found and painted."""

    def make(*recordings, size=(900, 600)):
        lanes = [lane(r, 0, index=i) for i, r in enumerate(recordings)]
        panel = make_panel(PhaseMap, lanes, size)
        panel.show()
        settle(panel)
        return panel

    return make


@pytest.fixture
def picture():
    """Paint a panel's chart; returns the image and the layout that it has."""

    def paint(panel, width=640, height=480):
        image = QImage(width, height, QImage.Format.Format_RGB32)
        image.fill(QColor(panel.theme.surface))
        size = QSizeF(width, height)
        with QPainter(image) as painter:
            painter.setRenderHints(SMOOTH)
            panel.draw(painter, size)
        return image, panel.lay_out(size)

    return paint


@pytest.fixture
def words():
    """The texts that a panel writes on its chart, in the order in which it does."""

    def read(panel):
        panel.catch_up()
        found = re.findall(r"<text[^>]*>(.*?)</text>", to_svg(panel).decode(), re.S)
        return [unescape(text).strip() for text in found]

    return read
