"""Closed cases in, statistics out: the Commission counts, hides what is small, and only then anything leaves it.

The victim unit's export of closed cases is read by a mapping file (closed.yaml) as any report is; of what that makes only
class, month, form of exploitation, sex, age band and nationality are counted. Each release is an alert of the class counted,
GREEN, for the purpose statistics alone, with the one section `statistics`. The register is no source: it holds what others
reported, so one person several times over, and only as long as it may.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError

from connectors.generic.table import TableOptions, TableSource
from connectors.sdk import Alert, BadNative, BadRecord, Cancel, Content, Draft, Facts, Label, Options, Read
from connectors.sdk.convert import Proposed, proposals, set_aside
from connectors.sdk.effects import open_engine
from connectors.transports.files import Files
from hub.model import codes
from hub.model.base import Code
from hub.model.codes import Tlp
from hub.model.derive import derive
from hub.model.sections import Cell, Description, Statistics

from .cells import OTHER_COUNTRY, SEVERAL, UNKNOWN, Counted
from .memory import Memory
from .periods import LEVELS, Level, Period, month_of, period_of
from .releases import REASONS, Choice, Held, Release, Terms, planned

MAPPING: Final = Path(__file__).with_name("closed.yaml")
ZONE: Final = ZoneInfo("America/Panama")
VALID_MS: Final = 89 * 86_400_000
MAX_CASES: Final = 200_000  # all are in memory at once; a country has some hundreds
KEY: Final = "statistics/"
FIRST_DAY: Final = date(2000, 1, 1)
SURE: Final = {"reliability": "A", "credibility": "1"}  # counted by the authority itself
COUNTRY_CODES: Final = frozenset(codes.COUNTRIES)
COUNTRIES: Final = ("CO", "CR", "DO", "NI", "PA", "VE")


class StatisticsOptions(Options):
    files: tuple[Path, ...] = Field((), description="exports of closed cases (CSV, xlsx), each of all cases there are")
    folder: Path | None = Field(None, description="a folder into which such exports are put")
    complete: Literal["quiet", "marker"] = Field(
        "quiet", description="when a file in the folder is complete: not written to for a while, or NAME.done beside it"
    )
    quiet_s: float = Field(2.0, ge=0, le=3600, description="seconds without writing after which a file is complete")
    database: str = Field(
        description="where earlier releases are remembered, as an SQLAlchemy URL; losing it lets small differences out"
    )
    mapping: Path = Field(MAPPING, description="how the export is read; the Commission's own form otherwise")
    k: int = Field(11, ge=2, le=1000, description="the threshold: no count under it is told, nor can be computed")
    level: Choice = Field(
        "auto", description="how long periods are; auto: the finest at which every period of a year has k cases"
    )
    countries: tuple[str, ...] = Field(
        COUNTRIES, max_length=60, description="nationalities told one by one (ISO 3166-1); all others are told as ZZ"
    )
    tlp: Tlp = Field("GREEN", description="TLP label of the statistics")
    caveats: tuple[Code, ...] = Field(("C10",), description="codes of the bundle's caveats that every reader is shown")
    withdrawn: tuple[str, ...] = Field((), description="releases taken back, as in victim-identified/2024")
    today: date | None = Field(None, description="counted as if it were this day; the day of the run otherwise")


@dataclass(frozen=True)
class Withdrawn:
    """A release that the Commission takes back: `key` as its alert is known."""

    key: str


class StatisticsSource:
    """Releases of statistics, one alert each."""

    def __init__(self, options: StatisticsOptions, now_s: Callable[[], float] = time.time) -> None:
        """Raises BadMapping, ValueError for a bad database or country, Transient."""
        if bad := [code for code in options.countries if code not in COUNTRY_CODES]:
            raise ValueError(f"countries: {len(bad)} of them no ISO 3166-1 code of two letters")
        self._options = options
        self._now_s = now_s
        self._files = Files(options.files, options.folder, options.quiet_s, options.complete)
        self._engine = open_engine(options.database)
        self._memory = Memory(self._engine)
        self._terms = Terms(options.k, options.level, options.countries, sayable_levels())

    def close(self) -> None:
        self._engine.dispose()

    def check(self) -> None:
        """Looks at the folder and the memory. Raises OSError, Transient."""
        if self._options.folder is not None:
            next(self._options.folder.iterdir(), None)
        self._memory.all()

    def read(self, after: str | None) -> Iterator[Read[Release | Withdrawn | None] | BadRecord]:
        """What each export becomes. After a crash an export is told again from its beginning: what of it was published is
        known by its key. Raises OSError, Transient."""
        for taken in self._files.taken(after):
            yield from self._files.troubles()
            number, name = 0, taken.path.name
            for number, item in enumerate(self._items(taken.path), start=1):
                yield replace(item, position=taken.position(number), file=name)
            yield Read(None, taken.position(number, end=True), file=name, records=0, settle=True)
        yield from self._files.troubles()

    def alerts(self, native: Release | Withdrawn | None) -> Iterable[Alert | Cancel]:
        if native is None:
            return
        if isinstance(native, Withdrawn):
            yield Cancel(native.key)
            return
        label = Label.model_validate(
            {"class": native.alert_class, "tlp": self._options.tlp, "purposes": ["statistics"], **SURE}
        )
        cells = tuple(Cell.model_validate({**where._asdict(), "count": count}) for where, count in native.cells.items())
        content = Statistics(period=native.period.code, threshold=native.k, cells=cells)
        draft = Draft(label=label, facts=Facts(), valid_ms=VALID_MS, caveats=self._options.caveats)
        yield Alert(key_of(native.alert_class, native.period), draft, (Content("statistics", content),))

    def settled(self, position: str) -> None:
        self._files.settled(position)

    # --- what an export becomes

    def _today(self) -> date:
        return self._options.today or datetime.fromtimestamp(self._now_s(), ZONE).date()

    def _items(self, path: Path) -> Iterator[Read[Release | Withdrawn | None] | BadRecord]:
        """A release is remembered before it is yielded, and stands from then on."""
        cases: dict[str, Counted] = {}
        bad = False
        for item in self._cases(path):
            if isinstance(item, BadRecord):
                bad |= item.level == "bad"
                yield item
            else:
                cases[item[0]] = item[1]
            if len(cases) > MAX_CASES:
                yield BadRecord("", f"more than {MAX_CASES} cases: the rest was not read", code="too-many-cases")
                bad = True
                break
        if bad or not cases:
            reason = (
                "nothing is counted of an export that is not whole: mend these rows" if bad else "has no closed case"
            )
            yield BadRecord("", reason, code="not-counted", level="warning")
            return
        for found in self._planned(list(cases.values())):
            if isinstance(found, Held):
                place = f"{found.alert_class} {found.period.code}"
                yield BadRecord("", REASONS[found.why], field=place, code=found.why, level="warning")
            else:
                key = key_of(found.alert_class, found.period)
                gone = key.removeprefix(KEY) in self._options.withdrawn
                yield Read(Withdrawn(key) if gone else found, "")

    def _planned(self, cases: Sequence[Counted]) -> list[Release | Held]:
        known = self._memory.all()
        found = list(planned(cases, known, self._terms, month_of(self._today())))
        self._memory.add([each for each in found if isinstance(each, Release) and each not in known], self._now_ms())
        return found

    def _now_ms(self) -> int:
        return int(self._now_s() * 1000)

    def _cases(self, path: Path) -> Iterator[tuple[str, Counted] | BadRecord]:
        """Each closed case with its key, and what could not be read."""
        table = TableSource(TableOptions(mapping=self._options.mapping, files=(path,)))
        for item in table.read(None):
            if isinstance(item, BadRecord):
                yield item
            elif isinstance(item, Read) and item.native is not None:
                yield from self._counted(proposals(table, item), item)

    def _counted(self, found: Proposed | BadRecord, read: Read[Any]) -> Iterator[tuple[str, Counted] | BadRecord]:
        if isinstance(found, BadRecord):
            yield found
            return
        yield from (note for note in found.notes if note.code != "left-out")
        for proposed in found.alerts:
            if isinstance(proposed, Alert):
                try:
                    yield proposed.key, counted(proposed, self._options.countries)
                except BadNative as bad:
                    yield set_aside(read, bad)


def counted(alert: Alert, countries: Sequence[str]) -> Counted:
    """What is counted of a closed case. Raises BadNative."""
    if alert.draft.observed_ms is None:
        raise BadNative("has no date by which it can be counted", "observed")
    day = datetime.fromtimestamp(alert.draft.observed_ms / 1000, ZONE).date()
    routing, contents = derive(alert.draft.label, alert.contents, alert.draft.facts, day)
    persons = [each.content for each in contents if each.category == "victim.description"]
    if len(persons) != 1:
        raise BadNative("is not one victim: a row is one person", "persons")
    person = persons[0]
    assert isinstance(person, Description)
    named = person.nationalities[0] if len(person.nationalities) == 1 else OTHER_COUNTRY
    forms = routing.exploitation
    return Counted(
        alert_class=routing.label.class_,
        month=month_of(day),
        exploitation=UNKNOWN if not forms else forms[0] if len(forms) == 1 else SEVERAL,
        sex=person.sex,
        age_band=person.age_band,
        country=named if named in countries else OTHER_COUNTRY,
    )


def key_of(alert_class: str, period: Period) -> str:
    """What a release is known by."""
    return f"{KEY}{alert_class}/{period.code}"


def sayable_levels() -> tuple[Level, ...]:
    """The levels whose periods the section `statistics` can say."""
    return tuple(level for level in LEVELS if _can_be_said(period_of(month_of(FIRST_DAY), level)))


def _can_be_said(period: Period) -> bool:
    try:
        Statistics(period=period.code, threshold=2, cells=())
    except ValidationError:
        return False
    return True
