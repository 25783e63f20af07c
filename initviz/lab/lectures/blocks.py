"""The blocks of a lecture: which keys each has, and what they become."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import SCHEMES
from initviz.lab.lectures import expectations, markdown
from initviz.lab.lectures.lanes import Lanes
from initviz.lab.lectures.tables import (
    Block,
    Key,
    Table,
    checked,
    flag,
    letter,
    letters,
    number,
    read,
    section,
    text,
    texts,
    whole,
)
from initviz.lab.lectures.values import Action, LineError, Question, Scene, Stage
from initviz.lab.settings import did_you_mean, shown

#: The panels that there are: of each the options, and of these the choices. None: any will do.
Panels = Mapping[str, Mapping[str, Collection[str]]]

VERSION = 1
MOST_LANES = 4
MOST_STEPS = 100_000


def _run() -> Key:
    def convert(value: Any) -> tuple[int, str]:
        if type(value) is int and 1 <= value <= MOST_STEPS:
            return value, "steps"
        found = re.fullmatch(r"(\d{1,6}) (step|epoch)s?", value) if isinstance(value, str) else None
        if not found or not 1 <= int(found[1]) <= MOST_STEPS:
            raise ValueError
        return int(found[1]), f"{found[2]}s"

    return Key(f'1 to {MOST_STEPS} steps, e.g. 50, "50 steps" or "2 epochs"', convert, (0, "steps"))


def _go() -> Key:
    def convert(value: Any) -> int:
        if value == "newest":
            return -1
        if type(value) is not int or not 0 <= value <= 10**9:
            raise ValueError
        return value

    return Key('a step, e.g. 0, or "newest"', convert)


def _slow_motion() -> Key:
    def convert(value: Any) -> int | str:
        if value == "play":
            return "play"
        if type(value) is not int or not 0 <= value <= 1001:
            raise ValueError
        return value

    return Key('the number of a beat, or "play"', convert)


def _highlight() -> Key:
    def convert(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"|output|hidden [1-9]\d{0,3}", value):
            raise ValueError
        return value

    return Key('"hidden 1", "hidden 2", …, "output", or "" for none', convert)


def settings_key() -> Key:
    """A list of dotted keys of settings, "network.*" for all of a section."""

    def convert(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise ValueError
        for key in value:
            if key not in setting_keys():
                near = did_you_mean(key, list(setting_keys()))
                raise ValueError(
                    f"{shown(key)} is no setting{near}; a setting is written section.name, or "
                    "section.* for all of network, initialiser, training, run, layers"
                )
        return tuple(value)

    return Key('a list of settings, e.g. ["training.optimiser", "network.*"]', convert, ())


@lru_cache(maxsize=1)
def setting_keys() -> tuple[str, ...]:
    """Every dotted key of an experiment, all schemes' parameters too, and "section.*"."""
    keys = [field.key for field in Experiment().fields()]
    for scheme in SCHEMES.values():
        keys += [f"initialiser.{name}" for name in scheme.model_fields]
    sections = ("network", "initialiser", "training", "run", "layers")
    return tuple(dict.fromkeys([*keys, *(f"{name}.*" for name in sections)]))


HEAD: Mapping[str, Key] = {
    "version": whole(1, VERSION, required=True),
    "number": whole(0, 999),
    "minutes": whole(1, 600, required=True),
    "summary": text(300, required=True),
}
SCENE: Mapping[str, Key] = {
    "panels": texts(1, 2, 60),
    "options": section(),
    "hidden": settings_key(),
    "locked": settings_key(),
    "veiled": letters(),
    "seeds": whole(1, 20, 1),
    "lanes": section(),
}
ACTION: Mapping[str, Key] = {
    "run": _run(),
    "step": flag(),
    "pace": number(0.01, 1e6),
    "go": _go(),
    "reveal": letters(),
    "highlight": _highlight(),
    "panels": texts(1, 2, 60),
    "options": section(),
    "slow_motion": _slow_motion(),
    "remove": letters(),
    "lanes": section(),
}
QUESTION: Mapping[str, Key] = {
    "ask": text(500, required=True),
    "choices": texts(2, 6, 200),
    "answer": whole(1, 6, 0),
    "sketch": text(60),
    "lane": letter(),
    "because": text(2000),
    "reveal": letters(),
}


