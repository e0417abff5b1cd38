"""Oficina Central Nacional de INTERPOL: public notices (JSON files, lists over HTTP) as alerts; alerts as requests for notices.

A red notice is a wanted person, a yellow one a missing person. Other colours are not exchanged here and are set aside. What
a notice's fields mean is formats/notices.py's; this file says which of them stands where in an alert. A notice that the list
has no more is withdrawn: its alert is cancelled; while it is there, its alert is told anew before it
ends. Requests are requests.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from pydantic import Field, Secret

from connectors.formats import notices
from connectors.formats.countries import Country
from connectors.formats.notices import Notice
from connectors.formats.records import BadRecord as Damage
from connectors.sdk import (
    Alert,
    BadNative,
    BadRecord,
    Cancel,
    Connector,
    Content,
    Draft,
    Facts,
    Label,
    Listed,
    Note,
    Options,
    Read,
)
from connectors.transports.files import Files, Taken
from connectors.transports.paged import Item
from hub.model import sections as say
from hub.model.codes import Handling, Tlp

from . import trial
from .notice_lists import NoticeListOptions, NoticeLists, Withdrawn
from .requests import RequestSink

Native = Notice | Item | Withdrawn | None

SEXES: Final[dict[str | None, say.Sex]] = {"M": "male", "F": "female"}
HEIGHTS_CM: Final = (20, 260)  # this and the next three: what an alert's sections can say (hub/model/sections.py)
WEIGHTS_KG: Final = (1, 400)
MAX_WARRANTS: Final = 50
MAX_CODE: Final = 64


class NoticeOptions(Options):
    files: tuple[Path, ...] = Field((), description="JSON files of notices")
    folder: Path | None = Field(None, description="a folder into which such files are put")
    listing: bool = Field(
        False, description="every file has all notices there are: one that is missing in a later file is withdrawn"
    )
    lists: tuple[NoticeListOptions, ...] = Field(
        (), max_length=10, description="lists over HTTP, one for each colour; in place of files"
    )
    handling: tuple[Handling, ...] = Field(
        ("H1",), description="handling codes of every notice, as the bureau sets them"
    )
    tlp: Tlp = Field("AMBER", description="TLP label of every notice")
    lasting: bool = Field(
        True, description="a notice is in force until it is withdrawn: its alert is published anew before it ends"
    )
    requests: Path | None = Field(
        None, description="a folder into which requests for notices are put; without, `requests` in `folder`"
    )
    profile: Path | None = Field(None, description="the profile's folder: the words of what a request obliges to")


class BadOptions(ValueError):
    """The options do not fit what is asked for."""


class NoticeSource:
    """Notices of files or of lists, one alert each."""

    def __init__(self, options: NoticeOptions) -> None:
        """Raises BadOptions, NoFolder, BadAddress."""
        if options.lists and (options.files or options.folder):
            raise BadOptions("lists: notices come from files or from lists, not from both")
        self._options = options
        self._files = Files(options.files, options.folder)
        self._lists = NoticeLists(options.lists) if options.lists else None
        if self._lists is not None:  # a file was read once; a list can be asked again
            self.standing = self._lists.standing

    def read(self, after: str | None) -> Iterator[Read[Native] | BadRecord | Listed]:
        """Raises what Files and NoticeLists raise."""
        if self._lists is not None:
            yield from self._lists.read(after)
            return
        for taken in self._files.taken(after):
            yield from self._files.troubles()
            yield from self._of_file(taken)
        yield from self._files.troubles()

    def alerts(self, native: Native) -> Iterable[Alert | Cancel | Note]:
        """Raises BadNative."""
        if isinstance(native, Withdrawn):
            return [Cancel(f"{native.colour}/{native.entity_id}")]
        if isinstance(native, Item):
            notice, notes = _of_item(native)
            return [*self._of_notice(notice), *notes]
        return self._of_notice(native) if native is not None else ()

    def settled(self, position: str) -> None:
        (self._lists or self._files).settled(position)

    def check(self) -> None:
        """Reads the first page of each list, or looks at the folder. Raises what NoticeLists raises, OSError."""
        if self._lists is not None:
            self._lists.check()
        elif self._options.folder is not None:
            next(self._options.folder.iterdir(), None)

    def close(self) -> None:
        if self._lists is not None:
            self._lists.close()

    def _of_file(self, taken: Taken) -> Iterator[Read[Native] | BadRecord | Listed]:
        number, name = 0, taken.path.name
        keys: set[str] | None = set()
        with taken.path.open("rb") as stream:
            for number, item in enumerate(notices.read(stream), start=1):
                if isinstance(item, Damage):
                    keys = None  # it may be any of those that were published
                elif keys is not None:
                    keys.add(_key(item))
                if number <= taken.skip:
                    continue
                position = taken.position(number)
                if isinstance(item, Damage):
                    yield BadRecord(
                        name, item.reason, line=item.line, field=item.field, code=item.code, position=position
                    )
                else:
                    yield from _noted(item, name)
                    yield Read(item, position, file=name, line=item.line)
        end = taken.position(number, end=True)
        if self._options.listing:
            yield from _listed(keys, end, name)
        yield Read(None, end, file=name, records=0, settle=True)

    def _of_notice(self, native: Notice) -> Iterator[Alert]:
        if native.kind == "red":
            yield self._alert(
                native, "wanted-person", ("investigation", "prosecution", "border-control"), _suspect(native)
            )
        elif native.kind == "yellow":
            purposes = ("investigation", "search", "victim-assistance", "child-protection", "border-control")
            yield self._alert(native, "missing-person", purposes, _missing(native))
        else:
            raise BadNative("only red and yellow notices are exchanged", "kind")

    def _alert(self, notice: Notice, alert_class: str, purposes: tuple[str, ...], contents: Sequence[Content]) -> Alert:
        label = Label.model_validate(
            {
                "class": alert_class,
                "tlp": self._options.tlp,
                "handling": self._options.handling,
                "purposes": purposes,
                "reliability": "A",
                "credibility": "1",
            }
        )
        draft = Draft(label=label, facts=Facts())
        return Alert(_key(notice), draft, tuple(contents), lasting=self._options.lasting)


def _key(notice: Notice) -> str:
    return f"{notice.kind}/{notice.entity_id}"


def _listed(keys: set[str] | None, end: str, file: str) -> Iterator[BadRecord | Listed]:
    if keys is not None:
        yield Listed(frozenset(keys), end, file)
    else:
        reason = "a notice of this listing cannot be read: nothing was withdrawn"
        yield BadRecord(file, reason, code="listing-not-whole", level="warning")


def _of_item(item: Item) -> tuple[Notice, list[Note]]:
    """A notice of a list. Raises BadNative."""
    found = notices.notice(item.value)
    if isinstance(found, Damage):
        raise BadNative(found.reason, found.field or "")
    return found, [Note(note.code.replace("-", " "), note.field, note.code) for note in found.notes]


def _noted(notice: Notice, file: str) -> Iterator[BadRecord]:
    """What was less than it should be, and is used all the same."""
    for note in notice.notes:
        reason = note.code.replace("-", " ")
        yield BadRecord(file, reason, line=notice.line, field=note.field, code=note.code, level="warning")


def _suspect(notice: Notice) -> list[Content]:
    identity = say.SuspectIdentity(
        **_identity(notice, "s1"),
        warrants=tuple(
            say.Warrant(
                issuing_country=_alpha2(warrant.issuing_country),
                charge=_text(warrant.charge),
                charge_translation=_text(warrant.charge_translation),
            )
            for warrant in notice.warrants[:MAX_WARRANTS]
        ),
    )
    status = "wanted"
    return [Content("suspect.identity", identity), Content("case", _case(notice, status))]


def _missing(notice: Notice) -> list[Content]:
    identity = say.MissingIdentity(
        **_identity(notice, "m1"),
        parents=tuple(
            say.Parent(relation=relation, family=_short(family), given=_short(given))
            for relation, family, given in (
                ("father", notice.father_name, notice.father_forename),
                ("mother", notice.mother_name, notice.mother_forename),
            )
            if family or given
        ),
        event_date=_secret(notice.event_date),
        event_place=_short(notice.event_place),
        event_country=_alpha2(notice.event_country),
    )
    return [Content("missing.identity", identity), Content("case", _case(notice, "missing"))]


def _case(notice: Notice, status: str) -> say.Case:
    return say.Case(number=Secret(notice.entity_id), authority="INTERPOL", status=status)


def _identity(notice: Notice, person: str) -> dict[str, object]:
    physical = say.Physical(
        height_cm=_within(HEIGHTS_CM, notice.height_m * 100 if notice.height_m else None),
        weight_kg=_within(WEIGHTS_KG, notice.weight_kg),
        eyes=_codes(notice.eyes),
        hair=_codes(notice.hair),
        marks=_text(notice.distinguishing_marks),
    )
    named = notice.name or notice.forename
    return {
        "person": person,
        "names": (say.Name(family=_short(notice.name), given=_short(notice.forename)),) if named else (),
        "birth_date": _secret(notice.birth_date),
        "birth_place": _short(notice.birth_place),
        "birth_country": _alpha2(notice.birth_country),
        "sex": SEXES.get(notice.sex, "unknown"),
        "nationalities": tuple(sorted({code for each in notice.nationalities if (code := _alpha2(each))})),
        "physical": physical if physical != say.Physical() else None,
        "languages": _codes(notice.languages),
    }


def _within(limits: tuple[int, int], measure: float | None) -> int | None:
    """A measure that a person can have; any other is no reason to lose the notice, and is left out."""
    return round(measure) if measure is not None and limits[0] <= round(measure) <= limits[1] else None


def _codes(sent: Sequence[str]) -> tuple[str, ...]:
    return tuple(code for code in sent if len(code) <= MAX_CODE)


def _alpha2(country: Country | None) -> str | None:
    return country.alpha2 if country else None


def _secret(text: str | None) -> Secret[str] | None:
    return Secret(text) if text else None


def _short(text: str | None) -> Secret[str] | None:
    return Secret(text[:200]) if text else None


def _text(text: str | None) -> Secret[str] | None:
    return Secret(text[:20_000]) if text else None


def _options_of_files(paths: Sequence[Path], watchlist: Path | None) -> NoticeOptions:
    if watchlist is not None:
        raise BadNative("this connector screens nothing and takes no watch list", "watchlist")
    return NoticeOptions(files=tuple(paths))


def _sink(options: NoticeOptions) -> RequestSink:
    """Raises BadOptions, NoFolder, BadProfile."""
    folder = options.requests or (options.folder / "requests" if options.folder else None)
    if folder is None:
        raise BadOptions("requests: the folder into which requests for notices are put is not named")
    return RequestSink(folder, options.profile)


CONNECTOR = Connector(
    name="interpol",
    agency="interpol",
    title="Oficina Central Nacional de INTERPOL: public notices (JSON files, HTTP); requests for notices (JSON)",
    options=NoticeOptions,
    source=NoticeSource,
    sink=_sink,
    files=_options_of_files,
    trial=lambda folder: trial.notices(folder, NoticeOptions),
)
