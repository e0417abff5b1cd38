"""What every reader in this folder says about input it could not use as it stood: notes and bad records.

A note rides on a record that is still usable; a bad record stands for one that is not. Both are made of fixed words: no
value of the input is ever repeated, so they may be logged. What is done with them is left to the SDK.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

REASONS: Final[Mapping[str, str]] = {
    # whole files and interchanges
    "no-interchange": "the file holds no UN/EDIFACT interchange (no UNA or UNB that can be read)",
    "truncated": "the file ends inside an interchange: what follows the last whole segment is missing",
    "interchange-cut": "a new interchange begins before the previous one ended: the end of the previous one is missing",
    "file-too-large": "the file is larger than the limit: the rest was not read; send it in parts",
    "too-many-interchanges": "the file holds more interchanges than the limit: the rest was not read; send it in parts",
    "segment-too-long": "a segment is longer than the limit (is a segment terminator missing?): it was skipped",
    "too-many-segments": "a great many segments follow one another without a new person: they were read for what they give",
    "person-outside-interchange": "a person (NAD) stands in text that belongs to no readable interchange",
    # messages and persons
    "not-a-passenger-list": "the message's type is not PAXLST: persons in it were read as far as possible",
    "unknown-party": "the party of this NAD segment is not one of MS, FL, FM, DDU, DDT: the person was not read",
    "damaged-person": "the segment looks like a NAD whose tag is damaged: the person was not read",
    "person-without-identity": "the person has neither a name nor a document number: nothing to screen",
    "too-many-passengers": "the message holds more persons than the limit: this one was not read",
    # JSON
    "not-json": "this is not JSON, or its brackets do not close: the text was not read",
    "json-truncated": "the text ends inside this record, or before the list it stands in is closed",
    "json-syntax": "the record is not correct JSON",
    "json-duplicate-key": "the record names a field twice: which one is meant is unknown",
    "json-not-finite": "the record holds NaN or Infinity, which JSON does not have",
    "json-number-too-long": "a number has more digits than the limit",
    "json-lone-surrogate": "a text holds a lone surrogate or a byte that is not UTF-8",
    "json-too-deep": "the record is nested deeper than the limit",
    "json-too-large": "the record is larger than the limit",
    "json-too-many-items": "the record holds more items than the limit",
    # notices
    "notice-not-an-object": "a notice must be a JSON object",
    "notice-without-id": "the notice has no entity_id",
    "notice-kind-unknown": "the kind of the notice can be read neither from its address nor from its fields",
    "notice-field-type": "a field of the notice has another type than INTERPOL's interface gives it",
    "too-many-notices": "the file holds more notices than the limit: the rest was not read",
}


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth knowing about a record that is usable all the same.

    `code` is a word of the format's own list, `field` a path in our names, `segment` the segment's number in its file
    (EDIFACT only).
    """

    code: str
    field: str = ""
    segment: int | None = None


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that was set aside. Shows where it stands and why, never what it says.

    `line` counts from 1; `segment` and `tag` are for EDIFACT (a tag that is not one of the format's is shown as `?`);
    `record` is the running number of a record in its file, from 1; `byte_offset` counts from 0.
    """

    code: str
    line: int
    field: str = ""
    segment: int | None = None
    tag: str = ""
    record: int | None = None
    byte_offset: int | None = None

    @property
    def reason(self) -> str:
        """The fixed sentence for the person who must mend the input."""
        return REASONS[self.code]
