"""The diagnosis: what the rules find in a recording at a step.

Each rule has a quantity, a threshold that a person can change and a way to compute what is held
against it; its message prints the number that tripped it, and the threshold. A rule is blind to
what was not measured: NaN trips nothing, but a number that *became* NaN or infinite is a finding of
its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from initviz.lab import remedies
from initviz.lab.experiment import Experiment
from initviz.lab.recording import Recording
from initviz.lab.remedies import Advice
from initviz.lab.rules import HEALTHY, RULES, Kind, Rule, note_for
from initviz.lab.settings import Value
from initviz.lab.symptoms import Moment, Symptom
from initviz.lab.thresholds import DEFAULTS, Thresholds
from initviz.lab.wording import number

__all__ = ["HEALTHY", "RULES", "Advice", "Finding", "Kind", "Rule", "diagnose", "on_early_stop"]

#: The signal gradient of the first hidden layer, relative to the last, is healthy between these
#: unless a person has chosen otherwise.
VANISHING = DEFAULTS.vanishing
EXPLODING = DEFAULTS.exploding
#: A run that stopped has learnt something where its loss has fallen to this share.
LEARNT = 0.5


@dataclass(frozen=True)
class Finding:
    """One thing to say about a run at a step.

    `layer` is the name of the layer to look at, None if it is about all. `value` was held against
    `threshold`. `message` holds one or two paragraphs of plain text; `numbers` are the parts of it
    that are measured or are limits, to be set apart in print. `remedies` are what to try, the most
    promising one first.
    """

    kind: Kind
    layer: str | None
    value: float
    threshold: float
    message: str
    remedies: tuple[Advice, ...] = ()
    why: str = ""
    source: str = ""
    label: str = ""
    numbers: tuple[str, ...] = ()

    @property
    def advice(self) -> Advice:
        """The first remedy; an empty advice if there is none."""
        return self.remedies[0] if self.remedies else Advice()

    @property
    def remedy(self) -> str:
        """A sentence that names what to try first, "" if there is nothing."""
        return self.advice.sentence

    @property
    def remedy_settings(self) -> Mapping[str, Value]:
        """The settings, by dotted key, that the first remedy changes."""
        return self.advice.settings

    def remedy_experiment(self, experiment: Experiment) -> Experiment:
        """The experiment with the first remedy: "The same with Glorot normal"."""
        return self.advice.apply(experiment)


def diagnose(recording: Recording, step: int, rules: Thresholds = DEFAULTS) -> list[Finding]:
    """What the rules find at `step` under these thresholds, the most severe first.

    There is one finding of each kind. A recording with nothing measured at or before `step` has
    none, and a diverged run only that: its other numbers mean nothing any more.
    """
    moment = Moment(recording, step, rules)
    findings: list[Finding] = []
    for rule in RULES:
        if any(finding.kind == rule.kind for finding in findings):
            continue
        symptom = rule.find(moment, rule.limit(rules))
        if symptom is not None:
            findings.append(_finding(rule, symptom, moment))
        if findings and rule.kind == "diverged":
            break
    if findings:
        return findings
    symptom = HEALTHY.find(moment, HEALTHY.limit(rules))
    return [] if symptom is None else [_finding(HEALTHY, symptom, moment)]


def _finding(rule: Rule, symptom: Symptom, moment: Moment) -> Finding:
    return Finding(
        kind=rule.kind,
        layer=symptom.layer,
        value=symptom.value,
        threshold=symptom.threshold,
        message=symptom.message,
        remedies=remedies.all_of(rule.remedies, moment.experiment, moment.step),
        why=f"{rule.why} {note_for(rule, moment.experiment)}".strip(),
        source=rule.source,
        label=rule.label,
        numbers=symptom.numbers,
    )


# -- early stopping -------------------------------------------------------------------------------

#: Findings under which a network cannot learn, whatever its loss does.
_STARVING = ("identical", "vanishing", "dead")


def on_early_stop(recording: Recording, rules: Thresholds = DEFAULTS) -> str:
    """Why the loss stood still where training was stopped early: "" if it was not.

    A loss that stands still has not therefore converged: the diagnosis tells whether the network
    could still learn.
    """
    if recording.stopped != "early":
        return ""
    last, patience = recording.last_step, recording.experiment.training.patience
    findings = {finding.kind: finding for finding in diagnose(recording, last, rules)}
    if "diverged" in findings:
        return "Stopped early: the run has diverged, so the loss cannot fall any more."
    start, end = _loss_around(recording, 0, patience), _loss_around(recording, last, patience)
    fell = f"from {number(start, 3)} to {number(end, 3)}"
    sick = next((findings[kind] for kind in _STARVING if kind in findings), None)
    if sick is not None and end > LEARNT * start:
        return (
            "Stopped early because the loss stood still: the network has not converged, it "
            f"starves. {_first_sentence(sick.message)}"
        )
    still = f"Stopped early: the loss has not fallen for {patience} steps"
    if sick is not None:
        return (
            f"{still}. It fell {fell} before, but whether the network has converged or starves now "
            f"is open. {_first_sentence(sick.message)}"
        )
    if end > LEARNT * start:
        return (
            f"{still}, and hardly before ({fell}): nothing starves, but little was learnt either. "
            "The learning rate may be too small or too large, or the task too hard for this "
            "network."
        )
    return f"{still}, after it fell {fell}: the network has converged."


def _loss_around(recording: Recording, step: int, window: int) -> float:
    """The mean of the losses within the tenth part of `window` before or after `step`."""
    track = recording.scalar_track("loss")
    near = abs(track.steps - step) <= window / 10
    return float(track.values[near, 0].mean()) if near.any() else float("nan")


def _first_sentence(message: str) -> str:
    return message.splitlines()[0].partition(". ")[0].rstrip(".") + "."
