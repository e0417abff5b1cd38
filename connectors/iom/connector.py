"""Organización Internacional para las Migraciones: cases by HTCDS 2.0 in, referrals by HTCDS 2.0 out.

Which alert a case becomes is standing.py's, what it says said.py's; how a referral looks is referral.py's, where it is put
referrals.py's. The standard has no field for a case's number: see `CaseOptions.case_number`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Final, Literal

from pydantic import BeforeValidator, Field

from connectors.formats import htcds
from connectors.formats.htcds_case import Case
from connectors.formats.records import BadRecord as Damage
from connectors.formats.tabular import Options as TableOptions
from connectors.formats.tabular_csv import Encoding
from connectors.sdk import (
    Alert,
    BadNative,
    BadRecord,
    Cancel,
    Connector,
    Draft,
    Label,
    Listed,
    Note,
    Options,
    Original,
    Read,
)
from connectors.transports.files import Complete, Files, Taken
from hub.model.codes import Reliability, Tlp

from . import keys
from .codes import Open, Palermo
from .referrals import Format, ReferralSink
from .said import Rules, said
from .standing import Question, Standing, standing
from .trial import trial_files

MAX_CASES: Final = 500_000  # of one file: their keys are held in memory
PRESUMED, CONFIRMED = "3", "1"  # credibility: possibly true; confirmed by other sources


Columns = Annotated[tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]


class BadOptions(ValueError):
    """The options do not fit what is asked for."""


class CaseOptions(Options):
    files: tuple[Path, ...] = Field((), description="HTCDS 2.0 files (xlsx by IOM's template, CSV)")
    folder: Path | None = Field(None, description="a folder into which such files are put")
    complete: Complete = Field("quiet", description="when a file in the folder is complete: see transports/files.py")
    quiet_s: float = Field(2.0, ge=0, le=3600, description="seconds without writing after which a file is complete")
    listing: bool = Field(
        False, description="every file has all cases there are: one that is missing in a later file is withdrawn"
    )
    sheet: str | int | None = Field(None, description="the workbook's sheet, by name or number; the first otherwise")
    delimiter: Literal[",", ";", "\t", "|"] | None = Field(None, description="of a CSV; found out otherwise")
    encoding: Encoding | None = Field(None, description="of a CSV; found out otherwise")
    case_number: Columns = Field(
        (),
        max_length=5,
        description="the sender's own column, or columns, whose heading names a case for ever (case number; person number "
        "where a case has several persons). Without it a case is known by full name and whole birth date: who has not both "
        "is set aside, and one whose name or birth date is corrected becomes another alert beside the first, which then "
        "stays until it expires",
    )
    ignored: tuple[str, ...] = Field((), max_length=200, description="other columns of the sender's own: not exchanged")
    consent_question: Question | None = Field(
        None,
        description="which of the standard's seven questions the sender agreed that con_Consent answers; only `uses` (of "
        "the data) makes a checked box consent to share data, which is unknown otherwise",
    )
    identifies: tuple[str, ...] = Field(
        ("NonPoliceGovernmentalOrganization",),
        description="which of vic_TraffickingStatusDecisionMakingOrg stand for the body that alone identifies victims",
    )
    agreed_exploitation: dict[Open, Palermo] = Field(
        default_factory=dict, description="what counsel agreed for values that the Protocol's list leaves open"
    )
    purposes: tuple[str, ...] = Field(
        ("victim-assistance",),
        min_length=1,
        description="of alerts on victims; without `investigation` none reaches who investigates. Of a person who is or may "
        "be a child, `child-protection` besides",
    )
    scheme_purposes: tuple[str, ...] = Field(
        ("prevention",), min_length=1, description="of alerts on a scheme or a perpetrator, which identify no victim"
    )
    tlp: Tlp = Field("AMBER+STRICT", description="TLP label of every alert")
    reliability: Reliability = Field("F", description="of the sender as a source, by the Admiralty code")
    caveats: tuple[str, ...] = Field((), max_length=50, description="caveats of the profile, on every alert")
    authority: str = Field("OIM", min_length=1, max_length=200, description="whose file number a case has")
    ask: str = Field("OIM", min_length=1, max_length=200, description="whom to ask for the row itself")
    language: str = Field("es", pattern="^[a-z]{2}$", description="language of the sender's texts, ISO 639-1")
    referrals: Path | None = Field(None, description="the folder into which referrals are put")
    format: Format = Field("xlsx", description="of referrals: xlsx (IOM's template) or csv")
    profile: Path | None = Field(None, description="the profile's folder: names of agencies, words of caveats")
    confirms: tuple[str, ...] = Field(
        ("commission",),
        description="agencies whose confirmed alerts say that somebody is a victim, not only may be one",
    )


@dataclass(frozen=True)
class Known:
    """A case with the key by which it is known, and its number as the sender has it."""

    case: Case
    key: str = field(repr=False)
    number: str | None = field(repr=False)


class CaseSource:
    """Cases of files, one alert each."""

    def __init__(self, options: CaseOptions, today: Callable[[], date] = lambda: datetime.now(UTC).date()) -> None:
        self._options = options
        self._today = today
        self._files = Files(options.files, options.folder, options.quiet_s, options.complete)
        self._rules: Mapping[str, str] = {str(sent): code for sent, code in options.agreed_exploitation.items()}

    def check(self) -> None:
        """Looks at the folder. Raises OSError."""
        if self._options.folder is not None:
            next(self._options.folder.iterdir(), None)

    def read(self, after: str | None) -> Iterator[Read[Known | None] | BadRecord | Listed]:
        for taken in self._files.taken(after):
            yield from self._files.troubles()
            with taken.path.open("rb") as stream:
                yield from self._of_file(taken, stream)
        yield from self._files.troubles()

    def alerts(self, native: Known | None) -> Iterable[Alert | Cancel | Note]:
        if native is None:
            return
        options = self._options
        case, today = native.case, self._today()
        found = standing(case, options.consent_question, options.identifies, today)
        yield from keys.noted(case, (*options.case_number, *options.ignored))
        if found.over:
            yield Note(
                "not a victim, and no perpetrator: nothing is exchanged", "vic_TraffickingStatus", "not-a-victim"
            )
            yield Cancel(native.key)
            return
        rules = Rules(self._rules, options.authority, options.language, today)
        told = said(case, found, native.number, rules)
        yield from told.notes
        draft = Draft(label=self._label(found), facts=told.facts, caveats=options.caveats)
        yield Alert(native.key, draft, told.contents)

    def settled(self, position: str) -> None:
        self._files.settled(position)

    def _label(self, found: Standing) -> Label:
        scheme = not found.victim or found.alert_class == "recruitment-offer"
        purposes = self._options.scheme_purposes if scheme else self._options.purposes
        child = ("child-protection",) if found.victim and found.minor != "no" else ()
        return Label.model_validate(
            {
                "class": found.alert_class,
                "tlp": self._options.tlp,
                "purposes": tuple(dict.fromkeys((*purposes, *child))),
                "reliability": self._options.reliability,
                "credibility": CONFIRMED if found.formal else PRESUMED,
            }
        )

    def _of_file(self, taken: Taken, stream: BinaryIO) -> Iterator[Read[Known | None] | BadRecord | Listed]:
        name, number = taken.path.name, 0
        all_known: set[str] | None = set() if self._options.listing else None
        for number, item in enumerate(self._cases(stream, name), start=1):
            if isinstance(item, Known):
                if all_known is not None:
                    all_known.add(item.key)
            elif item.level == "bad" and item.code != keys.TWICE:  # whose key it is nobody knows
                all_known = None
            if number > taken.skip:
                position = taken.position(number)
                if isinstance(item, BadRecord):
                    yield BadRecord(**{**vars(item), "position": position})
                else:
                    yield Read(item, position, name, item.case.line, original=self._original(item.case))
        end = taken.position(number, end=True)
        if all_known is not None:
            yield Listed(frozenset(all_known), end, name)
        elif self._options.listing:
            reason = "a record of this listing has no key that can be read: nothing was withdrawn"
            yield BadRecord(name, reason, code="listing-not-whole", level="warning")
        yield Read(None, end, file=name, records=0, settle=True)

    def _cases(self, stream: BinaryIO, file: str) -> Iterator[Known | BadRecord]:
        """The cases of a file with their keys, each key once: a second row of it would overwrite the first."""
        options = self._options
        table = TableOptions(sheet=options.sheet, delimiter=options.delimiter, encoding=options.encoding)
        seen: set[int] = set()
        for item in htcds.read(stream, table):
            if isinstance(item, Damage):
                yield BadRecord(file, item.reason, line=item.line, field=item.field, code=item.code)
                continue
            if not seen and not options.case_number:
                yield keys.told_without_number(file)
            found = keys.key_of(item, options.case_number)
            if isinstance(found, BadNative):
                code = keys.UNKNOWN
                yield BadRecord(file, found.reason, line=item.line, field=found.field, code=code)
            elif keys.digest(found) in seen:
                yield BadRecord(file, keys.TWICE_REASON, line=item.line, field="case_number", code=keys.TWICE)
            elif len(seen) >= MAX_CASES:
                reason = f"more than {MAX_CASES} cases: the rest was not read; send the file in parts"
                yield BadRecord(file, reason, line=item.line, code="too-many-cases")
                return
            else:
                seen.add(keys.digest(found))
                yield Known(item, found, keys.number_of(item, options.case_number))

    def _original(self, case: Case) -> Original:
        return Original(keys.row_of(case), "application/json", self._options.ask)


def _sink(options: CaseOptions) -> ReferralSink:
    if options.referrals is None:
        raise BadOptions("referrals: the folder into which referrals are put is not named")
    if options.folder is not None and options.folder.resolve() == options.referrals.resolve():
        raise BadOptions("referrals: the folder that is read may not be the one that is written: name another")
    return ReferralSink(options.referrals, options.format, options.profile, options.confirms)


def _options_of_files(paths: Sequence[Path], watchlist: Path | None) -> CaseOptions:
    if watchlist is not None:
        raise BadNative("this connector screens nothing and takes no watch list", "watchlist")
    return CaseOptions(files=tuple(paths))


CONNECTOR = Connector(
    name="iom",
    agency="iom",
    title="Organización Internacional para las Migraciones: cases and referrals (HTCDS 2.0)",
    options=CaseOptions,
    source=CaseSource,
    sink=_sink,
    files=_options_of_files,
    trial=lambda folder: trial_files(folder, CaseOptions),
)
