"""What the status pill and the middle of the window say about a lane."""

from __future__ import annotations

import math
from functools import lru_cache

from initviz.lab.experiment import Experiment
from initviz.session.lane import Lane, State
from initviz.ui.scale import number_text


def status_text(lane: Lane) -> str:
    """Device and pace in a few words: "CPU · 312 steps/s"."""
    if lane.state is State.LOADING:
        return "measuring step 0…" if lane.recording else "loading PyTorch…"
    device = lane.recording.environment.device if lane.recording else ""
    if lane.state is State.FAILED:
        pace = "stopped"
    elif lane.state is State.PAUSED:
        pace = "paused"
    else:
        pace = "running" if math.isnan(lane.steps_per_second) else _pace(lane.steps_per_second)
    return " · ".join(part for part in (device, pace) if part)


def _pace(steps_per_second: float) -> str:
    digits = 0 if steps_per_second >= 10 else 1
    return f"{steps_per_second:.{digits}f} steps/s"


@lru_cache(maxsize=16)
def lane_label(experiment: Experiment) -> str:
    """What tells this lane from others: "normal, std 0.01", "orthogonal, gain 2"."""
    scheme = experiment.initialiser
    # Names of persons and libraries keep their capital; plain words do not need one.
    label = scheme.label if "_" in scheme.name else scheme.label.lower()
    own = [
        field
        for field in experiment.fields()
        if field.key.startswith("initialiser.") and field.kind in ("number", "integer")
    ]
    usual = type(scheme)()
    shown = [
        f
        for f in own
        if not f.setting.advanced or f.value != getattr(usual, f.key.partition(".")[2])
    ]
    words = [f"{f.key.partition('.')[2]} {number_text(float(f.value))}" for f in shown]
    return ", ".join([label, *words])
