"""The flights of a passenger list: TDT and the LOC and DTM that follow it, to legs. Persons are left to others."""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from connectors.formats import dates
from connectors.formats.edifact import Segment
from connectors.formats.passenger_list import Leg
from connectors.formats.records import Note

# IATA designator (two characters, at least one letter) or ICAO's three letters, then the flight's number.
_FLIGHT: Final = re.compile(r"([A-Z][A-Z0-9]|[0-9][A-Z]|[A-Z]{3})0*[0-9]{1,4}[A-Z]?")

_DEPARTURE: Final = "125"
_ARRIVAL: Final = "87"


@dataclass(slots=True)
class _Draft:
    stage: str = ""
    flight: str = ""
    carrier: str | None = None
    places: dict[str, str] = field(default_factory=dict)
    times: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


class Itinerary:
    """Collects the legs of one message, at most `most` of them; `notes` says what was wrong."""

    def __init__(self, today: date, most: int) -> None:
        self.notes: list[Note] = []
        self._today = today
        self._most = most
        self._drafts: list[_Draft] = []
        self._pending: tuple[str, str] | None = None  # LOC's function and place, until a DTM says what it is

    def take(self, segment: Segment) -> None:
        if segment.tag == "TDT":
            self._settle()
            if len(self._drafts) < self._most:
                self._drafts.append(_header(segment))
            else:
                self._note("over-limit", "legs", segment)
            return
        if not self._drafts:
            if segment.tag == "DTM" or not segment.code(2):
                return
            self._note("leg-header-missing", "TDT", segment)
            self._drafts.append(_Draft())
        if segment.tag == "LOC":
            self._settle()
            self._pending = (segment.code(1), segment.component(2))
            if self._pending[0] in (_DEPARTURE, _ARRIVAL):
                self._drafts[-1].places.setdefault(*self._pending)
        else:
            self._time(segment)

    def legs(self) -> tuple[Leg, ...]:
        self._settle()
        return tuple(
            Leg(
                stage=draft.stage,
                flight=draft.flight,
                carrier=draft.carrier,
                departure_place=draft.places.get(_DEPARTURE),
                departure_time=draft.times.get(_DEPARTURE),
                arrival_place=draft.places.get(_ARRIVAL),
                arrival_time=draft.times.get(_ARRIVAL),
                other_places=tuple(draft.others),
            )
            for draft in self._drafts
        )

    def _time(self, dtm: Segment) -> None:
        """DTM 189 is a departure, 232 an arrival, 554 either, as the place before it says; so are places named `92`."""
        function = {"189": _DEPARTURE, "232": _ARRIVAL}.get(dtm.code(1))
        if function is None:
            if dtm.code(1) != "554" or self._pending is None or self._pending[0] not in (_DEPARTURE, _ARRIVAL):
                return
            function = self._pending[0]
        draft = self._drafts[-1]
        if self._pending is not None and self._pending[0] == "92" and function not in draft.places:
            draft.places[function] = self._pending[1]
            self._pending = None
        reading = dates.parse_time(dtm.code(1, 1), self._today)
        if reading.value is None:
            self._note("flight-time-invalid", "departure" if function == _DEPARTURE else "arrival", dtm)
        else:
            draft.times.setdefault(function, reading.value)

    def _settle(self) -> None:
        """A place that no time made a departure or an arrival is another place of the journey."""
        if self._pending is not None and self._drafts and self._pending[0] not in (_DEPARTURE, _ARRIVAL):
            others = self._drafts[-1].others
            if self._pending[1] and len(others) < self._most:
                others.append(self._pending[1])
        self._pending = None

    def _note(self, code: str, name: str, segment: Segment) -> None:
        if len(self.notes) < self._most:
            self.notes.append(Note(code, name, segment.number))


def _header(tdt: Segment) -> _Draft:
    flight, carrier = tdt.code(2), tdt.code(5)
    match = _FLIGHT.fullmatch(flight)
    return _Draft(tdt.code(1), flight, carrier or (match[1] if match else None))
