"""Every claim of a lecture or a challenge, held against a run.

Each distinct experiment is trained once, as far as any claim about it needs, and what a claim is
about is measured at its step, whatever the schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from initviz.lab.experiment import Experiment
from initviz.lab.lectures.challenges import Challenge
from initviz.lab.lectures.expectations import Expectation
from initviz.lab.lectures.stages import stages_of
from initviz.lab.lectures.subjects import Reading
from initviz.lab.lectures.values import Lecture, Scene, Stage
from initviz.lab.recording import Recording, load

if TYPE_CHECKING:
    from initviz.lab.snapshot import Snapshot


@dataclass(frozen=True)
class Verdict:
    """What became of one claim with one seed; `line` is where it stands in the file."""

    scene: str
    line: int
    text: str
    lane: str
    seed: int
    measured: str
    holds: bool


@dataclass(frozen=True)
class Progress:
    """How far a check is: of `total` steps to train, `done`, now in the scene `scene`."""

    done: int
    total: int
    scene: str


def check(
    lecture: Lecture | Challenge,
    *,
    cancel: Event | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[Verdict]:
    """A verdict on every claim, for every seed that its scene asks for, run by run.

    A lane with a recording is judged by that, where it is the lane's own experiment; with further
    seeds it is trained. Of a challenge the start must miss the goal, and the solution reach it.
    Once `cancel` is set, no further verdict comes.

    Raises:
        ValueError, OSError, RuntimeError: what training raises, as `train`.
    """
    runs = _runs(lecture)
    total, done = sum(run.last for run in runs), 0
    for run in runs:
        scene = run.probes[0].claim.scene

        def tell(step: int, done: int = done, scene: str = scene) -> None:
            if progress is not None:
                progress(Progress(done + step, total, scene))

        for probe, reading in _readings(run, cancel, tell):
            verdict = probe.claim.take(probe, reading)
            if verdict is not None:
                yield verdict
        if cancel is not None and cancel.is_set():
            return
        done += run.last


# -- claims and what is read for them -----------------------------------------------------------


@dataclass(frozen=True)
class _Unread:
    """Why nothing could be read: a sentence."""

    why: str


#: What is said of the readings of a claim: what was measured, and whether that is as claimed.
_Judge = Callable[[Sequence[Reading]], tuple[str, bool]]


@dataclass(eq=False)
class _Claim:
    """A claim with one seed, which collects what is read for it, from one run or from several."""

    scene: str
    line: int
    text: str
    lane: str
    seed: int
    judge: _Judge
    probes: list[_Probe] = field(default_factory=list)
    _read: dict[_Probe, Reading] = field(default_factory=dict)
    _is_settled: bool = False

    def take(self, probe: _Probe, reading: Reading | _Unread) -> Verdict | None:
        """Take in a reading; the verdict when it was the last one, or where there will be none."""
        if self._is_settled:
            return None
        if isinstance(reading, _Unread):
            return self._verdict(reading.why, False)
        self._read[probe] = reading
        if len(self._read) < len(self.probes):
            return None
        return self._verdict(*self.judge([self._read[probe] for probe in self.probes]))

    def _verdict(self, measured: str, holds: bool) -> Verdict:
        self._is_settled = True
        return Verdict(self.scene, self.line, self.text, self.lane, self.seed, measured, holds)


@dataclass(frozen=True, eq=False)
class _Probe:
    """One reading that a claim needs: of the run to `step`, at that step or where the line says."""

    claim: _Claim
    expectation: Expectation
    step: int

    @property
    def steps(self) -> frozenset[int]:
        """Where everything must be measured."""
        said = self.expectation.step
        return frozenset({self.step, self.step if said is None else said})

    def read(self, recording: Recording) -> Reading:
        """What is measured."""
        return self.expectation.read(recording, self.step)


def _plain(expectation: Expectation) -> _Judge:
    """One number or word as the line says; of two lanes, the ratio of their numbers."""

    def judge(readings: Sequence[Reading]) -> tuple[str, bool]:
        reading = expectation.ratio(*readings) if expectation.over else readings[0]
        return expectation.shown(reading), expectation.holds(reading)

    return judge


def _missed(goal: Sequence[Expectation]) -> _Judge:
    """That not every line of a goal holds."""

    def judge(readings: Sequence[Reading]) -> tuple[str, bool]:
        met = sum(line.holds(reading) for line, reading in zip(goal, readings, strict=True))
        return f"{met} of {len(goal)} lines hold", met < len(goal)

    return judge


# -- runs ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Run:
    """What is trained, or read from a recording: one experiment, and what is asked of it."""

    experiment: Experiment
    recording: Path | None
    probes: tuple[_Probe, ...]

    @property
    def last(self) -> int:
        """The step up to which it is needed."""
        return max(probe.step for probe in self.probes)


_Readings = Iterator[tuple[_Probe, Reading | _Unread]]


def _readings(run: _Run, cancel: Event | None, tell: Callable[[int], None]) -> _Readings:
    if run.recording is None:
        yield from _trained(run, cancel, tell)
        return
    recording = _recorded(run, run.recording)
    for probe in run.probes:
        yield probe, recording if isinstance(recording, _Unread) else probe.read(recording)


def _recorded(run: _Run, path: Path) -> Recording | _Unread:
    """The recording of a lane, or why it does not serve."""
    try:
        recording = load(path)
    except FileNotFoundError:
        return _Unread(f"no {path.name} yet: initviz check --record writes it")
    except (ValueError, OSError) as error:
        return _Unread(f"{path.name}: {error}")
    if _alike(recording.experiment) != _alike(run.experiment):
        return _Unread(f"{path.name} is of another experiment: initviz check --record renews it")
    if recording.last_step < run.last and not recording.stopped:
        return _Unread(f"{path.name} ends at step {recording.last_step}: {run.last} are needed")
    return recording


def _alike(experiment: Experiment) -> Experiment:
    """What decides the numbers: a title, or how long to train, does not."""
    training = experiment.training.model_copy(update={"length": 0, "unit": "steps"})
    run = experiment.run.model_copy(update={"device": "auto"})
    return experiment.model_copy(update={"title": "", "training": training, "run": run})


def _trained(run: _Run, cancel: Event | None, tell: Callable[[int], None]) -> _Readings:
    """Train, and read what is asked when its step has come: then all that it needs is there."""
    from initviz.lab.training import new_recording

    waiting = sorted(run.probes, key=lambda probe: probe.step)
    steps = frozenset(step for probe in run.probes for step in probe.steps)
    recording = new_recording(run.experiment)
    for snapshot in snapshots(run.experiment, run.last, steps, cancel):
        recording.append(snapshot)
        tell(snapshot.step)
        while waiting and waiting[0].step <= snapshot.step:
            probe = waiting.pop(0)
            yield probe, probe.read(recording)
    if cancel is not None and cancel.is_set():
        return
    for probe in waiting:  # training ended by itself before
        yield probe, probe.read(recording)


def snapshots(
    experiment: Experiment, last: int, measured: frozenset[int], cancel: Event | None = None
) -> Iterator[Snapshot]:
    """A run up to step `last`, with everything measured at these steps."""
    from initviz.lab.schedule import EVERYTHING, NOTHING
    from initviz.lab.training import train

    def wanted(step: int) -> frozenset[Any]:
        return EVERYTHING if step in measured else NOTHING

    return train(experiment, cancel, last=last, wanted=wanted)


# -- which runs there are -----------------------------------------------------------------------

_Asked = tuple[Experiment, Path | None, _Probe]


def _runs(lecture: Lecture | Challenge) -> list[_Run]:
    found: dict[tuple[Experiment, Path | None], list[_Probe]] = {}
    asked = _of_challenge(lecture) if isinstance(lecture, Challenge) else _of_lecture(lecture)
    for experiment, recording, probe in asked:
        found.setdefault((experiment, recording), []).append(probe)
    return [_Run(e, path, tuple(probes)) for (e, path), probes in found.items()]


def _of_lecture(lecture: Lecture) -> Iterator[_Asked]:
    for scene, now, expectation in claims_of(lecture):
        for index in range(scene.seeds):
            yield from _of_claim(scene, now, expectation, index)


def claims_of(lecture: Lecture) -> Iterator[tuple[Scene, Stage, Expectation]]:
    """Every claim of a lecture, its scene, and the stage at which it is made."""
    for where, now in stages_of(lecture):
        scene = lecture.scenes[where.scene]
        beat = scene.beats[where.beat]
        if beat.expectations and where.answered == (beat.question is not None):
            yield from ((scene, now, expectation) for expectation in beat.expectations)


def _of_claim(scene: Scene, now: Stage, said: Expectation, index: int) -> Iterator[_Asked]:
    lanes = [now.lane(letter) for letter in said.lanes]
    seed = lanes[0].experiment.run.seed + index if lanes[0] else index
    letters = " over ".join(said.lanes)
    claim = _Claim(scene.title, said.line, said.text, letters, seed, _plain(said))
    for lane in lanes:
        if lane is None:
            raise ValueError(f"there is no lane {letters} where line {said.line} is about one")
        probe = _Probe(claim, said, lane.step)
        claim.probes.append(probe)
        yield seeded(lane.experiment, index), None if index else lane.recording, probe


def _of_challenge(challenge: Challenge) -> Iterator[_Asked]:
    goal, last = challenge.goal, challenge.steps
    for index in range(challenge.seeds):
        solved, start = seeded(challenge.solved, index), seeded(challenge.experiment, index)
        for said in (*goal, *challenge.proofs):
            scene = "The solution reaches the goal"
            claim = _Claim(scene, said.line, said.text, said.lane, solved.run.seed, _plain(said))
            claim.probes.append(_Probe(claim, said, last))
            yield solved, None, claim.probes[0]
        scene, text = "The start misses the goal", "not all lines of the goal hold"
        claim = _Claim(scene, goal[0].line, text, "A", start.run.seed, _missed(goal))
        claim.probes.extend(_Probe(claim, said, last) for said in goal)
        yield from ((start, None, probe) for probe in claim.probes)


def seeded(experiment: Experiment, index: int) -> Experiment:
    """The experiment with the seed that is `index` further, its title taken away.

    Experiments that give the same numbers are then equal, and are trained once.
    """
    run = experiment.run.model_copy(update={"seed": experiment.run.seed + index})
    return experiment.model_copy(update={"run": run, "title": ""})


def recordings_of(lecture: Lecture) -> Mapping[Path, tuple[Experiment, int]]:
    """The recordings that a lecture names: of which experiment, and up to which step."""
    found: dict[Path, tuple[Experiment, int]] = {}
    for _, now in stages_of(lecture):
        for lane in now.lanes:
            if lane.recording is not None:
                _, last = found.get(lane.recording, (lane.experiment, 0))
                found[lane.recording] = (lane.experiment, max(last, lane.step))
    return found
