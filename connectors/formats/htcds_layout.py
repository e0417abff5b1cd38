"""Where each field of HTCDS 2.0 stands in a file: the official template's two header rows, their faults, and other layouts.

Source: IOM's case data template for HTCDS 2.0 (xlsx). Its first row has codes, its second labels; over the five address
columns they disagree, one code is misspelt (`vic_TraffickinStatusDecisionMakingOrg`), one is missing (the reason for the
outgoing referral), and its column A numbers the rows. Values are left to `htcds_standard.py`.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from connectors.formats import countries
from connectors.formats.htcds_standard import fields, key
from connectors.formats.tabular_cells import BadCell, Cell, Cells, TableRefused, column_name

Side = Literal["codes", "labels", "unclear"]

TEMPLATE: Final = (
    *(
        "cas_CaseOwner",
        "prs_Salutation",
        "prs_FirstName",
        "prs_SecondName",
        "con_Consent",
        "prs_Birthdate",
        "prs_Gender",
    ),
    *("prs_Citizenship", "prs_Title", "prs_Email", "prs_HomePhone", "prs_MobilePhone", "prs_MailingCity"),
    *("prs_MailingCountry", "prs_MailingState", "prs_MailingStreet", "prs_MailingPostalCode", "vic_TraffickingStatus"),
    *("vic_TraffickingStatusDecisionMakingOrg", "vic_MethodOfRecruitment", "vic_LocationOfRecruitment"),
    *("vic_MethodsOfControl", "vic_TypeOfExploitation", "vic_ForcedLabourIndustry", "vic_TypeOfSexExploitation"),
    *("vic_LocationOfExploitation", "cas_Status", "cas_ReferringOrganisation", "cas_IncomingReferralDate"),
    *("cas_ReferringPrimaryCaseWorker", "cas_ReasonForIncomingReferral", "cas_IncomingReferralDetails"),
    *("cas_ReferredOrganisation", "cas_ReferredPrimaryCaseWorker", "cas_ReasonForOutgoingReferral"),
    *("cas_OutgoingReferralDate", "cas_OutgoingReferralDetails", "cas_ReasonForCaseClosure"),
)
MISSPELT: Final[Mapping[str, str]] = {
    "vic_TraffickingStatusDecisionMakingOrg": "vic_TraffickinStatusDecisionMakingOrg"  # as the template has it
}
ADDRESS: Final = frozenset(name for name in TEMPLATE if name.startswith("prs_Mailing"))

_SEARCHED_ROWS: Final = 12
_FEWEST: Final = 3
# Countries whose capital bears their name: such a word does not tell a city from a country.
_CITY_AND_COUNTRY: Final = frozenset({"PA", "GT", "MX", "SG", "LU", "DJ", "KW", "MC", "SM", "VA", "GI", "MO", "HK"})


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a file. `names[i]` is the field of column i by its code, or by its label where it has no code.

    `other` are the address columns whose label means another field than their code. `unknown` are the columns with a header
    that is no field's; what has neither a name nor a header is numbering, or a mistake. `header` is the header as written,
    to know it again.
    """

    names: tuple[str, ...]
    other: Mapping[int, str]
    unknown: frozenset[int]
    header: tuple[tuple[str, ...], ...]

    def field_of(self, index: int, side: Side) -> str:
        """The field of a column, blank if none. An unclear address is read by its labels, which people see."""
        if side != "codes" and index in self.other:
            return self.other[index]
        return self.names[index] if index < len(self.names) else ""

    def header_of(self, index: int) -> str:
        """The header of a column as written, blank if it has none."""
        return next((row[index] for row in self.header if index < len(row) and row[index]), "")

    def side(self, cells: Sequence[Cell]) -> Side:
        """Which header row the address of this row follows, told by where its country stands.

        The label's country column is the code's postal code, and no postal code is a country. The code's country column is
        the label's city, which may bear a country's name; then digits where the postal code would be tell.
        """
        texts = {index: cells[index] for index in self.other if index < len(cells) and cells[index] is not None}
        if not texts:
            return "codes"
        last = next((cell for index, cell in texts.items() if self.other[index] == "prs_MailingCountry"), None)
        if _country(last) is not None:
            return "labels"
        country = _country(next((c for index, c in texts.items() if self.names[index] == "prs_MailingCountry"), None))
        if country is None:
            return "unclear"
        postal_code = last is not None and any(c.isdigit() for c in _text(last))
        return "codes" if postal_code or country not in _CITY_AND_COUNTRY else "unclear"

    def is_header(self, cells: Sequence[Cell]) -> bool:
        """Whether a row is the header once more, as where files were joined."""
        return any(
            sum(bool(text) and text == cell for text, cell in zip(row, cells, strict=False)) >= _FEWEST
            for row in self.header
        )


