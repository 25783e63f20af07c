"""A short lecture to change in every way."""

from pathlib import Path

import pytest

TEXT = """\
# A title

```toml lecture
version = 1
minutes = 5
summary = "A sentence."
```

## A scene

```toml scene
panels = ["gradient_magnitude"]

[lanes.A]
network = { hidden_layers = 3, width = 8, activation = "tanh" }
training.data = "blobs"

[lanes.B]
like = "A"
initialiser.scheme = "glorot_normal"
```

A text.
"""


def block(info, *lines):
    """A fenced block, with an empty line before and after it."""
    return "\n".join(["", f"```{info}", *lines, "```", ""])


@pytest.fixture
def text():
    """A whole lecture of one scene, of 25 lines, with the lanes A and B."""
    return TEXT


@pytest.fixture
def fence():
    """Makes a fenced block: `fence(info, *lines)`."""
    return block


@pytest.fixture
def template():
    """The path of the lecture that is there to be copied."""
    return Path(__file__).parents[3] / "docs" / "lecture-template.md"
