"""A delivery as a request for notices: which of it may be asked for, and only the fields that a notice has. Pure.

| alert | becomes | if |
|---|---|---|
| wanted person | red, for each suspect | an arrest warrant names the country that issued it |
| missing person | yellow, for each missing person | identified |
| any other, or an exercise | none | |

Fields bear the names of INTERPOL's published interface (connectors/formats/notices.py reads them back). Nothing else of the
delivery is taken: no narrative, no contact, nothing of a victim. Article 3 of INTERPOL's Constitution stands in every request;
whether a request keeps it, an officer of the bureau says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.sdk import Delivery
from connectors.sdk.terms import Words, terms, terms_json
from hub.model.text import to_json

SEXES: Final = {"male": "M", "female": "F"}
ARTICLE_3: Final = {
    "es": "Estatuto de INTERPOL, artículo 3: no se pide intervención alguna en asuntos de carácter político, militar, "
    "religioso o racial. La Oficina Central Nacional lo comprueba antes de cursar la solicitud.",
    "en": "INTERPOL's Constitution, article 3: no intervention is asked for in matters of a political, military, religious or "
    "racial character. The National Central Bureau checks this before it sends the request.",
}


class NoRequest(Exception):
    """No notice can be asked for by this delivery; `code` says why. `refused`: it was meant as one, and lacks something."""

    def __init__(self, code: str, *, refused: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.refused = refused


def request_of(delivery: Delivery, words: Words) -> dict[str, Any]:
    """The request as JSON. Raises NoRequest."""
    record = delivery.record
    if record.view is None:
        raise NoRequest("core-missing")
    core = record.view.core
    if core.label.exercise != "none":
        raise NoRequest("exercise")
    notices = _notices(core.label.class_, _contents(delivery))
    return {
        "request": "notice",
        "reference": str(record.alert),
        "revision": record.revision,
        "delivery": record.id.hex(),
        "originator": core.originator,
        "label": to_json(core.label),
        "article_3": ARTICLE_3,
        "notices": notices,
        "cases": [_case(each) for each in _contents(delivery).get("case", ())],
        "obligation": terms_json(record),
        "terms": [{"code": each.code, "es": each.es, "en": each.en} for each in terms(record, words)],
    }


def withdrawal_of(delivery: Delivery, reason: str) -> dict[str, Any]:
    """What asks the bureau to take a request, and the notices that came of it, back. No personal data."""
    return {
        "request": "withdrawal",
        "reference": str(delivery.alert),
        "delivery": delivery.id.hex(),
        "reason": reason,
        "es": "Retire la solicitud y los avisos que resultaron de ella, suprima los datos y confírmelo.",
        "en": "Withdraw the request and the notices that came of it, delete the data and confirm it.",
    }


def _contents(delivery: Delivery) -> Mapping[str, Sequence[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for each in delivery.contents:
        found.setdefault(each.category, []).append(to_json(each.content))
    return found


def _notices(alert_class: str, contents: Mapping[str, Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    if alert_class == "wanted-person":
        people = contents.get("suspect.identity", ())
        found = [_red(each, warrants) for each in people if (warrants := _warrants(each))]
        if people and not found:
            raise NoRequest("no-judicial-basis", refused=True)
    elif alert_class == "missing-person":
        found = [_yellow(each) for each in contents.get("missing.identity", ())]
    else:
        raise NoRequest("no-request")
    found = [each for each in found if each["name"] or each["forename"]]
    if not found:
        raise NoRequest("no-identity", refused=True)
    return found


def _warrants(person: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The judicial basis: warrants whose country is known."""
    return [
        {
            "issuing_country_id": each["issuing_country"],
            "charge": each["charge"],
            "charge_translation": each["charge_translation"],
        }
        for each in person["warrants"]
        if each["issuing_country"]
    ]


def _red(person: Mapping[str, Any], warrants: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "red", **_person(person), "arrest_warrants": warrants}


def _yellow(person: Mapping[str, Any]) -> dict[str, Any]:
    parents = {}
    for parent in person["parents"]:
        if parent["relation"] in ("father", "mother"):
            parents[f"{parent['relation']}_name"] = parent["family"]
            parents[f"{parent['relation']}_forename"] = parent["given"]
    event = {
        "date_of_event": _date(person["event_date"]),
        "place": person["event_place"],
        "country": person["event_country"],
    }
    return {"type": "yellow", **_person(person), **event, **parents}


def _person(person: Mapping[str, Any]) -> dict[str, Any]:
    names = sorted(person["names"], key=lambda name: name["kind"] != "primary")
    first = names[0] if names else {"family": None, "given": None, "full": None}
    physical = person["physical"] or {}
    height_cm = physical.get("height_cm")
    return {
        "name": first["family"] or first["full"],
        "forename": first["given"],
        "other_names": [" ".join(filter(None, (each["given"], each["family"]))) or each["full"] for each in names[1:]],
        "date_of_birth": _date(person["birth_date"]),
        "sex_id": SEXES.get(person["sex"], "U"),
        "nationalities": person["nationalities"],
        "place_of_birth": person["birth_place"],
        "country_of_birth_id": person["birth_country"],
        "languages_spoken_ids": person["languages"],
        "height": height_cm / 100 if height_cm else 0,
        "weight": physical.get("weight_kg") or 0,
        "eyes_colors_id": physical.get("eyes") or [],
        "hairs_id": physical.get("hair") or [],
        "distinguishing_marks": physical.get("marks"),
        "identity_documents": [
            {"number": each["number"], "type": each["type"], "issuing_country_id": each["issuer"]}
            for each in person["documents"]
        ],
    }


def _case(case: Mapping[str, Any]) -> dict[str, Any]:
    """The file that the request rests on: where to ask, not what stands in it."""
    return {name: case[name] for name in ("number", "authority", "country")}


def _date(text: str | None) -> str | None:
    """INTERPOL's dates: YYYY/MM/DD, as far as it is known."""
    return text.replace("-", "/") if text else None
