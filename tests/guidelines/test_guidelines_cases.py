"""The lawyers' cases are run as they are written, and a case that fails says what differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.guidelines.cases import CaseResult, run_cases
from hub.guidelines.profile import ProfileError
from tests.guidelines.samples import bundle, forbid, permit, withhold

SOME = bundle(
    permit("P1", ["journey", "narrative"], to="prosecutor", obligations={"acknowledge_hours": 4, "caveats": "C1"}),
    withhold("W1", "narrative"),
    forbid("F1", to="embassy"),
)
CASE = """
cases:
  - id: T01
    title: {es: a, en: a}
    shows: [P1]
    alert:
      originator: customs
      class: suspected-transit
      tlp: GREEN
      purposes: [investigation, victim-assistance]
      minor: no
      nationality: CO
      credibility: 2
      victims: 1
      sections: [journey, narrative, handling]
    receives: {prosecutor: [journey, handling]}
    by: {prosecutor: [P1, W1]}
    obligations: {prosecutor: {acknowledge_hours: 4, caveats: [C1]}}
    denied: {embassy: F1, charity: no-permit, customs: originator}
    because: {es: a, en: a}
"""


def run(folder: Path, text: str) -> list[CaseResult]:
    (folder / "cases").mkdir(exist_ok=True)
    (folder / "cases" / "some.yaml").write_text(text)
    return run_cases(SOME, folder)


def test_a_case_that_holds_passes(tmp_path: Path) -> None:
    (result,) = run(tmp_path, CASE)
    assert result.differences == ()
    assert result.passed
    assert (result.file, result.id, result.receives) == ("cases/some.yaml", "T01", ("prosecutor",))
    assert result.decided == {"P1", "W1", "F1"}


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("[journey, handling]", "[handling]", "prosecutor gets journey, and should not"),
        ("[journey, handling]", "[journey, handling, case]", "prosecutor does not get case, and should"),
        ("{prosecutor: [journey, handling]}", "{}", "prosecutor receives handling, journey by P1, W1, and should not"),
        (
            "{prosecutor: [journey, handling]}",
            "{prosecutor: [journey, handling], embassy: []}",
            "embassy receives nothing (forbidden by F1), and should receive the core alone",
        ),
        ("by: {prosecutor: [P1, W1]}", "by: {prosecutor: [P1]}", "prosecutor is decided by P1, W1, not by P1"),
        ("acknowledge_hours: 4,", "acknowledge_hours: 1,", "prosecutor: acknowledge_hours is 4, not 1"),
        ("caveats: [C1]", "caveats: [C2]", "prosecutor: caveats is C1, not C2"),
        ("acknowledge_hours: 4,", "acknowledge_hour: 4,", "an obligation has no term `acknowledge_hour`; did you mean"),
        ("embassy: F1", "embassy: no-permit", "embassy is denied: forbidden by F1, not no-permit"),
        ("charity: no-permit", "charity: tlp", "charity is denied: no-permit, not tlp"),
        ("charity: no-permit", "charty: no-permit", "`charty` is no known agency; did you mean `charity`?"),
        ("charity: no-permit", "charity: no-permits", "`no-permits` is no reason and no guideline"),
        ("shows: [P1]", "shows: [P9]", "`P9` is no known guideline"),
        ("originator: customs", "originator: nobody", "the alert would be quarantined: originator"),
        ("minor: no", "minor: maybe", "no alert can be so: minor"),
    ],
)
def test_a_case_that_fails_says_what_differs(tmp_path: Path, old: str, new: str, difference: str) -> None:
    assert CASE.count(old) == 1
    (result,) = run(tmp_path, CASE.replace(old, new))
    assert any(difference in each for each in result.differences), result.differences


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("minor: no", "minr: no", "an alert has no attribute `minr`; did you mean `minor`?"),
        ("class: suspected-transit", "observed: never", "an alert has no attribute `observed`"),
        ("    because: {es: a, en: a}", "", "T01 because: this field is missing"),
        ("shows:", "show:", "T01 show: there is no field `show` here; did you mean `shows`?"),
    ],
)
def test_a_case_that_cannot_be_read_is_an_error_with_its_place(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    with pytest.raises(ProfileError) as error:
        run(tmp_path, CASE.replace(old, new))
    assert problem in str(error.value)
    assert str(error.value).startswith("cases/some.yaml:")


def test_a_case_may_say_when_and_with_which_grants_it_is_decided(tmp_path: Path) -> None:
    more: dict[str, Any] = {
        "    because": "    grants: {prosecutor: [narrative]}\n    because",
        "{prosecutor: [journey, handling]}": "{prosecutor: [journey, narrative, handling]}",
        "by: {prosecutor: [P1, W1]}": "by: {prosecutor: P1}",
    }
    text = CASE
    for old, new in more.items():
        text = text.replace(old, new)
    assert run(tmp_path, text)[0].differences == ()
