"""The schemas that travel: what the models give, locked for ever, readable by every version of each other.

Compatibility is judged by Apache's own rules (the `avro` package), not by ours.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from importlib.resources import files
from itertools import groupby, permutations
from typing import Any, NamedTuple

import avro.schema
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

import schemas
from hub.cli import schemas as cli
from hub.model.avro import LOCAL_IDS
from hub.model.sections import CONTENTS

CURRENT = {**dict(cli.current_records()), **{f"sections/{name}": schema for name, schema in cli.current_sections()}}


class Version(NamedTuple):
    name: str
    number: int
    schema: Any


def locked() -> list[Version]:
    """Every version in the lock, sections named by their folder."""
    records = [Version(item["name"], item["version"], item["schema"]) for item in schemas.lock()["records"]]
    sections = [
        Version(f"sections/{item['name']}", item["version"], item["schema"]) for item in schemas.lock()["sections"]
    ]
    return records + sections


def reads(reader: Any, writer: Any) -> bool:
    """Whether data of one schema can be read by the other, by Apache's rules."""
    checker: Any = ReaderWriterCompatibilityChecker  # its hints are wrong
    result = checker().get_compatibility(*(avro.schema.parse(json.dumps(schema)) for schema in (reader, writer)))
    return bool(result.compatibility is SchemaCompatibilityType.compatible)


@pytest.mark.parametrize("name", sorted(CURRENT))
def test_a_schema_file_is_what_the_models_give(name: str) -> None:
    text = files("schemas").joinpath(f"{name}.avsc").read_text(encoding="utf-8")
    assert json.loads(text) == CURRENT[name], "run: enlace schemas lock"


def test_there_is_a_file_for_every_schema_and_no_other() -> None:
    root = files("schemas")
    found = {item.name for item in root.iterdir() if item.name.endswith(".avsc")}
    found |= {f"sections/{item.name}" for item in root.joinpath("sections").iterdir()}
    assert found == {f"{name}.avsc" for name in CURRENT}
    assert {name.removeprefix("sections/") for name in CURRENT if "/" in name} == set(CONTENTS)


def test_the_lock_has_the_newest_version_of_every_schema() -> None:
    newest = {version.name: version.schema for version in locked()}
    assert newest == CURRENT, "run: enlace schemas lock"
    assert schemas.records() == {name: schema for name, schema in newest.items() if "/" not in name}


def test_versions_count_up_and_ids_are_given_once() -> None:
    for _, versions in groupby(sorted(locked(), key=lambda item: item[:2]), key=lambda item: item.name):
        numbers = [version.number for version in versions]
        assert numbers == list(range(1, len(numbers) + 1))
    ids = [item["id"] for item in schemas.lock()["records"]]
    assert sorted(ids) == list(range(1, len(ids) + 1))
    assert LOCAL_IDS.by_id == {number: name for name, number in LOCAL_IDS.by_name.items()}


def test_the_newest_family_is_that_of_the_newest_versions() -> None:
    newest = {version.name: version.number for version in locked()}
    assert schemas.lock()["families"][-1] == {name: newest[name] for name in ("Alert", "Delivery", "Decision")}


def test_records_of_one_family_embed_the_same_routing_block_core_and_section() -> None:
    """A slice of an alert is spliced into deliveries and decisions: it must mean the same there."""
    by_version = {(version.name, version.number): version.schema for version in locked()}
    for family in schemas.lock()["families"]:
        alert, delivery, decision = (by_version[name, number] for name, number in family.items())
        assert embedded(alert, "Core") == embedded(delivery, "Core") == embedded(decision, "Core")
        assert embedded(alert, "Section") == embedded(delivery, "Section")
        assert embedded(alert, "Routing") == embedded(decision, "Routing")


def embedded(schema: Any, name: str) -> Any:
    """A record's schema within another, every named type written out."""
    named: dict[str, Any] = {}

    def whole(part: Any) -> Any:
        if isinstance(part, list):
            return [whole(item) for item in part]
        if isinstance(part, str):
            return named.get(part, part)
        if not isinstance(part, dict):
            return part
        opened = {key: value if key == "default" else whole(value) for key, value in part.items()}
        if part.get("type") in ("record", "fixed"):
            named[f"{part['namespace']}.{part['name']}"] = opened
        return opened

    whole(schema)
    return named[f"enlace.{name}"]


