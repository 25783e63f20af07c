"""Numbers in the prose that nothing proves: each must be measured, set, or plainly no claim."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from initviz.lab.experiment import Experiment
from initviz.lab.lectures.challenges import Challenge
from initviz.lab.lectures.expectations import Expectation
from initviz.lab.lectures.stages import epoch, stages_of
from initviz.lab.lectures.values import Beat, Lecture, Scene, Stage

#: Counts up to this one ("two lanes, 3 layers") claim nothing.
SMALL = 4

Found = tuple[int, str, str]

_POWER = r"10(?:\^\{?[−-]?\d+\}?|[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
#: "0.25", "1 600", "1.1e-9", "1.1 × 10⁻⁹", "10⁻³", "95 %"; no part of a word or a longer number.
_NUMBER = re.compile(
    rf"(?<![\w.])(?:{_POWER}|"
    r"[−-]?\d+(?:[ \u00a0\u2009\u202f]\d{3})*(?:\.\d+)?"
    rf"(?:\s?[×·x]\s?{_POWER}|e[-+−]?\d+)?(?:\s?%)?(?![\w⁻]|\.\d))"
)
_BARE_POWER = re.compile(_POWER)
#: What is no claim of the lecture: quoted text, code, formulas, links, and where sources stand.
_NO_CLAIM = (
    re.compile(r"“[^”]*”"),
    re.compile(r"`[^`]*`"),
    re.compile(r"\$\$.*?\$\$", re.DOTALL),
    re.compile(r"\$[^$]*\$"),
    re.compile(r"\]\([^)]*\)"),
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(
        r"\b(?:figures?|fig\.|sections?|chapters?|equations?|tables?|lectures?|scenes?|pages?|issue|"
        r"hidden|layers?|steps?|seeds?)\s+\d+(?:(?:\s*(?:,|to|and|–|-)\s*)\d+)*",
        re.IGNORECASE,
    ),
    re.compile(r"^\s*\d+[.)]\s", re.MULTILINE),
    re.compile(r"\bln \d+"),
)
_YEAR = re.compile(r"(?:1[89]|20)\d\d")
_SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def unproved_numbers(lecture: Lecture | Challenge) -> tuple[Found, ...]:
    """(line of the part, number, sentence) of each number that nothing accounts for.

    A number is accounted for by an `expect` line of its scene, by a setting of a lane of its
    scene or a step or epoch of it, and by being a count up to `SMALL`, a year, the number of a
    figure, a layer or a step, or a part of a quotation “…”, of `code` or of a formula.
    """
    if isinstance(lecture, Challenge):
        known = [
            *_of_claims((*lecture.goal, *lecture.proofs)),
            *_of_settings(lecture.experiment),
            float(lecture.steps),
        ]
        known += [float(lecture.seeds), *_of_settings(lecture.solved)]
        parts = [lecture.text, *lecture.hints]
        return tuple(f for part in parts for f in _unproved(part, 1, known))
    staged: dict[int, list[tuple[Beat, Stage]]] = {}
    for where, now in stages_of(lecture):
        beat = lecture.scenes[where.scene].beats[where.beat]
        if where.answered == (beat.question is not None):
            staged.setdefault(where.scene, []).append((beat, now))
    return tuple(
        found
        for index, scene in enumerate(lecture.scenes)
        for found in _of_scene(scene, staged[index])
    )


def _of_scene(scene: Scene, staged: list[tuple[Beat, Stage]]) -> Iterator[Found]:
    claims = [line for beat in scene.beats for line in beat.expectations]
    known = [*_of_claims(claims), float(scene.seeds), float(len(scene.beats))]
    for beat, now in staged:
        for lane in now.lanes:
            known += [*_of_settings(lane.experiment), float(lane.step), float(lane.shown_step)]
            if beat.action.unit == "epochs":
                known.append(float(epoch(lane.experiment)))
        known += [float(beat.action.run), beat.action.pace or 0.0]
    yield from _unproved(scene.title, scene.line, known)
    for beat in scene.beats:
        for text in _said(beat):
            yield from _unproved(text, beat.line, known)


def _said(beat: Beat) -> Iterator[str]:
    yield beat.text
    if beat.question:
        # Of the choices only the right one is a claim.
        question = beat.question
        yield from (question.ask, question.because)
        if question.answer:
            yield question.choices[question.answer - 1]


def _unproved(text: str, line: int, known: Iterable[float]) -> Iterator[Found]:
    whole = list(known)
    plain = text
    for form in _NO_CLAIM:
        plain = form.sub(lambda found: re.sub(r"[^\n]", "\x00", found[0]), plain)
    for found in _NUMBER.finditer(plain):
        if not _is_known(found[0], whole):
            yield line, found[0].strip(), _sentence(text, found.start())


def _sentence(text: str, at: int) -> str:
    starts = (text.rfind(mark, 0, at) for mark in (". ", "\n\n"))
    start = max((s + 2 for s in starts if s >= 0), default=0)
    end = min(
        (e for e in (text.find(". ", at), text.find("\n\n", at)) if e >= 0), default=len(text)
    )
    return " ".join(text[start : end + 1].split())[:160]


def _is_known(text: str, known: list[float]) -> bool:
    if _YEAR.fullmatch(text):
        return True
    value, precision = _value(text)
    if not math.isfinite(value):
        return False
    if "%" not in text and value == int(value) and abs(value) <= SMALL:
        return True
    if _BARE_POWER.fullmatch(text.strip()):
        # "About 10⁻¹⁴" is an order of magnitude.
        return any(k > 0 and round(math.log10(k)) == round(math.log10(value)) for k in known)
    # A number is rounded as it is written: 0.71 stands for 0.705 to 0.715.
    return any(math.isclose(value, k, rel_tol=1e-9) or abs(value - k) <= precision for k in known)


def _value(text: str) -> tuple[float, float]:
    """A number and half a unit of its last digit."""
    plain = re.sub(r"(?<=\d)[ \u00a0\u2009\u202f](?=\d)", "", text).replace("−", "-")
    plain = re.sub(r"\s?[×·x]\s?10\^?\{?", "e", plain).rstrip("}")
    share = 0.01 if plain.endswith("%") else 1.0
    plain = plain.rstrip("% ").strip()
    power = re.fullmatch(r"10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", plain)
    plain = f"1e{power[1]}" if power else plain
    plain = plain.translate(_SUPERSCRIPTS)
    mantissa, _, exponent = plain.partition("e")
    digits = len(mantissa.partition(".")[2])
    scale = float(f"1e{exponent or 0}") * share
    return float(mantissa) * scale, 0.5001 * 10.0**-digits * scale if "." in mantissa else 0.0


def _of_claims(claims: Iterable[Expectation]) -> Iterator[float]:
    for line in claims:
        for number in line.numbers:
            value = float(number.replace("−", "-"))
            yield value
            yield value / 100  # a share's number is written with or without %
            if value:
                yield 1 / value  # "a thousand times less" for 0.001
        if line.step is not None:
            yield float(line.step)


def _of_settings(experiment: Experiment) -> Iterator[float]:
    yield from _numbers(experiment.to_dict())


def _numbers(table: Mapping[str, Any]) -> Iterator[float]:
    for value in table.values():
        if isinstance(value, Mapping):
            yield from _numbers(value)
        elif isinstance(value, list):
            yield from (n for entry in value for n in _numbers(entry))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield float(value)