def head(block: Block) -> Table:
    """The `toml lecture` block: a table with every key of `HEAD`."""
    table = read(block)
    version = table.get("version")
    if type(version) is int and version > VERSION:
        raise LineError(
            block.line_of(["version"]),
            f"version = {version} is newer than this program understands: at most {VERSION}",
        )
    return checked(block, table, HEAD)


def opening(
    block: Block | None, before: Stage, folder: Path | None, panels: Panels | None, scene: Scene
) -> Scene:
    """The scene with what its own block sets up; without a block it goes on with what is there."""
    if block is None:
        return _continuing(scene, Action(line=scene.line), before)
    found = checked(block, read(block), SCENE)
    lanes = Lanes(block, found["lanes"], Stage(), before, folder).all()
    action = Action(
        panels=_panels(block, found["panels"], panels),
        options=_options(block, found["options"], found["panels"] or before.panels, panels),
        veil=found["veiled"],
        lanes=lanes,
        line=block.line,
    )
    made = Scene(
        scene.title,
        scene.beats,
        action,
        continues=not lanes,
        hidden=found["hidden"],
        locked=found["locked"],
        seeds=found["seeds"],
        line=scene.line,
    )
    made = made if lanes else _continuing(made, action, before)
    if not (action.panels or before.panels):
        raise LineError(block.line - 1, 'the first scene says what is shown: panels = ["…"]')
    there = {lane.letter for lane in lanes or before.lanes}
    _must_be_there(block, "veiled", found["veiled"], there)
    return made


def _continuing(scene: Scene, action: Action, before: Stage) -> Scene:
    if not before.lanes:
        raise LineError(
            action.line - 1 if action.veil or action.panels else scene.line,
            "the first scene says what is run: a `toml scene` block with [lanes.A]",
        )
    return Scene(
        scene.title,
        scene.beats,
        action,
        continues=True,
        hidden=scene.hidden,
        locked=scene.locked,
        seeds=scene.seeds,
        line=scene.line,
    )


def action(
    block: Block, now: Stage, before: Stage, folder: Path | None, panels: Panels | None
) -> Action:
    """A `toml action` block on the stage `now`."""
    found = checked(block, read(block), ACTION)
    steps, unit = found["run"]
    if found["step"]:
        if steps:
            raise LineError(block.line_of(["step"]), "step = true or run = N, not both")
        steps, unit = 1, "steps"
    lanes = Lanes(block, found["lanes"], now, before, folder).all()
    here = {lane.letter for lane in now.lanes}
    after = (here - set(found["remove"])) | {lane.letter for lane in lanes}
    _must_be_there(block, "remove", found["remove"], here)
    _must_be_there(block, "reveal", found["reveal"], after)
    if not after:
        raise LineError(block.line_of(["remove"]), "one lane stays: not all can be removed")
    shown_panels = _panels(block, found["panels"], panels) or now.panels
    return Action(
        run=steps,
        unit=unit,
        pace=found["pace"],
        go=found["go"],
        reveal=found["reveal"],
        highlight=found["highlight"],
        panels=found["panels"],
        options=_options(block, found["options"], shown_panels, panels),
        slow_motion=found["slow_motion"],
        remove=found["remove"],
        lanes=lanes,
        line=block.line,
    )


