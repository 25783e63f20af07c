"""One line of an `expect` block: `[LANE:] SUBJECT [at step N] OPERATOR VALUE`.

With `LANE over LANE:` what is compared is the first lane's number over the second's.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

import numpy as np

from initviz.lab import wording
from initviz.lab.lectures.subjects import (
    SUBJECTS,
    Reading,
    Subject,
    View,
    over,
    select,
    selector_names,
)
from initviz.lab.recording import Recording
from initviz.lab.settings import did_you_mean, shown

#: An expectation is one short line.
MOST_CHARACTERS = 300


@dataclass(frozen=True)
class Condition:
    """What is wanted of a reading: a number between bounds, or a word that is or is not there.

    `low` and `high` are taken in where `closed` says so, one for each. `word` is that of a
    subject of words. `negated`: what is wanted is the opposite.
    """

    low: float = -math.inf
    high: float = math.inf
    closed: tuple[bool, bool] = (True, True)
    word: str = ""
    negated: bool = False

    def holds(self, reading: Reading) -> bool:
        """Whether a reading is as wanted. Of what could not be measured (NaN) nothing holds."""
        if isinstance(reading, tuple):
            return (self.word in reading) != self.negated
        if math.isnan(reading):
            return False
        above = reading >= self.low if self.closed[0] else reading > self.low
        below = reading <= self.high if self.closed[1] else reading < self.high
        return (above and below) != self.negated


@dataclass(frozen=True)
class Expectation:
    """A claim about a lane, or about its number over that of the lane `over`.

    `step` is None where it is held at the beat's own step.

    `numbers` are those that the line names, as they were written; `line` is where it stands.
    """

    line: int
    text: str
    lane: str
    subject: str
    selector: str
    step: int | None
    condition: Condition
    numbers: tuple[str, ...] = ()
    over: str = ""

    @property
    def lanes(self) -> tuple[str, ...]:
        """The letters of the lanes that it is about: one, or two where it is about a ratio."""
        return (self.lane, self.over) if self.over else (self.lane,)

    def read(self, recording: Recording, step: int) -> Reading:
        """What is measured, at `step` unless the line says another."""
        view = View(recording, step if self.step is None else self.step)
        subject = SUBJECTS[self.subject]
        found = subject.read(view)
        if not subject.row:
            return found if isinstance(found, tuple) else float(found)
        chosen = select(subject.row, self.selector)
        row = np.asarray(found, dtype=float)
        return math.nan if chosen is None or len(row) == 0 else chosen(row)

    def ratio(self, reading: Reading, below: Reading) -> Reading:
        """One lane's number over another's; NaN where one of them is none."""
        if isinstance(reading, tuple) or isinstance(below, tuple):
            return math.nan
        return over(reading, below)

    def holds(self, reading: Reading) -> bool:
        """Whether what was measured is as the line says."""
        return self.condition.holds(reading)

    def shown(self, reading: Reading) -> str:
        """What was measured, for people."""
        if isinstance(reading, tuple):
            return ", ".join(reading) or "none"
        unit = "" if self.over else SUBJECTS[self.subject].unit
        if unit == "%" and 1e-3 <= abs(reading) <= 100:
            return wording.share(reading, 2)
        if math.isfinite(reading) and reading == int(reading) and abs(reading) < 1e6:
            return str(int(reading))
        return wording.number(reading, 4)


_LANE = re.compile(r"([A-Za-z]\w*)(?:\s+over\s+([A-Za-z]\w*))?\s*:\s*")
_STEP = re.compile(r"\s+at\s+step\s+(\S+)$")
_OPERATOR = re.compile(r"(<=|>=|!=|==|=|<|>|~|≤|≥|≠|≈|\bin\b)")
_NUMBER = r"[-+−]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_VALUE = re.compile(rf"({_NUMBER})\s*([^\d\s.].*)?")
_RANGE = re.compile(rf"({_NUMBER})\s*(\S+)?\s+to\s+({_NUMBER})\s*(\S+)?")
_NEAR = re.compile(
    rf"({_NUMBER})\s*(\S+)?\s+within\s+(?:a\s+)?(?:factor\s+(?:of\s+)?({_NUMBER})|({_NUMBER})\s*%)"
)
_SAME = {"==": "=", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~"}
_FORM = "[LANE:] SUBJECT OPERATOR VALUE, e.g. `B: loss < 0.5`"
_OPERATORS = "<, <=, >, >=, =, !=, in … to …, ~ … within …"


def parse(text: str, line: int) -> Expectation:
    """One line of an `expect` block.

    Raises:
        ValueError: a sentence that says what is allowed.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"an expectation of {len(text)} characters: at most {MOST_CHARACTERS}")
    lane, over, rest = "A", "", text.strip()
    if found := _LANE.match(rest):
        lane, over, rest = found[1], found[2] or "", rest[found.end() :]
        for letter in filter(None, (lane, over)):
            if letter not in ("A", "B", "C", "D"):
                raise ValueError(f"{shown(letter)} is no lane: one of A, B, C, D")
    operator = _OPERATOR.search(rest)
    if operator is None:
        raise ValueError(
            f"{shown(text)} is no expectation: {_FORM}; the operators are {_OPERATORS}"
        )
    left, value = rest[: operator.start()].rstrip(), rest[operator.end() :].strip()
    step = None
    if found := _STEP.search(left):
        left = left[: found.start()].rstrip()
        step = _step(found[1])
    subject, selector = _subject(left)
    sign = _SAME.get(operator[1], operator[1])
    if over and subject.words:
        raise ValueError(f"{subject.name} is a word: there is no ratio {lane} over {over} of it")
    condition, numbers = _condition(replace(subject, unit="") if over else subject, sign, value)
    return Expectation(
        line, text.strip(), lane, subject.name, selector, step, condition, numbers, over
    )


