"""From the text of a lecture to a `Lecture`, or to one line that says what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from initviz.lab.lectures import blocks, stages
from initviz.lab.lectures.blocks import Panels
from initviz.lab.lectures.expectations import Expectation
from initviz.lab.lectures.markdown import Piece, pieces
from initviz.lab.lectures.tables import Block
from initviz.lab.lectures.values import Action, Beat, Lecture, LectureError, LineError, Scene, Stage
from initviz.lab.network_settings import layer_names

#: A lecture is a few pages of text; a file beyond this size is something else.
MAX_BYTES = 1_000_000
#: Lines of a text; markdown-it needs 20 µs for each.
MOST_LINES = 20_000
MOST_SCENES = 60
MOST_BEATS = 60


def read_lecture(path: Path, panels: Panels | None = None) -> Lecture:
    """The lecture in a file. `panels` are the panels that there are; None: any name will do.

    Raises:
        LectureError: one line that names the file, the line and what is allowed.
    """
    return parse_lecture(text_of(path), str(path), path.absolute().parent, panels)


def text_of(path: Path) -> str:
    """The text of a file, of which never more than `MAX_BYTES` are read.

    Raises:
        LectureError: if it is no text file of that size, or cannot be read.
    """
    try:
        # A device or a pipe has no end, or makes one wait for it.
        if path.exists() and not path.is_file():
            raise LectureError(f"{path}: not a file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, LectureError):
            raise
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise LectureError(f"{path}: {why}") from None
    if len(data) > MAX_BYTES:
        raise LectureError(f"{path}: too large to be a lecture, at most 1 MB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise LectureError(f"{path}:{line}: not a text file in UTF-8") from None


def parse_lecture(
    text: str,
    source: str = "lecture",
    folder: Path | None = None,
    panels: Panels | None = None,
) -> Lecture:
    """The lecture in a text; `source` is what errors call it, `folder` where its recordings lie.

    Raises:
        LectureError: one line that names the source, the line and what is allowed.
    """
    try:
        return _Parser(source, folder, panels).lecture(pieces(text_in_lines(text)))
    except LineError as fault:
        raise fault.named(source) from None
    except RecursionError:
        raise LectureError(f"{source}:1: nested too deeply to be a lecture") from None


def text_in_lines(text: str) -> str:
    """The text with one kind of line end.

    Raises:
        LineError: where it has too many lines to be a lecture.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > MOST_LINES:
        raise LineError(MOST_LINES, f"more than {MOST_LINES} lines are no lecture")
    return text


