"""What the status pill and the middle of the window say about the lanes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from initviz.lab.experiment import Experiment
from initviz.lab.thresholds import Thresholds
from initviz.session.laboratory import Laboratory
from initviz.session.lane import Lane, State
from initviz.ui.scale import number_text


def status_text(laboratory: Laboratory) -> str:
    """Device and pace in a few words: "CPU · 312 steps/s"."""
    lanes, state = laboratory.lanes, laboratory.state
    recordings = [lane.recording for lane in lanes if lane.recording is not None]
    if state is State.LOADING:
        return "measuring step 0…" if recordings else "loading PyTorch…"
    device = recordings[0].environment.device if recordings else ""
    if state is State.FAILED:
        pace = "stopped"
    elif state is State.PAUSED:
        pace = "paused"
    elif state is State.FINISHED and recordings:
        how = "stopped early" if recordings[0].stopped else "finished"
        pace = f"{how}: {max(recording.last_step for recording in recordings)} steps"
    else:
        paces = [lane.steps_per_second for lane in lanes]
        known = [pace for pace in paces if not math.isnan(pace)]
        pace = _pace(max(known)) if known else "running"
    return " · ".join(part for part in (device, pace) if part)


def trouble_text(lanes: Sequence[Lane]) -> str:
    """Why lanes have failed; empty where none has."""
    return _told([(lane, lane.error) for lane in lanes if lane.error], len(lanes))


def ending_text(lanes: Sequence[Lane], thresholds: Thresholds) -> str:
    """The sentences about runs that came to their own ends; empty where none did."""
    endings = [(lane, _ending_of(lane, thresholds)) for lane in lanes]
    return _told([(lane, text) for lane, text in endings if text], len(lanes))


def _told(sentences: Sequence[tuple[Lane, str]], lanes: int) -> str:
    """Sentences with the letters of their lanes, where there is more than one lane."""
    of_whom: dict[str, list[str]] = {}
    for lane, text in sentences:
        of_whom.setdefault(text, []).append(lane.letter)
    return "\n".join(
        f"{', '.join(letters)}: {text}" if lanes > 1 else text for text, letters in of_whom.items()
    )


def _ending_of(lane: Lane, thresholds: Thresholds) -> str:
    if lane.state is not State.FINISHED or lane.recording is None:
        return ""
    if not lane.recording.stopped:
        return f"Finished: this experiment ends after {lane.recording.last_step} steps."
    from initviz.lab.diagnosis import on_early_stop

    return on_early_stop(lane.recording, thresholds)


def _pace(steps_per_second: float) -> str:
    digits = 0 if steps_per_second >= 10 else 1
    return f"{steps_per_second:.{digits}f} steps/s"


@lru_cache(maxsize=16)
def lane_label(experiment: Experiment, fork: int = 0) -> str:
    """What tells this lane from others: "normal, std 0.01", "orthogonal, gain 2".

    `fork` is the step of another run that it goes on from, if it is a fork.
    """
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
    return ", ".join([label, *words, *([f"from step {fork}"] if fork else [])])
