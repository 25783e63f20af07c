"""Small lectures, and players of them, as the tests of the player want them."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from initviz.lab.lectures import parse_lecture
from initviz.ui import theme
from initviz.ui.lecture.player import LecturePlayer
from initviz.ui.panels.gradient_magnitude import GradientMagnitude

PATIENCE = 20_000

HEAD = """# A small lecture

```toml lecture
version = 1
minutes = 5
summary = "What the tests of the player walk through."
```
"""

#: Three scenes: a run, a question with a veiled lane, a change, options, a highlight, a look back.
THREE = (
    HEAD
    + """
## One network

```toml scene
panels = ["gradient_magnitude"]

[lanes.A]
network = { hidden_layers = 3, width = 8 }
initialiser = { scheme = "normal", std = 0.1 }
training = { data = "moons", batch_size = 16 }
```

Here is **A**.

<!-- Say hello first. -->

---

It trains.

```toml action
run = 6
highlight = "hidden 2"
```

---

Look back to the start.

```toml action
go = 0
options.gradient_magnitude.scale = "absolute"
```

## And Glorot

```toml scene
panels = ["gradient_magnitude", "loss"]
veiled = ["B"]

[lanes.A]
like = "before"

[lanes.B]
like = "A"
initialiser.scheme = "glorot_normal"
```

Which one keeps more of it?

```toml question
ask = "How much with Glorot?"
choices = ["as little", "more"]
answer = 2
because = "The variance is kept."
reveal = ["B"]
```

---

Both train.

```toml action
run = 4
```

## The end

```toml scene
panels = ["slow_motion", "loss"]

[lanes.A]
like = "before.B"
```

One sample.

```toml action
slow_motion = 2
```

---

And further back.

```toml action
slow_motion = 3
```
"""
)


def play(qtbot: QtBot, text: str = THREE, size: tuple[int, int] = (1280, 720)) -> LecturePlayer:
    """A player of this lecture, shown, at its first stop."""
    theme.load_fonts()
    player = LecturePlayer(parse_lecture(text, "small.md"))
    qtbot.addWidget(player)
    player.resize(*size)
    player.show()
    player.activateWindow()
    qtbot.waitUntil(player.isActiveWindow)
    player.setFocus()
    QTest.mouseMove(player, QPoint(size[0] // 2, size[1] - 2))  # where it hovers over nothing
    return player


def settle(qtbot: QtBot, player: LecturePlayer) -> None:
    """Until nothing is under way any more, theory is known, and everything is drawn."""

    def settled() -> bool:
        panels = [one for one in player.panels.panels if isinstance(one, GradientMagnitude)]
        knows = all(len(one.ghosts) == len(one.shown) for one in panels if one.shown)
        return knows and not player.is_busy and not player.panels.undrawn

    qtbot.waitUntil(settled, timeout=PATIENCE)
