"""An alert that rests on a delivery inherits its limits: nothing gets wider on the way."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk import Draft, Facts, Label, Provenance, Reference
from connectors.sdk.inherit import inherited, strictest
from hub.model.codes import TLP_NARROWEST_FIRST

labels = st.builds(
    lambda tlp, handling, exercise: Label.model_validate(
        {"class": "seizure", "purposes": ["search"], "tlp": tlp, "handling": handling, "exercise": exercise}
    ),
    st.sampled_from(TLP_NARROWEST_FIRST),
    st.just(["H0"]) | st.lists(st.sampled_from(["H1", "H2", "H3"]), min_size=1, max_size=3, unique=True),
    st.just("none"),
)


def reference(number: int, revision: int = 1) -> Reference:
    return Reference(alert=uuid.UUID(int=number), revision=revision)


@given(labels, st.lists(labels, min_size=1, max_size=4))
def test_the_narrowest_tlp_and_every_handling_code_are_kept(own: Label, others: Sequence[Label]) -> None:
    found = strictest(own, others)
    everyone = [own, *others]
    assert all(TLP_NARROWEST_FIRST.index(found.tlp) <= TLP_NARROWEST_FIRST.index(each.tlp) for each in everyone)
    assert found.tlp in {each.tlp for each in everyone}
    codes = {code for each in everyone for code in each.handling} - {"H0"}
    assert set(found.handling) == (codes or {"H0"})


@given(labels, labels)
def test_what_the_alert_says_of_itself_stays(own: Label, other: Label) -> None:
    found = strictest(own, [other])
    for name in ("class_", "purposes", "reliability", "credibility"):
        assert getattr(found, name) == getattr(own, name)


def test_an_alert_on_an_exercise_is_one() -> None:
    own = Label.model_validate({"class": "seizure", "purposes": ["search"]})
    assert strictest(own, [own.model_copy(update={"exercise": "exercise"})]).exercise == "exercise"


def test_every_alert_it_rests_on_is_named_once_beside_its_own_references() -> None:
    label = Label.model_validate({"class": "seizure", "purposes": ["search"]})
    draft = Draft(label=label, facts=Facts(derived_from=(reference(1), reference(2))))
    derived = [Provenance(reference(2, 5), label), Provenance(reference(3), label)]
    assert inherited(draft, derived, "customs").facts.derived_from == (reference(1), reference(2, 5), reference(3))


def test_an_alert_that_rests_on_nothing_is_left_as_it_is() -> None:
    draft = Draft(label=Label.model_validate({"class": "seizure", "purposes": ["search"]}))
    assert inherited(draft, (), "customs") is draft


names = st.sets(st.sampled_from(["a", "b", "c", "customs"]), max_size=3).map(tuple)


@given(names, st.lists(names, min_size=1, max_size=3))
def test_nobody_is_named_who_is_not_on_every_list(own: tuple[str, ...], others: list[tuple[str, ...]]) -> None:
    label = Label.model_validate({"class": "seizure", "purposes": ["search"]})
    draft = Draft(label=label, facts=Facts(releasable_to=own))
    derived = [Provenance(reference(number), label, each) for number, each in enumerate(others, start=1)]
    found = set(inherited(draft, derived, "customs").facts.releasable_to)
    lists = [set(each) for each in (own, *others) if each]
    if not lists:
        assert found == set()
    else:
        assert found == (set.intersection(*lists) or {"customs"})  # itself alone is nobody else
