"""Passenger lists made up for tests: from plain data to the bytes that a sender with given habits would send."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO

from connectors.formats import paxlst
from connectors.formats.passenger_list import FileNote, Item, MessageEnd, Passenger
from connectors.formats.records import BadRecord

TODAY = date(2026, 10, 1)
Elements = Sequence[str | Sequence[str]]


@dataclass(frozen=True)
class Marks:
    """The service characters of a sender."""

    component: str = ":"
    element: str = "+"
    decimal: str = "."
    release: str = "?"
    reserved: str = " "
    terminator: str = "'"

    def una(self) -> str:
        return f"UNA{self.component}{self.element}{self.decimal}{self.release}{self.reserved}{self.terminator}"

    def escape(self, value: str) -> str:
        special = {self.component, self.element, self.release, self.terminator} - {" "}
        return "".join(self.release + c if c in special and self.release != " " else c for c in value)

    def segment(self, tag: str, *elements: str | Sequence[str]) -> str:
        parts = [tag]
        for element in elements:
            components = [element] if isinstance(element, str) else element
            parts.append(self.component.join(self.escape(c) for c in components))
        return self.element.join(parts) + self.terminator


USUAL = Marks()


def person(
    surname: str = "CLARK",
    given: str = "MICHAEL",
    number: str | None = "X1234567",
    birth: str = "720907",
    role: str = "FL",
) -> list[tuple[str, Elements]]:
    segments: list[tuple[str, Elements]] = [
        ("NAD", (role, "", "", (surname, given))),
        ("ATT", ("2", "", "M")),
        ("DTM", (("329", birth),)),
        ("LOC", ("178", "BOG")),
        ("LOC", ("179", "PTY")),
        ("NAT", ("2", "COL")),
        ("RFF", (("AVF", "TYR123"),)),
    ]
    if number is not None:
        segments += [("DOC", (("P", "110", "111"), number)), ("DTM", (("36", "290907"),)), ("LOC", ("91", "COL"))]
    return segments


def message(persons: Iterable[list[tuple[str, Elements]]], bgm: Elements = ("745",)) -> list[tuple[str, Elements]]:
    people = list(persons)
    body: list[tuple[str, Elements]] = [
        ("BGM", bgm),
        ("TDT", ("20", "CM123", "", "", "CM")),
        ("LOC", ("125", "BOG")),
        ("DTM", (("189", "2609301540", "201"),)),
        ("LOC", ("87", "PTY")),
        ("DTM", (("232", "2609301740", "201"),)),
        *(segment for p in people for segment in p),
        ("CNT", (("42", str(len(people))),)),
    ]
    return [
        ("UNH", ("M1", ("PAXLST", "D", "05B", "UN", "IATA"))),
        *body,
        ("UNT", (str(len(body) + 2), "M1")),
    ]


def interchange(
    segments: Iterable[tuple[str, Elements]], marks: Marks = USUAL, *, una: bool = True, syntax: str = "UNOA"
) -> str:
    whole = [
        ("UNB", ((syntax, "4"), "CM", "PAAPIS", ("260930", "1200"), "R1")),
        *segments,
        ("UNZ", ("1", "R1")),
    ]
    return (marks.una() if una else "") + "".join(marks.segment(tag, *elements) for tag, elements in whole)


def wrap(text: str, columns: int, ending: str = "\r\n") -> str:
    return ending.join(text[i : i + columns] for i in range(0, len(text), columns))


def read(data: bytes | str, limits: paxlst.Limits | None = None) -> list[Item]:
    raw = data.encode() if isinstance(data, str) else data
    return list(paxlst.read(BytesIO(raw), today=TODAY, limits=limits))


def passengers(items: Iterable[Item]) -> list[Passenger]:
    return [item for item in items if isinstance(item, Passenger)]


def bad(items: Iterable[Item]) -> list[BadRecord]:
    return [item for item in items if isinstance(item, BadRecord)]


def ends(items: Iterable[Item]) -> list[MessageEnd]:
    return [item for item in items if isinstance(item, MessageEnd)]


def file_notes(items: Iterable[Item]) -> list[str]:
    return [item.note.code for item in items if isinstance(item, FileNote)]


def who(items: Iterable[Item]) -> list[tuple[object, ...]]:
    """What screening looks at, without positions."""
    return [
        (
            p.role,
            p.surname,
            p.given_names,
            p.sex,
            p.birth_date,
            p.nationalities,
            p.documents,
            p.references,
            p.message.legs,
        )
        for p in passengers(items)
    ]


def note_codes(passenger: Passenger) -> list[str]:
    return [note.code for note in passenger.notes]


class Endless:
    """A stream of the same bytes over and over, up to a size, made as it is read."""

    def __init__(self, head: bytes, body: bytes, size_bytes: int) -> None:
        self._parts = self._make(head, body, size_bytes)
        self._left = b""

    @staticmethod
    def _make(head: bytes, body: bytes, size_bytes: int) -> Iterator[bytes]:
        yield head
        block = body * max(1, 65_536 // len(body))
        for _ in range(size_bytes // len(block)):
            yield block

    def read(self, size: int = -1) -> bytes:
        while len(self._left) < size:
            part = next(self._parts, None)
            if part is None:
                break
            self._left += part
        found, self._left = self._left[:size], self._left[size:]
        return found
