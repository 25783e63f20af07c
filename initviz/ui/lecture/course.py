"""Where one stands in a lecture, and what was answered on the way there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from initviz.lab.lectures import Beat, Lecture, Question, Scene, Stage, Stop, stage


class Course:
    """A position among the stops of a lecture. It knows nothing of windows or runs."""

    def __init__(self, lecture: Lecture) -> None:
        self.lecture = lecture
        self.stops = lecture.stops
        self.index = 0
        self._chosen: dict[tuple[int, int], int] = {}

    @property
    def stop(self) -> Stop:
        return self.stops[self.index]

    @property
    def scene(self) -> Scene:
        return self.lecture.scenes[self.stop.scene]

    @property
    def beat(self) -> Beat:
        return self.scene.beats[self.stop.beat]

    @property
    def texts(self) -> tuple[str, ...]:
        """What is read so far in this scene, a part for each beat, the newest last."""
        return tuple(beat.text for beat in self.scene.beats[: self.stop.beat + 1])

    @property
    def question(self) -> Question | None:
        """What is asked here, whether or not it is answered."""
        return self.beat.question

    @property
    def is_asking(self) -> bool:
        """Whether an answer is waited for."""
        return self.question is not None and not self.stop.answered

    def stage(self) -> Stage:
        """The stage here.

        Raises:
            ValueError, OSError: if the data of an experiment cannot be read.
        """
        return stage(self.lecture, self.stop)

    def ahead(self, most: int) -> Iterator[Stage]:
        """The stages of the stops that follow, as far as they can be made."""
        with suppress(ValueError, OSError):
            for stop in self.stops[self.index + 1 : self.index + 1 + most]:
                yield stage(self.lecture, stop)

    def go(self, index: int) -> None:
        """Stand at a stop, or at the end nearest to it."""
        self.index = min(max(index, 0), len(self.stops) - 1)

    def first_of(self, scene: int) -> int:
        """The index of the first stop of a scene."""
        return next(index for index, stop in enumerate(self.stops) if stop.scene == scene)

    @property
    def is_at_end(self) -> bool:
        return self.index == len(self.stops) - 1

    # -- answers ---------------------------------------------------------------------------------

    @property
    def chosen(self) -> int | None:
        """What was answered to the question here, from 1; None if nothing was, or not yet."""
        return self._chosen.get(self._key) if self.stop.answered else None

    def choose(self, number: int) -> bool:
        """Answer the question here; returns whether there is one, with so many choices."""
        question = self.question
        if question is None or not self.is_asking or not 1 <= number <= len(question.choices):
            return False
        self._chosen[self._key] = number
        return True

    @property
    def _key(self) -> tuple[int, int]:
        return self.stop.scene, self.stop.beat

    # -- in words --------------------------------------------------------------------------------

    @property
    def place(self) -> str:
        """Where one is: "Scene 4 of 10, part 2 of 3"."""
        scene, beat = self.stop.scene + 1, self.stop.beat + 1
        words = f"Scene {scene} of {len(self.lecture.scenes)}"
        if len(self.scene.beats) > 1:
            words += f", part {beat} of {len(self.scene.beats)}"
        return words + (", question" if self.is_asking else "")

    @property
    def coming(self) -> str:
        """What the next stop brings, as Markdown."""
        if self.is_at_end:
            return "The lecture ends here."
        here, there = self.stop, self.stops[self.index + 1]
        scene = self.lecture.scenes[there.scene]
        beat = scene.beats[there.beat]
        if there.answered and beat.question is not None:
            because = f"\n\n{beat.question.because}" if beat.question.because else ""
            return f"**The answer: {_answer(beat.question)}**{because}"
        asked = f"\n\n*{beat.question.ask}*" if beat.question is not None else ""
        heading = f"**{scene.title}**\n\n" if there.scene != here.scene else ""
        return heading + beat.text + asked


def _answer(question: Question) -> str:
    if not question.answer:
        return "the real curve over the sketch"
    return f"{question.answer}, {question.choices[question.answer - 1]}"