def _step(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 9:
        return int(text)
    raise ValueError(f"at step {shown(text)[1:-1]}: a whole number of at least 0")


def _subject(text: str) -> tuple[Subject, str]:
    whole = SUBJECTS.get(text)
    name, _, selector = text.rpartition(".")
    if whole is not None and not whole.row:
        return whole, ""
    if whole is not None:
        raise ValueError(f"{text} is a row: {text}.SELECTOR with one of {_listed(whole)}")
    subject = SUBJECTS.get(name)
    if subject is None:
        near = did_you_mean(text, list(SUBJECTS)) or did_you_mean(name or text, list(SUBJECTS))
        known = dict.fromkeys(n.partition(".")[0] for n in SUBJECTS)
        raise ValueError(f"{shown(text)} is no subject{near}; allowed are {', '.join(known)}")
    if not subject.row:
        raise ValueError(f"{name} has no .{shown(selector)[1:-1]}: it is written {name} alone")
    if select(subject.row, selector) is None:
        near = did_you_mean(selector, list(selector_names(subject.row)))
        raise ValueError(
            f"{name}.{shown(selector)[1:-1]}: unknown selector{near}; allowed are "
            f"{_listed(subject)}"
        )
    return subject, selector


def _listed(subject: Subject) -> str:
    return ", ".join(selector_names(subject.row))


def _condition(subject: Subject, sign: str, value: str) -> tuple[Condition, tuple[str, ...]]:
    if subject.words:
        return _word(subject, sign, value), ()
    if sign == "in":
        found = _whole(_RANGE, value, "in A to B, e.g. `in 0.4 to 1.3`")
        share = _share(subject, found[4], found[2])
        low, high = _number(found[1]) * share, _number(found[3]) * share
        if low > high:
            raise ValueError(f"in {value}: the first number is the smaller one")
        return Condition(low, high), (found[1], found[3])
    if sign == "~":
        found = _whole(_NEAR, value, "~ X within a factor F, or ~ X within P %")
        return _near(subject, found), (found[1],)
    found = _whole(_VALUE, value, f"{sign} and a number, e.g. `{sign} 0.5`")
    number = _number(found[1]) * _share(subject, found[2])
    return _bounds(sign, number), (found[1],)


def _bounds(sign: str, number: float) -> Condition:
    tables = {
        "<": Condition(high=number, closed=(True, False)),
        "<=": Condition(high=number),
        ">": Condition(low=number, closed=(False, True)),
        ">=": Condition(low=number),
        "=": _equal(number),
        "!=": replace(_equal(number), negated=True),
    }
    return tables[sign]


def _equal(number: float) -> Condition:
    """Equal but for what a last digit of 15 does: 0.97 and 97 × 0.01 are one number."""
    reach = 1e-12 * abs(number)
    return Condition(number - reach, number + reach)


def _near(subject: Subject, found: re.Match[str]) -> Condition:
    middle = _number(found[1]) * _share(subject, found[2])
    if found[3] is None:
        reach = abs(middle) * _number(found[4]) / 100
        return Condition(middle - abs(reach), middle + abs(reach))
    factor = _number(found[3])
    if factor < 1 or middle == 0:
        raise ValueError("within a factor F: F is at least 1, and the number is not 0")
    ends = sorted((middle / factor, middle * factor))
    return Condition(ends[0], ends[1])


def _word(subject: Subject, sign: str, value: str) -> Condition:
    if sign not in ("=", "!="):
        raise ValueError(f"{subject.name} is a word: = or !=")
    word = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    known = [name for name in subject.words if name != "…"]
    fits = word in known or ("…" in subject.words and re.fullmatch(r"hidden [1-9]\d{0,3}", word))
    if not fits:
        near = did_you_mean(word, known)
        raise ValueError(
            f"{subject.name} {sign} {shown(word)} is not allowed: one of "
            f"{', '.join(subject.words)}{near}"
        )
    return Condition(word=word, negated=sign == "!=")


def _whole(form: re.Pattern[str], value: str, allowed: str) -> re.Match[str]:
    found = form.fullmatch(value)
    if found is None:
        raise ValueError(f"{shown(value)} is no value: {allowed}")
    return found


def _number(text: str) -> float:
    number = float(text.replace("−", "-"))
    if not math.isfinite(number):
        raise ValueError(f"{shown(text)[1:-1]} is too large a number")
    return number


def _share(subject: Subject, unit: str | None, other: str | None = None) -> float:
    """What a number with this unit is multiplied by."""
    for given in (unit, other):
        known = {"%": ("%",), "steps": ("step", "steps"), "units": ("unit", "units")}
        allowed = known.get(subject.unit, ())
        if given and given not in allowed:
            has = f"its unit is {subject.unit}" if subject.unit else "it has no unit"
            raise ValueError(f"{subject.name} is not measured in {shown(given)[1:-1]}: {has}")
    return 0.01 if unit == "%" else 1.0