def find(rows: Iterator[Cells]) -> Layout:
    """Read up to the end of the header. Raises TableRefused if there is none within the first rows.

    What was read and is no header goes nowhere: titles stand above it. The row after a single header row has to be given
    back, so `rows` should be a `Rewindable`.
    """
    searched = 0
    for row in rows:
        if row.problem == "xlsx-other-sheet":
            break
        if row.problem:
            raise TableRefused(row.problem, row.line)
        if row.blank:
            continue
        searched += 1
        if _named(row.cells):
            return _layout(row, rows)
        if searched == _SEARCHED_ROWS:
            break
    raise TableRefused("table-empty" if not searched else "htcds-no-header")


class Rewindable:
    """Rows of which the last one can be given back."""

    def __init__(self, rows: Iterable[Cells]) -> None:
        self._rows = iter(rows)
        self._again: list[Cells] = []

    def __iter__(self) -> "Rewindable":
        return self

    def __next__(self) -> Cells:
        return self._again.pop() if self._again else next(self._rows)

    def give_back(self, row: Cells) -> None:
        self._again.append(row)


def _layout(first: Cells, rows: Iterator[Cells]) -> Layout:
    second = next(rows, None)
    if second is not None and (second.problem or not _named(second.cells)):
        if isinstance(rows, Rewindable):
            rows.give_back(second)
        second = None
    header = [row.cells for row in (first, second) if row is not None]
    width = max(len(cells) for cells in header)
    names: list[str] = []
    other: dict[int, str] = {}
    unknown: set[int] = set()
    for index in range(width):
        words = [key(_text(cells[index])) for cells in header if index < len(cells)]
        code = next((_codes()[word] for word in words if word in _codes()), "")
        label = next((_labels()[word] for word in words if _labels().get(word)), "")
        names.append(code or label)
        if code and label and code != label:
            if not {code, label} <= ADDRESS:
                raise TableRefused("htcds-headers-disagree", first.line)
            other[index] = label
        elif not names[-1] and any(words):
            unknown.add(index)
    _refuse_twice([name for index, name in enumerate(names) if index not in other], first.line)
    _refuse_twice([other.get(index, name) for index, name in enumerate(names)], first.line)
    return Layout(tuple(names), other, frozenset(unknown), tuple(tuple(map(_text, cells)) for cells in header))


def _refuse_twice(names: Sequence[str], line: int) -> None:
    given = [name for name in names if name]
    if len(set(given)) < len(given):
        raise TableRefused("htcds-column-twice", line)


def _named(cells: Sequence[Cell]) -> bool:
    texts = [cell for cell in cells if isinstance(cell, str)]
    names = sum(1 for text in texts if _name(text))
    return names >= _FEWEST and names * 2 >= len(texts)


def _country(cell: Cell) -> str | None:
    return countries.alpha2(cell) if isinstance(cell, str) else None


def _text(cell: Cell) -> str:
    return "" if cell is None or isinstance(cell, BadCell) else str(cell)


def _name(text: str) -> str:
    word = key(text)
    return _codes().get(word) or _labels().get(word, "")


@functools.cache
def _codes() -> Mapping[str, str]:
    codes = {key(name): name for name in fields()}
    return codes | {key(wrong): name for name, wrong in MISSPELT.items()}


@functools.cache
def _labels() -> Mapping[str, str]:
    """Labels to fields; one that several fields share (Type, Longitude, Latitude) names none."""
    labels: dict[str, str] = {}
    for field in fields().values():
        word = key(field.label)
        labels[word] = "" if word in labels else field.name
    return labels


def told(index: int, name: str) -> str:
    """How an error names a column: the standard's name, or its letter."""
    return name or column_name(index)
