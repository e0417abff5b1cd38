"""An alert made from a delivery inherits its limits: the strictest TLP, every handling code, the recipients that are left by
every list of named recipients; and it names the delivery's alert in derived-from."""

from __future__ import annotations

from collections.abc import Sequence

from hub.model.codes import TLP_NARROWEST_FIRST
from hub.model.compose import Draft
from hub.model.core import Label

from .kinds import Provenance


def inherited(draft: Draft, derived: Sequence[Provenance], originator: str) -> Draft:
    """The draft with what it rests on: nothing that it says itself is made wider.

    Where the lists of named recipients leave nobody, the originator alone is named, which nobody else is.
    """
    if not derived:
        return draft
    references = {each.reference.alert: each.reference for each in derived}
    facts = draft.facts.model_copy(
        update={
            "derived_from": tuple({**{r.alert: r for r in draft.facts.derived_from}, **references}.values()),
            "releasable_to": named(draft.facts.releasable_to, derived, originator),
        }
    )
    return draft.model_copy(update={"label": strictest(draft.label, [each.label for each in derived]), "facts": facts})


def named(own: Sequence[str], derived: Sequence[Provenance], originator: str) -> tuple[str, ...]:
    """Who is on every list of named recipients; an empty list names nobody and limits nothing."""
    lists = [frozenset(each) for each in (own, *(each.releasable_to for each in derived)) if each]
    if not lists:
        return ()
    return tuple(sorted(frozenset.intersection(*lists))) or (originator,)


def strictest(own: Label, others: Sequence[Label]) -> Label:
    """The narrowest TLP and all handling codes; H0, which says that there is none, gives way to any other."""
    labels = [own, *others]
    codes = {code for label in labels for code in label.handling}
    handling = tuple(sorted(codes - {"H0"})) or ("H0",)
    exercise = next((label.exercise for label in labels if label.exercise != "none"), "none")
    tlp = min((label.tlp for label in labels), key=TLP_NARROWEST_FIRST.index)
    return own.model_copy(update={"tlp": tlp, "handling": handling, "exercise": exercise})