def test_the_lock_grows_and_never_alters_what_stands_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = copy.deepcopy(schemas.lock())
    assert cli.extended(schemas.lock()) == before, "nothing changed, so nothing is added"
    changed = copy.deepcopy(CURRENT["Alert"])
    changed["fields"].append({"name": "more", "type": ["null", "string"], "default": None})
    section = {"type": "record", "name": "Unheard", "namespace": "enlace", "fields": []}
    monkeypatch.setattr(cli, "current_records", lambda: iter([("Alert", changed)]))
    monkeypatch.setattr(cli, "current_sections", lambda: iter([("unheard-of", section)]))
    after = cli.extended(schemas.lock())
    assert schemas.lock() == before
    for kind in ("families", "records", "sections"):
        assert after[kind][: len(before[kind])] == before[kind]
        assert len(after[kind]) == len(before[kind]) + 1
    highest = max(item["version"] for item in before["records"] if item["name"] == "Alert")
    assert after["records"][-1] == {
        "name": "Alert",
        "version": highest + 1,
        "id": len(before["records"]) + 1,
        "schema": changed,
    }


def test_every_version_reads_every_other_of_its_schema() -> None:
    """FULL_TRANSITIVE: both ways, not only to the neighbour."""
    by_name = groupby(sorted(locked(), key=lambda item: item[:2]), key=lambda item: item.name)
    for name, versions in by_name:
        for reader, writer in permutations(versions, 2):
            assert reads(reader.schema, writer.schema), f"{name}: {reader.number} cannot read {writer.number}"


@pytest.mark.parametrize("name", sorted(CURRENT))
def test_every_schema_is_one_by_apaches_parser_and_reads_itself(name: str) -> None:
    assert reads(CURRENT[name], CURRENT[name])


def without_defaults(schema: Any) -> Any:
    return {**schema, "fields": [{key: item[key] for key in ("name", "type")} for item in schema["fields"]]}


def test_the_checker_sees_what_would_break_readers() -> None:
    """The tests above are worth what the checker sees."""
    old = CURRENT["Health"]
    with_optional = {**old, "fields": [*old["fields"], {"name": "more", "type": ["null", "string"], "default": None}]}
    assert reads(old, with_optional) and reads(with_optional, old)
    with_required = {**old, "fields": [*old["fields"], {"name": "more", "type": "string"}]}
    assert reads(old, with_required) and not reads(with_required, old)
    without_required = {**old, "fields": old["fields"][1:]}
    assert reads(without_required, old) and not reads(old, without_required)
    retyped = {
        **old,
        "fields": [{**item, "type": "long"} if item["name"] == "state" else item for item in old["fields"]],
    }
    assert not reads(old, retyped) and not reads(retyped, old)
    renamed = {**old, "name": "Another"}
    assert not reads(old, renamed)
    bare = without_defaults(CURRENT["sections/victim.identity"])
    emptied = {**bare, "fields": bare["fields"][:1]}
    assert not reads(bare, emptied)


def parts(schema: Any, inside: tuple[str, ...] = ()) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Every type in a schema, with the names of the records around it."""
    yield schema, inside
    if isinstance(schema, list):
        for item in schema[1:]:
            yield from parts(item, inside)
    elif isinstance(schema, dict):
        if schema["type"] == "record":
            for field in schema["fields"]:
                yield from parts(field["type"], (*inside, f"{schema['namespace']}.{schema['name']}"))
        elif schema["type"] == "array":
            yield from parts(schema["items"], inside)


@pytest.mark.parametrize("version", locked(), ids=lambda version: f"{version.name}-{version.number}")
def test_no_schema_is_recursive_or_has_an_item_of_no_size(version: Version) -> None:
    """Either could crash a decoder, or make it allocate gigabytes for a few bytes."""
    for part, inside in parts(version.schema):
        if isinstance(part, list):
            assert len(part) == 2 and part[0] == "null" and part[1] != "null"
        elif isinstance(part, str):
            assert part not in inside, "recursive"
            assert part != "null", "a type that is only null has no size"
        elif part["type"] == "record":
            assert part["fields"], "a record without fields has no size"
        elif part["type"] == "fixed":
            assert part["size"] > 0
        else:
            assert part["type"] == "array", "no enum and no map: lists of codes grow by bundle"


def test_the_search_for_recursion_and_empty_items_sees_them() -> None:
    recursive = {
        "type": "record",
        "name": "A",
        "namespace": "enlace",
        "fields": [{"name": "next", "type": ["null", "enlace.A"]}],
    }
    empty = {"type": "array", "items": {"type": "record", "name": "E", "namespace": "enlace", "fields": []}}
    for schema in (recursive, empty, {"type": "array", "items": "null"}):
        with pytest.raises(AssertionError):
            test_no_schema_is_recursive_or_has_an_item_of_no_size(Version("x", 1, schema))


def test_every_optional_field_has_a_default() -> None:
    """Else no later version could leave it out, and no earlier one be read."""
    for version in locked():
        for part, _ in parts(version.schema):
            if isinstance(part, dict) and part["type"] == "record":
                for field in part["fields"]:
                    if isinstance(field["type"], list):
                        assert field["default"] is None, f"{version.name}.{field['name']}"
