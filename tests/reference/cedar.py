"""The same guidelines as Cedar policies (cedarpolicy.com): a second oracle, for permit and forbid.

Rules 1 and 2 (candidates, the alert's restrictions) are not asked of it, nor what is withheld: only whether one agency,
being a candidate, is permitted. Every attribute is always present in the context, since Cedar skips a policy that errs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import cedarpy

from hub.guidelines.bundle import Bundle
from hub.guidelines.language import Agency, Choice, Guideline, Test
from hub.guidelines.outcome import values_of
from hub.model.codes import ATTRIBUTES, COUNTS, MULTIPLE
from tests.reference.case import Case


class CedarErred(Exception):
    """A policy could not be evaluated: the comparison is worth nothing."""


def permitted(case: Case, agencies: Iterable[str]) -> dict[str, bool]:
    """Agency -> whether Cedar allows it the alert. Raises CedarErred for any diagnostic."""
    asked = list(agencies)
    results = cedarpy.is_authorized_batch([request(case, agency) for agency in asked], policies(case.bundle), [])
    errors = [error for result in results for error in result.diagnostics.errors]
    if errors:
        raise CedarErred(errors[0])
    return {agency: result.allowed for agency, result in zip(asked, results, strict=True)}


def policies(bundle: Bundle) -> str:
    """One policy for each permit and forbid; withholds have none."""
    return "\n".join(_policy(each) for each in bundle.guidelines if each.effect != "withhold")


def _policy(guideline: Guideline) -> str:
    conditions = [
        _party(guideline.from_, "context.originator"),
        _party(guideline.to, "context.recipient"),
        *(_test(attribute, test) for attribute, test in guideline.when.items()),
        *_validity(guideline),
    ]
    body = " && ".join(f"({condition})" for condition in conditions)
    return f'@id("{guideline.id}") {guideline.effect}(principal, action, resource) when {{ {body} }};'


def _party(choice: Choice, who: str) -> str:
    meant = " || ".join(_is_meant(word, who) for word in choice.any)
    excepted = " || ".join(_is_meant(word, who) for word in choice.except_)
    return f"({meant}) && !({excepted})" if excepted else meant


def _is_meant(word: str, who: str) -> str:
    kind, colon, name = word.partition(":")
    if not colon:
        return "true" if word == "all" else f"{who}.id == {json.dumps(word)}"
    if kind == "group":
        return f"{who}.groups.contains({json.dumps(name)})"
    return f"{who}.{kind} == {json.dumps(name)}"


def _test(attribute: str, test: Test) -> str:
    found = f"context.{attribute}"
    conditions = []
    for word in test.words():
        if word in ("min", "max"):
            conditions.append(f"{found} {'>=' if word == 'min' else '<='} {getattr(test, word)}")
        elif word in ("present", "absent"):
            conditions.append(f"context.has_{attribute} == {'true' if word == 'present' else 'false'}")
        else:
            conditions.append(_membership(attribute, word, getattr(test, word)))
    return " && ".join(f"({condition})" for condition in conditions)


def _membership(attribute: str, word: str, codes: tuple[str, ...]) -> str:
    if attribute == "minor" and "yes" in codes:
        codes = (*codes, "unknown")
    wanted, found = json.dumps(list(codes)), f"context.{attribute}"
    if attribute not in MULTIPLE:
        return f"{'!' if word == 'none' else ''}{wanted}.contains({found})"
    test = {
        "any": f"{found}.containsAny({wanted})",
        "only": f"{wanted}.containsAll({found})",
        "none": f"!{found}.containsAny({wanted})",
    }[word]
    return f"context.has_{attribute} && {test}"


def _validity(guideline: Guideline) -> list[str]:
    begins, ends = guideline.valid.begins_ms, guideline.valid.ends_ms
    return [
        *([f"context.now_ms >= {begins}"] if begins is not None else []),
        *([f"context.now_ms < {ends}"] if ends is not None else []),
    ]


def request(case: Case, agency: str) -> dict[str, Any]:
    """May this agency receive this alert?"""
    context: dict[str, Any] = {
        "now_ms": case.now_ms,
        "originator": _agency(case.bundle.agency(case.core.originator)),
        "recipient": _agency(case.bundle.agency(agency)),
    }
    for name, value in zip(ATTRIBUTES, values_of(case.routing), strict=True):
        context[name] = list(value) if isinstance(value, tuple) else value
        if name not in COUNTS:
            context[f"has_{name}"] = value != ()
    return {
        "principal": f'Agency::"{agency}"',
        "action": 'Action::"receive"',
        "resource": 'Alert::"one"',
        "context": context,
    }


def _agency(agency: Agency | None) -> dict[str, Any]:
    """An international body's country is the empty text, which no guideline names."""
    assert agency is not None
    return {
        "id": agency.id,
        "type": agency.type,
        "country": agency.country or "",
        "groups": list(agency.groups),
    }
