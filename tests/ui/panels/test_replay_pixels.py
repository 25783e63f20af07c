"""What was drawn live at a step is drawn again, pixel by pixel, from the file that was kept of it.

No panel shows anything of what comes after the step looked at; those over time do so on request.

Left out are panels that find out by themselves what they show, from whole weights that are kept of
some steps only, and the seeds, which are asked for and not recorded.
"""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QSizeF

from initviz.lab.experiment import Experiment
from initviz.lab.network_settings import layer_names
from initviz.lab.recording import Recording, load
from initviz.lab.training import environment, train
from initviz.ui.panels import PANELS
from initviz.ui.panels.activation_over_time import ActivationOverTime
from initviz.ui.panels.base import Shown
from initviz.ui.panels.export import to_csv, to_image
from initviz.ui.panels.gradient_over_time import GradientOverTime
from initviz.ui.panels.loss import Loss
from initviz.ui.panels.time_axis import SPAN
from initviz.ui.panels.update_ratio import UpdateRatio

LAST = 130
SIZE = (640, 520)
KEPT = (0, 1, 7, 40, 117, LAST)  # not everything is measured at step 117
SMALL = Experiment().with_values(
    {"network.hidden_layers": 4, "network.width": 16, "initialiser.std": 0.01}
)
RECURRENT = Experiment().with_values(
    {
        "network.architecture": "lstm",
        "network.hidden_layers": 2,
        "network.width": 8,
        "training.data": "digit_rows",
    }
)
#: What runs side by side; lanes differ in their activation, their depth and their letter's gap.
SESSIONS = {
    "one lane": {"A": SMALL},
    "two lanes": {
        "A": SMALL,
        "C": SMALL.with_values({"network.activation": "relu", "network.hidden_layers": 7}),
    },
    "one lane along time": {"A": RECURRENT},
    "two lanes along time": {"A": RECURRENT, "B": RECURRENT.with_value("run.seed", 1)},
}
OVER_TIME = [GradientOverTime, ActivationOverTime, UpdateRatio, Loss]
RECORDED = [kind for kind in PANELS if not kind.needs_analyst and kind.name != "seeds"]


def shown(recordings, step):
    """What a window hands to its panels."""
    return [
        Shown(letter, "ABCD".index(letter), f"lane {letter}", recording, step)
        for letter, recording in recordings.items()
    ]


def pictures_of(panel, recordings, step):
    panel.show_data(shown(recordings, step))
    return to_image(panel)


@pytest.fixture(scope="module", params=SESSIONS)
def session(request, qapp, tmp_path_factory, _fonts):
    """Pictures of all panels as they were while the lanes were trained, and what was kept."""
    experiments = SESSIONS[request.param]
    runs = {letter: train(experiment, last=LAST) for letter, experiment in experiments.items()}
    recordings = {
        letter: Recording(one, layer_names(one.network), environment(one))
        for letter, one in experiments.items()
    }
    panels, pictures = {}, {}
    for step in range(LAST + 1):
        for letter, run in runs.items():
            recordings[letter].append(next(run))
        now = shown(recordings, step)
        for kind in (kind for kind in RECORDED if kind.suits(now)):
            if kind.name not in panels:
                panels[kind.name] = kind()
                panels[kind.name].resize(*SIZE)
            panels[kind.name].show_data(now)
            panels[kind.name].catch_up()
            if step in KEPT:
                pictures[kind.name, step] = to_image(panels[kind.name])
    folder = tmp_path_factory.mktemp("replay")
    for letter, recording in recordings.items():
        recording.save(folder / f"{letter}.initviz")
    for panel in panels.values():
        panel.stop()
        panel.deleteLater()
    return pictures, {letter: load(folder / f"{letter}.initviz") for letter in experiments}


@pytest.mark.slow
def test_a_loaded_recording_draws_what_the_live_run_drew_at_that_step(session, make_panel):
    pictures, loaded = session
    differing = []
    for kind in (kind for kind in RECORDED if (kind.name, LAST) in pictures):
        panel = make_panel(kind, size=SIZE)
        for step in (*KEPT, *reversed(KEPT)):
            if pictures_of(panel, loaded, step) != pictures[kind.name, step]:
                differing.append((kind.name, step))
    assert not differing


@pytest.mark.slow
def test_the_pictures_of_different_steps_differ(session):
    pictures, _loaded = session
    still = {"phase_map"}  # it shows how the network starts
    for name in {name for name, _ in pictures} - still:
        assert pictures[name, 1] != pictures[name, LAST], name


def test_every_panel_with_an_axis_of_steps_is_among_those_over_time():
    assert {kind for kind in RECORDED if SPAN in kind.options} == set(OVER_TIME)


@pytest.mark.parametrize("presented", [False, True], ids=["in the window", "on the projector"])
@pytest.mark.parametrize("kind", OVER_TIME)
def test_a_panel_over_time_shows_what_was_there_at_the_step(
    make_panel, record, lane, picture, kind, presented
):
    """Axis and all, though the run goes on over four times as many steps."""
    short, long = record(steps=range(0, 101, 2)), record(steps=range(0, 401, 2))

    def painted(recording, span):
        panel = make_panel(kind, [lane(recording, 100)])
        panel.set_option("span", span)
        panel.present(presented)
        image, layout = picture(panel)
        return image, layout.x.high, to_csv(panel.table())

    live, end, table = painted(short, "step")
    assert painted(long, "step") == (live, end, table)
    whole, later, more = painted(long, "run")
    assert whole != live
    assert later > end
    assert len(more) > len(table)


@pytest.mark.parametrize("kind", OVER_TIME)
def test_nothing_is_read_out_of_what_comes_after_the_step(make_panel, record, lane, kind):
    panel = make_panel(kind, [lane(record(steps=range(401)), 32)])
    for span, step in (("run", 35), ("step", 32), ("step", 35)):
        panel.set_option("span", span)
        panel.catch_up()
        layout = panel.lay_out(QSizeF(640, 480))
        at = QPointF(layout.x(float(step)), layout.plot.center().y())
        told = panel.describe(at, layout)
        assert bool(told) == (span == "run" or step == 32)


def test_a_long_loss_curve_is_cut_without_a_copy(make_panel, record, lane):
    recording = record(1, steps=range(2000))
    panel = make_panel(Loss, [lane(recording, 1000)])
    panel.catch_up()
    curve = panel._curves[0]
    assert curve.steps[-1] == 1000
    assert np.shares_memory(curve.values, recording.scalar_track("loss").values)
    assert np.shares_memory(curve.steps, recording.scalar_track("loss").steps)