def question(block: Block, now: Stage, panels: Panels | None) -> Question:
    """A `toml question` block on the stage `now`."""
    found = checked(block, read(block), QUESTION)
    here = {lane.letter for lane in now.lanes}
    _must_be_there(block, "reveal", found["reveal"], here)
    if bool(found["choices"]) == bool(found["sketch"]):
        raise LineError(block.line - 1, "a question has either choices = […] or sketch = a panel")
    if found["sketch"]:
        if found["answer"]:
            raise LineError(
                block.line_of(["answer"]), "a sketch has no answer = …: the curve answers"
            )
        _panels(block, (found["sketch"],), panels, "sketch")
        if found["sketch"] not in now.panels:
            raise LineError(
                block.line_of(["sketch"]),
                f"sketch = {shown(found['sketch'])} is not shown here: one of "
                f"{', '.join(now.panels)}",
            )
        found["lane"] = found["lane"] or "A"
        _must_be_there(block, "lane", (found["lane"],), here)
    elif not 1 <= found["answer"] <= len(found["choices"]):
        raise LineError(
            block.line_of(["answer"]),
            f"answer = {found['answer'] or '…'}: the number of a choice, 1 to "
            f"{len(found['choices'])}",
        )
    for key in ("ask", "because"):
        markdown.check_prose(found[key], block.line_of([key]))
    for choice in found["choices"]:
        markdown.check_prose(choice, block.line_of(["choices"]))
    return Question(**found, line=block.line)


def expected(block: Block) -> tuple[expectations.Expectation, ...]:
    """The lines of an `expect` block; empty lines and those that begin with # are passed over."""
    found = []
    for line, content in enumerate(block.text.split("\n"), block.line):
        if not content.strip() or content.lstrip().startswith("#"):
            continue
        try:
            found.append(expectations.parse(content, line))
        except ValueError as error:
            raise LineError(line, str(error)) from None
    if not found:
        raise LineError(block.line - 1, "an `expect` block without a line: e.g. `loss < 0.5`")
    return tuple(found)


def _must_be_there(block: Block, key: str, named: Collection[str], there: Collection[str]) -> None:
    for name in named:
        if name not in there:
            known = ", ".join(sorted(there)) or "none"
            raise LineError(
                block.line_of([key]), f"{key}: there is no lane {name} here; there is {known}"
            )


def _panels(
    block: Block, names: tuple[str, ...], panels: Panels | None, key: str = "panels"
) -> tuple[str, ...]:
    for name in names:
        if panels is not None and name not in panels:
            near = did_you_mean(name, list(panels))
            raise LineError(
                block.line_of([key, name]),
                f"{shown(name)} is no panel{near}; allowed are {', '.join(panels)}",
            )
    if len(set(names)) < len(names):
        raise LineError(block.line_of([key]), f"{key} names {names[0]} twice: two different ones")
    return names


def _options(
    block: Block, given: Table, shown_panels: tuple[str, ...], panels: Panels | None
) -> Mapping[str, Mapping[str, str]]:
    for panel, chosen in given.items():
        at = ["options", panel]
        if panel not in shown_panels:
            near = did_you_mean(panel, list(shown_panels))
            raise LineError(
                block.line_of(at),
                f"options.{shown(panel)[1:-1]}: this panel is not shown here{near}; shown are "
                f"{', '.join(shown_panels)}",
            )
        if not isinstance(chosen, dict) or not all(isinstance(v, str) for v in chosen.values()):
            raise LineError(
                block.line_of(at), f'options.{panel}: written options.{panel}.KEY = "choice"'
            )
        for key, value in chosen.items():
            _check_option(block, panel, key, value, panels)
    return {panel: dict(chosen) for panel, chosen in given.items()}


def _check_option(block: Block, panel: str, key: str, value: str, panels: Panels | None) -> None:
    if panels is None:
        return
    at, known = block.line_of(["options", panel, key]), panels[panel]
    if key not in known:
        has = f"it has {', '.join(known)}" if known else "it has none"
        near = did_you_mean(key, list(known))
        raise LineError(
            at, f"options.{panel}.{shown(key)[1:-1]} is no option of this panel{near}; {has}"
        )
    if value not in known[key]:
        near = did_you_mean(value, list(known[key]))
        raise LineError(
            at,
            f"options.{panel}.{key} = {shown(value)} is not allowed: one of "
            f"{', '.join(known[key])}{near}",
        )
