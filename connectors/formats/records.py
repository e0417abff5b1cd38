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
    # tables, whether CSV or xlsx
    "table-empty": "the file holds no row with a value",
    "table-no-header": "the row that should name the columns is blank",
    "table-old-excel": "this is a workbook of the old form (.xls), or locked with a password: save it as .xlsx without one",
    "table-locked": "the workbook is locked with a password: save it without one",
    "table-other-format": "this is no CSV and no xlsx: export it again, and do not only change the file's name",
    "table-encoding-unsupported": "the file is UTF-32: save it as UTF-8",
    "table-encoding-mixed": "the row holds bytes that are not UTF-8, though the file is: it was joined from several, or cut",
    "table-encoding-doubtful": "the row seems to be of a DOS code page: save the file as UTF-8, or name its encoding",
    "table-byte-undefined": "the row holds a byte that Windows-1252 lacks: save the file as UTF-8, or name its encoding",
    "table-control-character": "a cell holds a control character (NUL or the like): the file is damaged, or not text",
    "table-quote-open": "a quotation mark opens here and is not closed: the row was skipped",
    "table-quotes-damaged": "a quotation mark stands within a quoted cell without being doubled",
    "table-row-damaged": "the row cannot be read",
    "table-row-short": "the row has fewer cells than the header: was it broken in two?",
    "table-row-long": "the row has values beyond the header's last column: is a cell with the delimiter in it not quoted?",
    "table-value-without-header": "a value stands in a column that has no header",
    "table-row-too-long": "the row is longer than the limit",
    "table-cell-too-long": "the cell is longer than the limit",
    "table-too-many-columns": "the row has more columns than the limit",
    "table-too-many-rows": "the table has more rows than the limit: the rest was not read; send it in parts",
    "xlsx-damaged": "the workbook is damaged or cut short: what follows was not read",
    "xlsx-entities": "the workbook's XML declares a document type or entities, which none needs: it was not read",
    "xlsx-unpacks-too-large": "the workbook unpacks to more than the limit, as a zip bomb does: what follows was not read",
    "xlsx-too-many-members": "the workbook's package holds more members than the limit",
    "xlsx-no-such-sheet": "the workbook has no such sheet",
    "xlsx-other-sheet": "another sheet of the workbook holds rows too, which were not read: name the sheet that is meant",
    "xlsx-row-number": "the number of the row is out of order or too high",
    "xlsx-cell-place": "a cell of the row does not say where it stands, or two stand in one place",
    "xlsx-cell-damaged": "the cell holds what its type does not allow",
    "xlsx-cell-error": "the cell shows an error (such as #N/A or #REF!)",
    "xlsx-formula-without-value": "the cell is a formula without a saved value: open the file in a spreadsheet, save it again",
    "xlsx-date-impossible": "the cell is formatted as a date, and its number is none",
    # the case data standard
    "htcds-no-header": "no header row with HTCDS 2.0 codes or labels was found in this sheet: is it the right sheet?",
    "htcds-headers-disagree": "the two header rows name different fields over one column: which one is meant is unknown",
    "htcds-column-twice": "two columns bear the name of one field: which one is meant is unknown",
    "htcds-header-again": "the header row stands here once more: the files seem to have been joined",
    "htcds-value-without-column": "the row has a value in a column that is not the standard's, and no other",
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
