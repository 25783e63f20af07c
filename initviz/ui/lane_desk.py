"""The lanes as a person handles them: which one the form edits, which are shown, and undo.

What a person does becomes a new `Setup`, and going from one setup to another is one undo command,
whichever lane it touched.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from initviz.lab.checkpoint import Checkpoint, check_fork
from initviz.lab.experiment import Experiment
from initviz.lab.recording import Recording
from initviz.session.laboratory import LETTERS, Laboratory
from initviz.session.lane import Lane
from initviz.ui.form import ExperimentForm
from initviz.ui.history import ChangeSetup, ResetLanes, Shelf
from initviz.ui.lane_tabs import LaneTabs, TabState

#: So many runs that were replaced, and so many that were reset, can be brought back.
KEPT_RUNS = 8


@dataclass(frozen=True)
class LaneSetup:
    """One lane: what it runs, from which state on, and whether the panels show it."""

    letter: str
    experiment: Experiment
    is_hidden: bool = False
    start: Checkpoint | None = None

    @property
    def run(self) -> tuple[Experiment, Checkpoint | None]:
        """What tells its run from others: equal ones are the same, number for number."""
        return self.experiment, self.start


@dataclass(frozen=True)
class Setup:
    """All lanes in the order of their letters, and the letter of the one that the form edits."""

    lanes: tuple[LaneSetup, ...]
    chosen: str

    def lane(self, letter: str) -> LaneSetup:
        """The lane of this letter."""
        return next(lane for lane in self.lanes if lane.letter == letter)

    @property
    def free(self) -> str:
        """The first letter that no lane has; "" if all are taken."""
        taken = {lane.letter for lane in self.lanes}
        return next((letter for letter in LETTERS if letter not in taken), "")

    def changed(self, letter: str, **changes: object) -> Setup:
        """A copy with one lane changed."""
        lanes = tuple(
            replace(lane, **changes) if lane.letter == letter else lane  # type: ignore[arg-type]
            for lane in self.lanes
        )
        return replace(self, lanes=lanes)

    def with_lane(self, lane: LaneSetup) -> Setup:
        """A copy with one more lane, which is chosen."""
        lanes = tuple(sorted((*self.lanes, lane), key=lambda one: one.letter))
        return Setup(lanes, lane.letter)

    def without(self, letter: str) -> Setup:
        """A copy without a lane; if it was chosen, its neighbour is."""
        lanes = tuple(lane for lane in self.lanes if lane.letter != letter)
        kept = {lane.letter for lane in lanes}
        chosen = self.chosen if self.chosen in kept else lanes[0].letter
        return Setup(lanes, chosen)


class LaneDesk(QObject):
    """Keeps form, tabs and laboratory to one setup.

    Signals:
        changed: it is another one.
        chosen: the form edits another lane, and nothing else is different.
    """

    changed = Signal()
    chosen = Signal()

    def __init__(
        self,
        laboratory: Laboratory,
        form: ExperimentForm,
        tabs: LaneTabs,
        stack: QUndoStack,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._laboratory, self._form, self._tabs, self._stack = laboratory, form, tabs, stack
        self._gestures = 0
        self._kept: OrderedDict[tuple[Experiment, Checkpoint | None], Recording] = OrderedDict()
        self._shelf = Shelf(KEPT_RUNS)
        lanes = tuple(LaneSetup(lane.letter, lane.experiment) for lane in laboratory.lanes)
        self._setup = Setup(lanes, lanes[0].letter)
        form.changed.connect(lambda experiment, key: self.edit(experiment, gesture=key))
        form.settled.connect(self.end_gesture)
        tabs.chosen.connect(self.choose)
        tabs.duplicate_wanted.connect(self.duplicate)
        tabs.remove_wanted.connect(self.remove)
        tabs.hide_wanted.connect(self.toggle_hidden)
        tabs.reset_wanted.connect(self.reset)
        self._show()

    # -- what it knows ---------------------------------------------------------------------------

    @property
    def setup(self) -> Setup:
        """The lanes as they are."""
        return self._setup

    @property
    def lane(self) -> Lane:
        """The lane that the form edits."""
        return self._laboratory.lane(self._setup.chosen)

    # -- what a person does ----------------------------------------------------------------------

    def edit(self, experiment: Experiment, letter: str = "", *, gesture: str = "") -> None:
        """Run another experiment in a lane, by default the chosen one.

        Changes of the same `gesture` until `end_gesture` are taken back as one.
        """
        letter = letter or self._setup.chosen
        start = self._setup.lane(letter).start
        if start is not None and not _can_go_on(experiment, start):
            start = None  # another network cannot go on from there: it is drawn anew
        after = self._setup.changed(letter, experiment=experiment, start=start)
        self._change(after, gesture=gesture)

    def end_gesture(self) -> None:
        """The drag is over: the next change stands by itself."""
        self._gestures += 1

    def choose(self, letter: str) -> None:
        """Let the form edit this lane. Nothing to take back: nothing was changed."""
        self._setup = replace(self._setup, chosen=letter)
        self._show()
        self.chosen.emit()

    def choose_next(self) -> None:
        """Let the form edit the next lane, after the last the first."""
        letters = [lane.letter for lane in self._setup.lanes]
        self.choose(letters[(letters.index(self._setup.chosen) + 1) % len(letters)])

    def duplicate(self, letter: str = "") -> None:
        """A new lane with the experiment of this one; its tab is chosen, to change one thing."""
        lane = self._setup.lane(letter or self._setup.chosen)
        self.add(lane.experiment, lane.start)

    def add(self, experiment: Experiment, start: Checkpoint | None = None) -> None:
        """A new lane, if there is room; it begins at step 0, or goes on from a state."""
        if self._setup.free:
            lane = LaneSetup(self._setup.free, experiment, start=start)
            self._change(self._setup.with_lane(lane))

    def remove(self, letter: str = "") -> None:
        """Take a lane away, unless it is the only one."""
        if len(self._setup.lanes) > 1:
            after = self._setup.without(letter or self._setup.chosen)
            if all(lane.is_hidden for lane in after.lanes):
                after = after.changed(after.chosen, is_hidden=False)
            self._change(after)

    def toggle_hidden(self, letter: str = "") -> None:
        """Keep a lane out of the panels, or bring it back; one always stays in view."""
        letter = letter or self._setup.chosen
        hidden = not self._setup.lane(letter).is_hidden
        after = self._setup.changed(letter, is_hidden=hidden)
        if not all(lane.is_hidden for lane in after.lanes):
            self._change(after)

    def reset(self, letter: str = "") -> None:
        """Start one lane again, with the same seed; undo brings the run of before back."""
        self._reset([letter or self._setup.chosen])

    def reset_all(self) -> None:
        """Start every lane again, with the same seeds; undo brings the runs of before back."""
        self._reset([lane.letter for lane in self._setup.lanes])

    def _reset(self, letters: Sequence[str]) -> None:
        trained = self._trained(letters)
        if trained:
            does = (self._start_again, self._bring_back, self._trained)
            self._stack.push(ResetLanes(trained, self._shelf, *does))
        else:
            self._start_again(letters)

    def _trained(self, letters: Iterable[str]) -> dict[str, Recording]:
        """The runs of these lanes that have gone beyond their first step."""
        runs = {letter: self._laboratory.lane(letter).recording for letter in letters}
        return {k: run for k, run in runs.items() if run is not None and _is_trained(run)}

    def _start_again(self, letters: Iterable[str]) -> None:
        self._laboratory.pause()
        for letter in letters:
            self._laboratory.lane(letter).reset()

    def _bring_back(self, recordings: Mapping[str, Recording]) -> None:
        for letter, recording in recordings.items():
            self._laboratory.take_back(letter, recording, self._setup.lane(letter).start)

    def new_seed(self) -> None:
        """Start every lane again with the next seed, the same for all."""
        seed = (self.lane.experiment.run.seed + 1) % 2**31
        after = self._setup
        for lane in after.lanes:
            experiment = lane.experiment.with_value("run.seed", seed)
            after = after.changed(lane.letter, experiment=experiment)
        self._change(after)

    def fork(self, step: int) -> None:
        """A new lane that goes on from the chosen lane's kept state nearest to `step`.

        Raises:
            ValueError: a sentence, if there is no room or no state was kept.
        """
        if not self._setup.free:
            raise ValueError(f"There are {len(LETTERS)} lanes already: remove one first.")
        recording = self.lane.recording
        kept = [] if recording is None else list(recording.checkpoints.values())
        whole = [checkpoint for checkpoint in kept if checkpoint.is_whole]
        if not whole:
            raise ValueError("No state of this run was kept that training could go on from.")
        nearest = min(whole, key=lambda checkpoint: abs(checkpoint.step - step))
        self.add(self.lane.experiment, nearest)

    def show_recordings(self, recordings: Sequence[Recording]) -> None:
        """Lanes that show these, in place of all that there are; at most as many as fit."""
        recordings = recordings[: len(LETTERS)]
        lanes = []
        for letter, recording in zip(LETTERS, recordings, strict=False):
            lane = LaneSetup(letter, recording.experiment)
            self._kept[lane.run] = recording
            lanes.append(lane)
        self._change(Setup(tuple(lanes), lanes[0].letter), restored=True)
        for there, recording in zip(self._laboratory.lanes, recordings, strict=True):
            if there.recording is not recording:  # the same experiment was there
                self._laboratory.take_back(there.letter, recording, None)

    def use_only(self, *experiments: Experiment) -> None:
        """A lane with each of these experiments, in place of all that there are."""
        lanes = zip(LETTERS, experiments, strict=False)
        self._change(Setup(tuple(LaneSetup(*lane) for lane in lanes), "A"))

    # -- how it is done --------------------------------------------------------------------------

    def _change(self, after: Setup, *, gesture: str = "", restored: bool = False) -> None:
        if after != self._setup:
            key = f"{after.chosen} {gesture} {self._gestures}" if gesture else ""
            self._stack.push(ChangeSetup(self._setup, after, self._use, key, is_again=restored))

    def _use(self, setup: Setup, is_again: bool) -> None:
        """Go over to a setup; where it was there before, its runs are brought back."""
        laboratory = self._laboratory
        there = {lane.letter: lane for lane in laboratory.lanes}
        before = {lane.letter: lane for lane in self._setup.lanes}
        self._setup = setup
        for wanted in setup.lanes:
            lane = there.pop(wanted.letter, None)
            if lane is None:
                lane = laboratory.add(wanted.experiment, wanted.letter, wanted.start)
                self._restore(wanted, is_again)
            elif before[wanted.letter].run != wanted.run:
                self._keep(before[wanted.letter].run, lane.recording)
                if not self._restore(wanted, is_again):
                    laboratory.set_experiment(wanted.letter, wanted.experiment, wanted.start)
            lane.is_hidden = wanted.is_hidden
        for letter, lane in there.items():
            self._keep(before[letter].run, lane.recording)
            laboratory.remove(letter)
        self._show()
        self.changed.emit()

    def _keep(self, run: tuple[Experiment, Checkpoint | None], recording: Recording | None) -> None:
        """Keep a run that gives way to another, unless nothing was trained in it."""
        if recording is not None and _is_trained(recording) and recording.experiment == run[0]:
            # The same run twice: the longer one holds all that the other does.
            longest = max(self._kept.get(run, recording), recording, key=lambda one: one.last_step)
            self._kept[run] = longest
            self._kept.move_to_end(run)
            while len(self._kept) > KEPT_RUNS:
                self._kept.popitem(last=False)

    def _restore(self, wanted: LaneSetup, is_again: bool) -> bool:
        """Bring a kept run back into its lane; whether there was one."""
        recording = self._kept.get(wanted.run) if is_again else None
        if recording is not None:
            self._laboratory.take_back(wanted.letter, recording, wanted.start)
        return recording is not None

    def _show(self) -> None:
        setup = self._setup
        experiment = setup.lane(setup.chosen).experiment
        if self._form.experiment != experiment:
            self._form.set_experiment(experiment)
        self._tabs.show_lanes(
            [
                TabState(
                    lane.letter,
                    LETTERS.index(lane.letter),
                    lane.letter == setup.chosen,
                    lane.is_hidden,
                    lane.experiment,
                )
                for lane in setup.lanes
            ]
        )


def _is_trained(recording: Recording) -> bool:
    """Whether a run has gone beyond its first step."""
    return len(recording.scalar_track("loss").steps) > 1


def _can_go_on(experiment: Experiment, start: Checkpoint) -> bool:
    try:
        check_fork(experiment, start)
    except ValueError:
        return False
    return True
