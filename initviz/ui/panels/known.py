"""What a lecture may say of panels: their names, their options, and the choices of each."""

from __future__ import annotations

from initviz.lab.lectures.blocks import Panels
from initviz.session.laboratory import LETTERS
from initviz.ui.panels import PANELS


def known_panels() -> Panels:
    """The panels that there are, of each its options, and of each option its choices."""
    return {
        panel.name: {option.key: tuple(option.choices) for option in panel.options}
        | ({"lane": tuple(LETTERS)} if panel.picks_lane else {})
        for panel in PANELS
    }
