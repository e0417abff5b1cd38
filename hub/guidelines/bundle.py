"""The bundle: agencies, guidelines, vocabularies as one immutable version, named by the SHA-256 of its canonical JSON.

A bundle that does not check cannot be made, and one whose format is not known is not read: there is no fallback.
Approval and force are change control's; reading a profile's folder is profile.py's.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Literal

import rfc8785
from pydantic import AfterValidator, Field, ValidationError, model_validator

from hub.model.base import Model
from hub.model.codes import STANDARD

from .check import OWN_LISTS, Finding, Known, check
from .language import Agency, Caveat, Codes, Guideline, Instrument, Term, categories_of, parties_of

FORMAT: Final = 1
MAX_BYTES: Final = 50_000_000
MAX_AGENCIES: Final = 1_000
MAX_GUIDELINES: Final = 20_000


class BundleError(Exception):
    """This is not a bundle. `findings` say what and where, all of them."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(f"{'.'.join(map(str, each.path))}: {each.message}" for each in self.findings))


def _by_id(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.id))


def standard_vocabularies() -> dict[str, tuple[str, ...]]:
    """The lists that every bundle starts from: those of the field, and two of its own, empty."""
    own: dict[str, tuple[str, ...]] = dict.fromkeys(OWN_LISTS, ())
    return {**{name: tuple(sorted(codes)) for name, codes in STANDARD.items()}, **own}


class Bundle(Model):
    """One version of everything that decides. Raises BundleError (all findings) if it does not check.

    `vocabularies`: list name -> codes; those of codes.STANDARD, `event` and `channel`. `terms`: list name -> what
    people call its codes. Entries are sorted by id, sets sorted, so the order in which they were written makes no
    difference.
    """

    format: Literal[1] = FORMAT
    agencies: Annotated[tuple[Agency, ...], Field(min_length=1, max_length=MAX_AGENCIES), AfterValidator(_by_id)]
    guidelines: Annotated[tuple[Guideline, ...], Field(max_length=MAX_GUIDELINES), AfterValidator(_by_id)] = ()
    vocabularies: dict[str, Codes] = Field(default_factory=standard_vocabularies)
    terms: dict[str, Annotated[tuple[Term, ...], AfterValidator(_by_id)]] = Field(default_factory=dict)
    caveats: Annotated[tuple[Caveat, ...], AfterValidator(_by_id)] = ()
    legal_basis: Annotated[tuple[Instrument, ...], AfterValidator(_by_id)] = ()

    @model_validator(mode="after")
    def _checks(self) -> Bundle:
        findings = [
            *_repeated("agencies", self.agencies),
            *_repeated("guidelines", self.guidelines),
            *_repeated("caveats", self.caveats),
            *_repeated("legal_basis", self.legal_basis),
            *check(self.agencies, self.guidelines, self.known),
        ]
        if findings:
            raise BundleError(findings)
        return self

    @cached_property
    def known(self) -> Known:
        return known_words(
            self.agencies,
            self.vocabularies,
            (caveat.id for caveat in self.caveats),
            (instrument.id for instrument in self.legal_basis),
        )

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the canonical JSON, 32 bytes: the bundle's name."""
        return hashlib.sha256(self.to_json()).digest()

    @property
    def name(self) -> str:
        return self.digest.hex()

    def to_json(self) -> bytes:
        """Canonical JSON (RFC 8785): the same bundle always gives the same bytes."""
        return rfc8785.dumps(self.model_dump(mode="json", by_alias=True, exclude_none=True))

    @classmethod
    def from_json(cls, data: bytes) -> Bundle:
        """Raises BundleError for an unknown format, for what does not check, and for bytes that are not canonical."""
        if len(data) > MAX_BYTES:
            raise BundleError([Finding((), f"{len(data)} bytes; the limit is {MAX_BYTES}")])
        try:
            fields = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise BundleError([Finding((), f"not JSON ({type(error).__name__})")]) from None
        if not isinstance(fields, dict) or fields.get("format") != FORMAT:
            raise BundleError([Finding(("format",), f"not a bundle of format {FORMAT}, the only one known here")])
        try:
            bundle = cls.model_validate(fields)
        except ValidationError as error:
            raise BundleError(Finding(tuple(each["loc"]), each["msg"]) for each in error.errors()) from None
        if bundle.to_json() != data:
            raise BundleError([Finding((), "not the canonical form of this bundle")])
        return bundle

    def agency(self, agency_id: str) -> Agency | None:
        return self._agencies_by_id.get(agency_id)

    def guideline(self, guideline_id: str) -> Guideline | None:
        return self._guidelines_by_id.get(guideline_id)

    @cached_property
    def _agencies_by_id(self) -> dict[str, Agency]:
        return {agency.id: agency for agency in self.agencies}

    @cached_property
    def _guidelines_by_id(self) -> dict[str, Guideline]:
        return {guideline.id: guideline for guideline in self.guidelines}

    def originators_of(self, guideline: Guideline) -> frozenset[str]:
        return parties_of(guideline.from_, self.agencies)

    def recipients_of(self, guideline: Guideline) -> frozenset[str]:
        return parties_of(guideline.to, self.agencies)

    def categories_of(self, guideline: Guideline) -> frozenset[str]:
        """What a permit releases or a withhold takes away; nothing for a forbid."""
        return categories_of(guideline.release or guideline.withhold, self.vocabularies["category"])


def known_words(
    agencies: Iterable[Agency],
    vocabularies: Mapping[str, Iterable[str]],
    caveats: Iterable[str],
    legal_basis: Iterable[str],
) -> Known:
    agencies = tuple(agencies)
    return Known(
        agencies=frozenset(agency.id for agency in agencies),
        groups=frozenset(group for agency in agencies for group in agency.groups),
        types=frozenset(agency.type for agency in agencies),
        lists={name: frozenset(codes) for name, codes in vocabularies.items()},
        caveats=frozenset(caveats),
        legal_basis=frozenset(legal_basis),
    )


def _repeated(what: str, entries: Iterable[Any]) -> list[Finding]:
    times = Counter(entry.id for entry in entries)
    return [Finding((what, each), f"`{each}` stands {count} times") for each, count in times.items() if count > 1]