@dataclass
class Draft:
    """A part between two rules, as its pieces come."""

    line: int
    prose: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    found: dict[str, Block] = field(default_factory=dict)
    expects: list[Block] = field(default_factory=list)

    def add(self, piece: Piece, allowed: Sequence[str]) -> None:
        """Take in a piece.

        Raises:
            LineError: for a block that does not belong here, or a second one of a kind.
        """
        if piece.kind == "prose":
            if piece.text.strip():
                self.prose.append(piece.text.strip("\n"))
            return
        if piece.kind == "note":
            self.notes.append(piece.text)
            return
        block = Block(piece.info, piece.text, piece.line)
        if piece.info not in allowed:
            raise LineError(piece.line - 1, _misplaced(piece.info, allowed))
        if piece.info == "expect":
            self.expects.append(block)
        elif piece.info in self.found:
            raise LineError(
                piece.line - 1,
                f"a second `{piece.info}` block in one part: at most one; parts are divided by ---",
            )
        else:
            self.found[piece.info] = block

    @property
    def text(self) -> str:
        """The prose, as it is shown."""
        return "\n\n".join(self.prose)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all stands here."""
        return not (self.prose or self.found or self.expects)

    def expectations(self) -> tuple[Expectation, ...]:
        """What is expected here."""
        return tuple(line for block in self.expects for line in blocks.expected(block))


_HOME = {
    "toml lecture": "under the title, before the first scene",
    "toml scene": "in the first part of a scene, before any ---",
    "toml challenge": "in a file of its own, which is a challenge",
    "toml action": "in a scene, under a heading ##",
    "toml question": "in a scene, under a heading ##",
    "expect": "in a scene, under a heading ##",
}


def _misplaced(info: str, allowed: Sequence[str]) -> str:
    names = ", ".join(allowed) or "no block"
    return f"a `{info}` block stands {_HOME[info]}; allowed here: {names}"


_FIRST = ("toml scene", "toml action", "toml question", "expect")
_LATER = _FIRST[1:]


class _Parser:
    """Goes through the pieces, with the stage as it will be at each place."""

    def __init__(self, source: str, folder: Path | None, panels: Panels | None) -> None:
        self._source, self._folder, self._panels = source, folder, panels
        self._now = Stage()
        self._before = Stage()

    def lecture(self, found: Sequence[Piece]) -> Lecture:
        title, rest = split_title(found, "lecture")
        starts = [i for i, piece in enumerate(rest) if piece.kind == "heading"]
        top, scenes = rest[: starts[0] if starts else None], []
        block = self._head(top, title)
        head = blocks.head(block)
        if not starts:
            raise LineError(
                title.line, "a lecture without a scene: a scene is a heading ## and its text"
            )
        if len(starts) > MOST_SCENES:
            raise LineError(rest[starts[MOST_SCENES]].line, f"more than {MOST_SCENES} scenes")
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            scenes.append(self._scene(rest[start], rest[start + 1 : end]))
        return Lecture(
            title.text,
            head["number"],
            head["minutes"],
            head["summary"],
            tuple(scenes),
            self._source,
            self._folder,
        )

    def _head(self, top: Sequence[Piece], title: Piece) -> Block:
        draft = Draft(title.line)
        for piece in top:
            if piece.kind == "rule" or (piece.kind == "prose" and piece.text.strip()):
                raise LineError(
                    piece.line, "text before the first scene: it belongs under a heading ##"
                )
            draft.add(piece, ("toml lecture",))
        if "toml lecture" not in draft.found:
            raise LineError(
                title.line,
                "a lecture needs a ```toml lecture block under its title, with version = 1",
            )
        return draft.found["toml lecture"]

    def _scene(self, heading: Piece, found: Sequence[Piece]) -> Scene:
        drafts = [Draft(heading.line)]
        for piece in found:
            if piece.kind == "rule":
                self._check_filled(drafts, piece.line)
                drafts.append(Draft(piece.line))
            else:
                drafts[-1].add(piece, _FIRST if len(drafts) == 1 else _LATER)
        self._check_filled(drafts, drafts[-1].line)
        if len(drafts) > MOST_BEATS:
            raise LineError(heading.line, f"a scene of {len(drafts)} parts: at most {MOST_BEATS}")
        self._before = self._now
        scene = Scene(heading.text, (), line=heading.line)
        block = drafts[0].found.get("toml scene")
        scene = blocks.opening(block, self._before, self._folder, self._panels, scene)
        self._now = stages.opened(self._before, scene)
        return replace(scene, beats=tuple(self._beat(draft) for draft in drafts))

    @staticmethod
    def _check_filled(drafts: Sequence[Draft], line: int) -> None:
        if drafts[-1].is_empty:
            raise LineError(
                line, "an empty part: between two --- and in a scene stands a text or a block"
            )

    def _beat(self, draft: Draft) -> Beat:
        asks, acts = draft.found.get("toml question"), draft.found.get("toml action")
        waits = asks is not None and acts is not None and asks.line < acts.line
        question = blocks.question(asks, self._now, self._panels) if waits and asks else None
        action = self._action(acts) if acts else Action(line=draft.line)
        beat = Beat(draft.text, action, question, notes="\n\n".join(draft.notes), line=draft.line)
        beat = replace(beat, acts_on_answer=waits)
        self._now = self._acted(beat, acts)
        if asks and not waits:
            question = blocks.question(asks, self._now, self._panels)
            beat = replace(beat, question=question)
        self._now = stages.answered(
            stages.asked(self._now, Beat("")), replace(beat, action=Action())
        )
        beat = replace(beat, expectations=draft.expectations())
        for expectation in beat.expectations:
            _check_reached(expectation, self._now)
        return beat

    def _action(self, block: Block) -> Action:
        return blocks.action(block, self._now, self._before, self._folder, self._panels)

    def _acted(self, beat: Beat, block: Block | None) -> Stage:
        line = block.line if block else beat.line
        try:
            now = stages.acted(self._now, beat.action)
        except (ValueError, OSError) as error:
            raise LineError(line, f"an epoch cannot be counted: {error}") from None
        for lane in now.lanes:
            if lane.step > stages.MOST_STEPS:
                raise LineError(
                    line,
                    f"lane {lane.letter} would train {lane.step} steps: at most "
                    f"{stages.MOST_STEPS}",
                )
        names = {layer for lane in now.lanes for layer in layer_names(lane.experiment.network)}
        if beat.action.highlight and beat.action.highlight not in names:
            raise LineError(
                block.line_of(["highlight"]) if block else line,
                f"highlight = '{beat.action.highlight}': no lane has this layer",
            )
        return now


def _check_reached(expectation: Expectation, now: Stage) -> None:
    for letter in expectation.lanes:
        lane = now.lane(letter)
        if lane is None:
            there = ", ".join(lane.letter for lane in now.lanes)
            raise LineError(expectation.line, f"there is no lane {letter} here; there is {there}")
        if expectation.step is not None and expectation.step > lane.step:
            raise LineError(
                expectation.line,
                f"at step {expectation.step}: lane {letter} is trained to step {lane.step} here",
            )


def split_title(found: Sequence[Piece], what: str) -> tuple[Piece, Sequence[Piece]]:
    """The title and what follows it.

    Raises:
        LineError: where there is none, more than one, or a text above it.
    """
    titles = [piece for piece in found if piece.kind == "title"]
    if not titles:
        line = found[0].starts if found else 1
        raise LineError(line, f"a {what} begins with its title: # and a space, then the title")
    if len(titles) > 1:
        raise LineError(titles[1].line, "a second title: one # heading in a file; scenes have ##")
    at = found.index(titles[0])
    for piece in found[:at]:
        if piece.kind != "note":
            raise LineError(piece.starts, f"before the title: a {what} begins with # and its title")
    return titles[0], found[at + 1 :]
