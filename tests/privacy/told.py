"""What the parts of the hub said, kept by the place where they said it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.privacy.planted import found


@dataclass
class Told:
    """All that came out, by the place where it did."""

    places: dict[str, str | bytes] = field(default_factory=dict)

    def add(self, place: str, out: str | bytes) -> None:
        self.places[place] = self.places.get(place, b"" if isinstance(out, bytes) else "") + out  # type: ignore[operator]

    def leaks(self) -> list[str]:
        return sorted(place for place, out in self.places.items() if found(out))
