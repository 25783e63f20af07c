"""What can be looked up: made from the tables of the program, so that nothing is told twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from initviz import resources
from initviz.lab.activations import ACTIVATIONS
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import SCHEMES
from initviz.lab.quantities import QUANTITIES, SCALARS, TIME_QUANTITIES, Quantity, TimeQuantity
from initviz.lab.rules import RULES
from initviz.lab.settings import Field
from initviz.ui.panels import PANELS


@dataclass(frozen=True)
class Topic:
    """One thing to look up. `text` is Markdown with formulas."""

    section: str
    title: str
    text: str

    def matches(self, words: str) -> bool:
        """Whether every one of these words is in it, small and capital letters alike."""
        there = f"{self.section} {self.title} {self.text}".casefold()
        return all(word in there for word in words.casefold().split())


def topics() -> tuple[Topic, ...]:
    """All of them, section by section."""
    makers = (_panels, _words, _settings, _schemes, _activations, _measured, _rules)
    return tuple(topic for make in makers for topic in make())


def _panels() -> Iterator[Topic]:
    for panel in PANELS:
        yield Topic("Panels", panel.title, panel.how_to_read)


def _settings() -> Iterator[Topic]:
    seen: set[str] = set()
    for field in _every_field():
        setting = field.setting
        if field.key in seen or not setting.help:
            continue
        seen.add(field.key)
        text = f"{_symbol(setting.symbol)}{setting.help}\n\nIn a file: `{field.key}`"
        yield Topic("Settings", setting.label, text)


def _every_field() -> Iterator[Field]:
    """The settings of every scheme: each has parameters of its own."""
    for scheme in SCHEMES:
        yield from Experiment().with_value("initialiser.scheme", scheme).fields()


def _symbol(symbol: str) -> str:
    return f"**{symbol}**: " if symbol else ""


def _schemes() -> Iterator[Topic]:
    for scheme in SCHEMES.values():
        lines = [f"$${scheme.formula}$$", scheme.note, f"Source: {scheme.source}."]
        lines += [f"PyTorch: `{scheme.pytorch}`" if scheme.pytorch else ""]
        lines += [f"Keras: `{scheme.keras}`" if scheme.keras else ""]
        yield Topic("Initialisers", scheme.label, "\n\n".join(filter(None, lines)))


def _activations() -> Iterator[Topic]:
    for activation in ACTIVATIONS.values():
        text = f"$${activation.formula}$$\n\nSource: {activation.source}."
        yield Topic("Activations", activation.label, text)


def _measured() -> Iterator[Topic]:
    for quantity in QUANTITIES.values():
        yield _quantity(quantity)
    for along_time in TIME_QUANTITIES.values():
        yield _quantity(along_time)
    for scalar in SCALARS.values():
        text = f"{scalar.definition}\n\n`{scalar.name}`"
        yield Topic("What is measured", scalar.label, text)


def _quantity(quantity: Quantity | TimeQuantity) -> Topic:
    text = f"{_symbol(quantity.symbol)}{quantity.definition}\n\n`{quantity.name}`"
    return Topic("What is measured", quantity.label, text)


def _rules() -> Iterator[Topic]:
    for rule in RULES:
        yield Topic("Rules of the diagnosis", rule.label, f"{rule.why}\n\nSource: {rule.source}")


def _words() -> Iterator[Topic]:
    text = resources.path("help", "glossary.md").read_text(encoding="utf-8")
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        yield Topic("Glossary", title.strip(), body.strip())
