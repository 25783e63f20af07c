"""What a person does about findings: follow a remedy, have it proved, choose other thresholds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from initviz.lab.diagnosis import Finding
from initviz.lab.experiment import Experiment
from initviz.lab.thresholds import Thresholds
from initviz.session.lane import Lane, State
from initviz.session.trial import TrialRunner
from initviz.ui.diagnosis_view import DiagnosisView
from initviz.ui.rules_dialog import RulesDialog

if TYPE_CHECKING:
    from initviz.lab.trial import Trial

#: Updates of each of the two runs of a proof: at least so many, and as many as the person has seen
#: up to the other.
SHORTEST, LONGEST = 100, 1000


class Treatment(QObject):
    """Stands between the diagnosis and what can be done about it. `close` it with the window.

    `rules_changed` says that there are other thresholds.
    """

    rules_changed = Signal()

    def __init__(self, view: DiagnosisView, thresholds: Thresholds, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._view = view
        self._lanes: dict[str, tuple[Lane, Callable[[Experiment, Experiment], None]]] = {}
        self._proved: tuple[str, Finding] | None = None
        self._runner = TrialRunner(self)
        view.thresholds = thresholds
        view.proof_wanted.connect(self._prove)
        view.cancel_wanted.connect(self.cancel)
        view.remedy_wanted.connect(self.apply)
        self._runner.progressed.connect(self._show_progress)
        self._runner.finished.connect(self._show_trial)
        self._runner.failed.connect(self._show_failure)

    def attend(self, lane: Lane, change: Callable[[Experiment, Experiment], None]) -> None:
        """Treat this lane from now on; `change` takes its experiment before and after."""
        self._lanes[lane.letter] = lane, change
        lane.state_changed.connect(partial(self._lane_changed, lane.letter))
        lane.restarted.connect(partial(self._forget, lane.letter))

    def dismiss(self, letter: str) -> None:
        """Treat the lane of this letter no more: it is gone."""
        self._forget(letter)
        self._lanes.pop(letter, None)

    @property
    def thresholds(self) -> Thresholds:
        """What the rules hold their numbers against."""
        return self._view.thresholds

    def apply(self, letter: str, finding: Finding) -> None:
        """Follow the first remedy of a finding in a lane."""
        lane, change = self._lanes[letter]
        before = lane.experiment
        try:
            after = finding.remedy_experiment(before)
        except ValueError as error:  # the experiment has changed since the finding was made
            self._view.show_trouble(str(error))
            return
        change(before, after)

    def edit_rules(self) -> None:
        """Open the table of rules."""
        dialog = RulesDialog(self._window, self.thresholds)
        dialog.changed.connect(self._use_rules)
        dialog.open()

    def cancel(self) -> None:
        """End the proof that is on its way."""
        self._runner.cancel()
        self._proved = None
        self._view.end_progress()

    def close(self) -> None:
        """End the proof that is on its way, and wait for its thread."""
        self._runner.close()

    def _use_rules(self, thresholds: Thresholds) -> None:
        self._view.thresholds = thresholds
        self.rules_changed.emit()

    def _lane_changed(self, letter: str, state: State) -> None:
        if state is State.LOADING:
            self._cancel_of(letter)

    def _forget(self, letter: str) -> None:
        self._cancel_of(letter)
        self._view.forget_proofs(letter)

    def _cancel_of(self, letter: str) -> None:
        if self._proved is not None and self._proved[0] == letter:
            self.cancel()

    # -- the proof -------------------------------------------------------------------------------

    def _prove(self, letter: str, finding: Finding) -> None:
        recording = self._lanes[letter][0].recording
        if recording is None:
            return
        self.cancel()
        self._proved = letter, finding
        steps = min(max(self._view.step, SHORTEST), LONGEST)
        self._view.show_progress(letter, finding, None)
        self._runner.start(recording.experiment, finding, steps, self.thresholds)

    def _show_progress(self, share: float) -> None:
        if self._proved is not None:
            self._view.show_progress(*self._proved, share)

    def _show_trial(self, trial: Trial) -> None:
        self._say(f"{trial.verdict.capitalize()}.", trial.sentence)

    def _show_failure(self, sentence: str) -> None:
        self._say("Not proved.", sentence)

    def _say(self, verdict: str, sentence: str) -> None:
        proved, self._proved = self._proved, None
        self._view.end_progress()
        if proved is not None:
            self._view.show_proof(*proved, verdict, sentence)
