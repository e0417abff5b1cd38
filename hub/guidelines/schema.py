"""The JSON Schema of a file of guidelines, made from the models, for editors that complete and underline.

What a schema cannot say (known agencies, grounds, tests that fit their attribute's kind of value) is check.py's.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter

from hub.model.codes import ATTRIBUTES, CLOSED, LIST_OF, STANDARD

from .language import TESTS, Guideline

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_LISTED: Final = ("any", "only", "none")
_BOUNDS: Final = {"type": "integer", "minimum": 0}


def guidelines_schema() -> dict[str, Any]:
    """One schema for `guidelines/*.yaml` and `safeguards.yaml`: a list under the key `guidelines`."""
    schema = TypeAdapter(Guideline).json_schema(by_alias=True)
    definitions = {name: each for name, each in schema.pop("$defs", {}).items() if name != "Test"}
    schema["properties"]["when"] = _when()
    return {
        "$schema": DRAFT,
        "title": "Sharing guidelines",
        "type": "object",
        "additionalProperties": False,
        "required": ["guidelines"],
        "properties": {"guidelines": {"type": "array", "items": {"$ref": "#/$defs/Guideline"}}},
        "$defs": {**definitions, **_LISTS, "Guideline": schema},
    }


def _when() -> dict[str, Any]:
    """Each attribute with the tests that fit it. Closed lists are checked, growing ones are suggested."""
    return {
        "title": "When",
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _test(name) for name in ATTRIBUTES},
    }


def _test(name: str) -> dict[str, Any]:
    words: dict[str, Any] = {}
    for word in TESTS[name]:
        if word in _LISTED:
            words[word] = {"$ref": f"#/$defs/codes-{LIST_OF[name]}"}
        else:
            words[word] = _BOUNDS if word in ("min", "max") else {"const": True}
    return {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": words}


def _codes(list_name: str) -> dict[str, Any]:
    """One code or several. A digit may be written without quotes."""
    code: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 64}
    if list_name in CLOSED:
        codes: list[Any] = sorted(CLOSED[list_name])
        code = {"enum": [*codes, *(int(each) for each in codes if each.isdigit())]}
    elif list_name in STANDARD:
        code["examples"] = sorted(STANDARD[list_name])[:12]
    return {"anyOf": [code, {"type": "array", "minItems": 1, "items": code}]}


_LISTS: Final[dict[str, Any]] = {f"codes-{name}": _codes(name) for name in sorted(set(LIST_OF.values()))}
