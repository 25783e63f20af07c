"""Which settings of a form a person may change, where a lecture or a challenge says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Why a setting cannot be changed, where nobody says it better.
LOCKED = "Locked: what is to be seen here depends on it."


@dataclass(frozen=True)
class Limits:
    """Settings by their dotted keys, "network.*" standing for all of a section.

    `locked` ones are shown but cannot be changed, `hidden` ones are not shown. Where `free` is not
    None, every setting but those is locked too. `reason` is said of the locked ones.
    """

    locked: Sequence[str] = ()
    hidden: Sequence[str] = ()
    free: Sequence[str] | None = None
    reason: str = LOCKED

    def hides(self, key: str) -> bool:
        """Whether this setting is not shown."""
        return covers(self.hidden, key)

    def locks(self, key: str) -> bool:
        """Whether this setting cannot be changed."""
        return covers(self.locked, key) or (self.free is not None and not covers(self.free, key))

    def why(self, key: str) -> str:
        """Why this setting cannot be changed; empty where it can."""
        return self.reason if self.locks(key) else ""


def covers(patterns: Sequence[str], key: str) -> bool:
    """Whether a dotted key is among these: "network.*" covers "network.width"."""
    return any(
        key == pattern or (pattern.endswith(".*") and key.startswith(pattern[:-1]))
        for pattern in patterns
    )


#: A form as it is without any.
NO_LIMITS = Limits()
