"""The stagehand: makes what is trained and shown match a stage, and remembers where one has been.

A lane that was at a stop before is shown from what was kept of it, at once and just as it was;
the laboratory trains only what is new. What comes with a file is played from that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from initviz.lab.experiment import Experiment, differences
from initviz.lab.lectures import Stage, StagedLane
from initviz.lab.recording import Recording, load
from initviz.session.analyst import Analyst
from initviz.session.laboratory import LETTERS, Laboratory
from initviz.session.lane import Lane, State
from initviz.session.trainer import Trainer
from initviz.ui.lecture.kept import Kept, Run, cut
from initviz.ui.lecture.labels import lane_labels
from initviz.ui.lecture.prefetch import Prefetch
from initviz.ui.panels.base import Shown

#: The step under which a recording from a file is kept whole.
WHOLE = 2**62
#: A recording is played in so many seconds, in pictures of so many milliseconds each.
PLAYED, PICTURE = 3.0, 33


@dataclass(eq=False)
class Part:
    """One lane of the stage: what it is to be, and how far that has come.

    `way` holds the steps at which it still has to arrive, one after the other. `played` is the
    step that is seen while a recording is played. It `strays` while somebody plays with it.
    """

    staged: StagedLane
    run: Run
    recording: Recording | None = None
    lane: Lane | None = None
    way: list[int] = field(default_factory=list)
    played: float | None = None
    error: str = ""
    is_there: bool = False
    strays: bool = False

    @property
    def step(self) -> int:
        """The step that is seen, of what there is so far."""
        assert self.recording is not None
        seen = min(self.staged.shown_step, self.recording.last_step)
        return seen if self.played is None else min(seen, int(self.played))


class Stagehand(QObject):
    """Everything that runs behind a lecture. `close` it, or its threads live on.

    Signals:
        renewed: what is shown is another.
        grew: there are new steps of it.
        settled: all lanes are where the stage wants them, or have failed.
        ticked: of a clock, while anything moves.
    """

    renewed = Signal()
    grew = Signal()
    settled = Signal()
    ticked = Signal(int)

    def __init__(
        self,
        analyst: Analyst,
        parent: QObject | None = None,
        *,
        trainer: Trainer | None = None,
    ) -> None:
        super().__init__(parent)
        self._analyst, self._trainer = analyst, trainer
        self._kept = Kept()
        self._prefetch = Prefetch(self._kept, self)
        self._laboratory: Laboratory | None = None
        #: The lanes of the laboratory, by the letters that they have on the stage.
        self._lanes: dict[str, Lane] = {}
        self._stage = Stage()
        self._parts: dict[str, Part] = {}
        self._live: set[Path] = set()  # recordings that are run live instead
        self._notes: dict[Path, str] = {}  # why a recording is not played
        self._wants_weights = False
        self._was_settled = True
        self._pictures = 0
        self._clock = QTimer(self)
        self._clock.setInterval(PICTURE)
        self._clock.timeout.connect(self._play_on)

    # -- what the player asks for ----------------------------------------------------------------

    def set_stage(self, stage: Stage) -> None:
        """Show this stage: at once what was seen before, and the rest as it is trained."""
        before, self._stage = self._parts, stage
        self._prefetch.cancel()
        self._clock.stop()
        self._was_settled = False
        self._parts = {lane.letter: Part(lane, self._run_of(lane)) for lane in stage.lanes}
        for letter, part in self._parts.items():
            self._prepare(part, before.get(letter))
        self._give_orders()
        self.renewed.emit()
        self._look()

    def prefetch(self, stages: Sequence[Stage]) -> None:
        """Measure or read what these later stages begin with, while nothing else happens."""
        runs = [self._run_of(lane) for stage in stages for lane in stage.lanes]
        for run in runs:
            if run.file is not None and self._kept.get(self._whole(run)) is None:
                kept = partial(self._prefetched, run)
                self._analyst.ask(("prefetch", run.file), partial(load, run.file), kept)
        known = {lane.experiment for lane in self._lanes.values()}
        new = (run.experiment for run in runs if run.file is None)
        self._prefetch.fetch([one for one in dict.fromkeys(new) if one not in known])

    def run_live(self) -> None:
        """Train here what is played from a recording, from its beginning."""
        self._live |= {part.run.file for part in self._parts.values() if part.run.file}
        self.set_stage(self._stage)

    def play_with(self, letter: str, wanted: Experiment) -> None:
        """Let a lane start from the initial weights that somebody plays with, until the next stop.

        Raises:
            KeyError: if there is no such lane on the stage.
        """
        part = self._parts[letter]
        changed = part.run.experiment.model_copy(update={"initialiser": wanted.initialiser})
        part.lane, part.way, part.is_there = self._start(letter, changed), [0], False
        part.staged, part.played, part.strays = StagedLane(letter, changed), None, True
        self._was_settled = False
        part.lane.train_to(0)

    def want_weights(self, wanted: bool) -> None:
        """Let the lanes keep whole states more often: a panel shows them."""
        self._wants_weights = wanted
        for lane in self._lanes.values():
            lane.shows_weights = wanted

    def close(self) -> None:
        """End every run, and wait for the threads."""
        self._clock.stop()
        self._prefetch.close()
        if self._laboratory is not None:
            self._laboratory.close()

    # -- what it knows ---------------------------------------------------------------------------

    def shown(self, *, veiled: bool = False) -> list[Shown]:
        """What the panels show: the lanes that have anything to show, the `veiled` ones too."""
        labels = self.labels()
        return [
            Shown(letter, LETTERS.index(letter), labels[letter], part.recording, part.step)
            for letter, part in sorted(self._parts.items())
            if part.recording is not None and (veiled or letter not in self._stage.veiled)
        ]

    def labels(self) -> dict[str, str]:
        """What each lane of the stage is called, the veiled ones too."""
        if not self._parts:
            return {}
        return lane_labels({letter: part.staged.experiment for letter, part in self._parts.items()})

    @property
    def is_settled(self) -> bool:
        """Whether nothing will change until somebody does something."""
        return all(part.is_there for part in self._parts.values())

    @property
    def _in_sight(self) -> list[Part]:
        """The parts that are not veiled."""
        return [part for letter, part in self._parts.items() if letter not in self._stage.veiled]

    @property
    def is_measuring(self) -> bool:
        """Whether a lane that is to be seen has nothing to show yet."""
        return any(part.recording is None and not part.is_there for part in self._in_sight)

    @property
    def is_busy(self) -> bool:
        """Whether anything at all is under way, be it for a later stage."""
        labs = self._laboratory is not None and not self._laboratory.is_idle
        return labs or not self.is_settled or self._prefetch.is_running

    @property
    def has_trained(self) -> bool:
        """Whether anything was trained here so far."""
        return self._laboratory is not None

    @property
    def recorded(self) -> tuple[str, ...]:
        """The letters of the lanes in sight that are played from a recording."""
        return tuple(
            letter
            for letter, part in sorted(self._parts.items())
            if part.run.file is not None and letter not in self._stage.veiled
        )

    @property
    def progress(self) -> tuple[int, int] | None:
        """The step that training has come to, and where it will end; None where none is due."""
        way = [part for part in self._in_sight if not part.is_there and part.staged.step]
        steps = [
            int(part.played or (part.recording.last_step if part.recording else 0)) for part in way
        ]
        return (min(steps), max(part.staged.step for part in way)) if way else None

    @property
    def trouble(self) -> str:
        """Why lanes have failed, or are not played as recorded; empty where all is well."""
        errors = [f"{letter}: {part.error}" for letter, part in self._parts.items() if part.error]
        files = [lane.recording for lane in self._stage.lanes if lane.recording is not None]
        return " ".join([*errors, *(self._notes[file] for file in files if file in self._notes)])

    # -- getting ready ---------------------------------------------------------------------------

    def _run_of(self, lane: StagedLane) -> Run:
        file = lane.recording if lane.recording not in self._live else None
        return Run(lane.experiment, lane.step, file)

    def _whole(self, run: Run) -> Run:
        return Run(run.experiment, WHOLE, run.file)

    def _prepare(self, part: Part, before: Part | None) -> None:
        """Take what was kept of a part; else find who will bring it."""
        part.recording = self._kept.get(part.run)
        part.is_there = part.recording is not None
        if part.is_there:
            return
        if part.run.file is None:
            self._engage(part, before)
        elif (whole := self._kept.get(self._whole(part.run))) is not None:
            self._play(part, whole, before)
        else:
            file = part.run.file
            self._analyst.ask(
                ("recording", part.staged.letter),
                partial(load, file),
                partial(self._loaded, part, before),
                partial(self._cannot_play, file),
            )

    def _engage(self, part: Part, before: Part | None) -> None:
        """Find a lane of the laboratory that can be trained on, or start one."""
        letter, run = part.staged.letter, part.run
        lane = self._lanes.get(letter)
        fits = (
            lane is not None
            and lane.experiment == run.experiment
            and lane.state is not State.FAILED
            and lane.bound <= run.step
        )
        if lane is not None and fits:
            # It arrives at the stops between one by one, so that they are kept as well.
            pending = before.way if before is not None and before.lane is lane else []
            part.way = [step for step in pending if lane.reach <= step < run.step]
            part.lane = lane
        elif (beginning := self._kept.beginning(run)) is not None:
            part.lane = self._take_up(letter, beginning)
        else:
            part.lane = self._start(letter, run.experiment)
        part.way.append(run.step)
        found = part.lane.recording
        if found is not None and found.experiment == run.experiment:
            part.recording = found

    def _start(self, letter: str, experiment: Experiment) -> Lane:
        """A lane that begins this experiment."""
        known = self._lanes.get(letter)
        if known is not None and self._laboratory is not None:
            self._laboratory.set_experiment(known.letter, experiment)
            return known
        if self._laboratory is None:
            self._laboratory = Laboratory(experiment, self, trainer=self._trainer)
            self._laboratory.clock.tick.connect(self.ticked)
            self._laboratory.state_changed.connect(self._look)
            lane = self._laboratory.lanes[0]
        else:
            lane = self._laboratory.add(experiment)
        lane.shows_weights = self._wants_weights
        lane.restarted.connect(partial(self._restarted, letter))
        lane.grew.connect(self.grew)
        self._lanes[letter] = lane
        return lane

    def _take_up(self, letter: str, beginning: Recording) -> Lane:
        """A lane that goes on from what was kept of an earlier stop."""
        lane = self._lanes.get(letter) or self._start(letter, beginning.experiment)
        assert self._laboratory is not None
        self._laboratory.take_back(lane.letter, cut(beginning, beginning.last_step), None)
        return lane

    def _give_orders(self) -> None:
        """Send every lane on its way; those that nobody waits for pause."""
        if self._laboratory is None:
            return
        self._laboratory.set_speed(self._stage.pace)
        for letter, lane in self._lanes.items():
            part = self._parts.get(letter)
            if part is not None and part.lane is lane:
                lane.train_to(part.way[0])
            else:
                lane.pause()

    # -- what happens ----------------------------------------------------------------------------

    def _restarted(self, letter: str) -> None:
        part = self._parts.get(letter)
        if part is not None and part.lane is not None:
            part.recording = part.lane.recording
            self.renewed.emit()

    def _look(self) -> None:
        """See who has arrived."""
        for part in self._parts.values():
            if part.lane is not None and not part.is_there:
                self._look_at(part, part.lane)
        if self.is_settled and not self._was_settled:
            self._was_settled = True
            self.settled.emit()

    def _look_at(self, part: Part, lane: Lane) -> None:
        if lane.state is State.FAILED:
            part.error, part.is_there = lane.error, True
            return
        recording, has_finished = lane.recording, lane.state is State.FINISHED
        if not lane.is_idle or recording is None or recording.experiment != lane.experiment:
            return
        for step in self._arrivals(part, recording.last_step, has_finished):
            if not part.strays:
                self._kept.put(Run(lane.experiment, step), cut(recording, step))
        if part.way:
            lane.train_to(part.way[0])
        else:
            part.recording, part.is_there = recording, True

    @staticmethod
    def _arrivals(part: Part, last: int, has_finished: bool) -> Iterator[int]:
        """The steps of its way that a part has come to; to all of them, if there is no more."""
        while part.way and (has_finished or part.way[0] <= last):
            yield part.way.pop(0)

    # -- recordings ------------------------------------------------------------------------------

    def _loaded(self, part: Part, before: Part | None, whole: Recording) -> None:
        if part is not self._parts.get(part.staged.letter) or part.run.file is None:
            return
        if not self._keep_whole(part.run, whole):
            changed = ", ".join(d.key for d in differences(part.run.experiment, whole.experiment))
            self._cannot_play(part.run.file, f"it holds another experiment ({changed} differs).")
            return
        self._play(part, whole, before)
        self.renewed.emit()
        self._look()

    def _prefetched(self, run: Run, whole: Recording) -> None:
        self._keep_whole(run, whole)

    def _keep_whole(self, run: Run, whole: Recording) -> bool:
        """Keep what was read from a file; returns whether it is what it should be."""
        fits = not differences(run.experiment, whole.experiment)
        if fits:
            self._kept.put(self._whole(run), whole)
        return fits

    def _cannot_play(self, file: Path, sentence: str) -> None:
        """A recording is missing or wrong: it is said, and the experiment runs live."""
        self._notes[file] = f"{file.name} is run live: {sentence}"
        self._live.add(file)
        if any(part.run.file == file for part in self._parts.values()):
            self.set_stage(self._stage)

    def _play(self, part: Part, whole: Recording, before: Part | None) -> None:
        """Show a recording, step by step from where the stop before was."""
        part.recording = cut(whole, part.run.step)
        self._kept.put(part.run, part.recording)
        known = before is not None and before.run.experiment == part.run.experiment
        begin = before.staged.shown_step if before is not None and known else 0
        if begin < part.staged.shown_step == part.staged.step:
            part.played = float(begin)
            self._clock.start()
        else:
            part.is_there = True

    def _play_on(self) -> None:
        playing = [part for part in self._parts.values() if part.played is not None]
        for part in playing:
            assert part.played is not None
            pace = self._stage.pace or max(part.staged.step / PLAYED, 1.0)
            part.played += pace * PICTURE / 1000
            if part.played >= part.staged.step:
                part.played, part.is_there = None, True
        self._pictures += 1
        self.grew.emit()
        self.ticked.emit(self._pictures)
        if not any(part.played is not None for part in playing):
            self._clock.stop()
        self._look()
