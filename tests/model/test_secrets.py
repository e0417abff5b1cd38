"""Personal values stay closed: not in any model's text, not in any error, and opened in a few named files only."""

from __future__ import annotations

import ast
import json
import traceback
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Secret, ValidationError

import connectors
import hub
from hub.model import avro, codes
from hub.model.base import Model
from hub.model.compose import Draft, compose
from hub.model.core import Alert, Label, Section
from hub.model.decision import Control, Quarantined
from hub.model.sections import CONTENTS, Content, Identity, Narrative
from hub.model.text import BadJson, alert_from_json
from tests.model import strategies as made

# Who may open a personal value, and why. Everywhere else in hub/ and connectors/ it is forbidden: an encoder or a sink
# is named here when it is written, and whoever reads the change sees it.
MAY_OPEN = {
    "hub/model/avro.py": "the encoder",
    "hub/model/text.py": "JSON for an agency's own commands",
    "hub/model/derive.py": "a birth date becomes an age band",
    "hub/bus/settings.py": "the password of a Kafka user, which is no personal value, for the client",
    "hub/bus/registry.py": "the password of the schema registry's user, which is no personal value, for the request",
    "connectors/formats/stix_write.py": "the encoder of STIX bundles",
    "connectors/formats/cap_write.py": "the encoder of CAP alerts",
    "connectors/formats/cap_plain.py": "a native record as the plain dictionary that a mapping file reads",
    "connectors/transports/email.py": "the password of a mail server's user and addresses, for the server",
    "connectors/transports/paged.py": "the address and token of a partner's service, for the request",
    "connectors/transports/sql.py": "the address of an agency's database, for the driver",
    "connectors/transports/webhook.py": "the address of a partner's service, for the request",
    "hub/readmodel/database.py": "the address of the read model's database, for the driver",
    "connectors/transports/signing.py": "signing secrets, which are no personal values, for a signature",
    "connectors/iom/referral.py": "the sink: a delivery becomes a referral",
    "connectors/sica/pattern.py": "STIX objects become sections, and their digest",
    "connectors/embassy_canada/connector.py": "the address of the connector's own database, for the driver",
    "connectors/customs/listing.py": "the sink: a delivery becomes entries of the watch list",
}
OPENERS = ("get_secret_value", "_secret_value")


def opened_in(source: str) -> set[int]:
    """The lines that open a secret: by its method, or round it by its private attribute, getattr or methodcaller."""
    return {
        node.lineno
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Attribute) and node.attr in OPENERS)
        or (isinstance(node, ast.Constant) and node.value in OPENERS)
    }


def sources() -> Iterator[tuple[str, str]]:
    for package in (hub, connectors):
        folder = Path(next(iter(package.__path__)))
        for path in sorted(folder.rglob("*.py")):
            yield path.relative_to(folder.parent).as_posix(), path.read_text(encoding="utf-8")


def test_secrets_are_opened_only_where_they_may_be() -> None:
    opening = {name: sorted(lines) for name, text in sources() if (lines := opened_in(text))}
    assert {name: lines for name, lines in opening.items() if name not in MAY_OPEN} == {}


def test_no_file_may_open_secrets_that_does_not_need_to() -> None:
    needed = {name for name, text in sources() if opened_in(text)}
    assert set(MAY_OPEN) <= needed


def test_the_search_for_opened_secrets_sees_them() -> None:
    for opening in (
        "x.get_secret_value()",
        "f = x.get_secret_value",
        "x._secret_value",
        "getattr(x, 'get_secret_value')()",
    ):
        assert opened_in(f"y = 1\n{opening}\n") == {2}
    assert opened_in("# get_secret_value\nx = 'why get_secret_value is forbidden'\n") == set()


def secret_fields(model: type[BaseModel]) -> set[str]:
    return {name for name, info in model.model_fields.items() if has_secret(info.annotation)}


def has_secret(kind: Any) -> bool:
    origin = get_origin(kind)
    if origin is Secret:
        return True
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return bool(secret_fields(kind))
    return origin in (Union, UnionType, tuple, Annotated) and any(has_secret(arg) for arg in get_args(kind))


# Categories whose values name nobody (DESIGN.md's table): theirs are the only contents without a secret.
WITHOUT_SECRETS = {
    "circumstances",
    "handling",
    "links",
    "journey",
    "goods",
    "organisation",
    "statistics",
    *(category for category in codes.CATEGORIES if category.endswith((".description", ".image"))),
}


def test_every_category_that_may_name_somebody_has_secrets() -> None:
    assert {category for category, model in CONTENTS.items() if not secret_fields(model)} == WITHOUT_SECRETS


MARK = "Xiomara"
MARKED_DATE = "9876-05-04"


def marked(value: Any) -> Any:
    """The same with a mark instead of every personal value, so that none can occur elsewhere by chance."""
    if isinstance(value, Secret):
        is_date = value.get_secret_value()[:4].isdecimal()
        return type(value)(MARKED_DATE if is_date else MARK)
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: marked(getattr(value, name)) for name in type(value).model_fields})
    return tuple(marked(item) for item in value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("category", sorted(codes.CATEGORIES))
@settings(max_examples=8)
@given(data=st.data())
def test_no_text_of_a_content_shows_a_personal_value(category: str, data: st.DataObject) -> None:
    content: Content = data.draw(made.contents(category))
    model = marked(content.content)
    whole = Content(category, model)
    shown = [repr(model), str(model), f"{model}", repr([model]), repr({"a": model}), repr(list(model.__repr_args__()))]
    shown += [repr(whole), str(whole)]
    for text in shown:
        assert MARK not in text and MARKED_DATE not in text and "JF" not in text
    assert type(model).__name__ not in repr(whole), "a content shows its category only"


@pytest.mark.parametrize("category", sorted(set(codes.CATEGORIES) - WITHOUT_SECRETS))
def test_the_marks_are_in_what_travels(category: str) -> None:
    """The test above is worth what the marks cover: every optional secret can be drawn, and is then in the payload."""
    found: set[bool] = set()

    @settings(max_examples=30, database=None)
    @given(made.contents(category))
    def draw(content: Content) -> None:
        payload = avro.encode_payload(category, marked(content.content))
        found.add(MARK.encode() in payload or MARKED_DATE.encode() in payload)

    draw()
    assert True in found


def identity() -> Identity:
    fields = {
        "person": "v1",
        "names": [{"family": MARK, "given": MARK, "full": MARK}],
        "birth_date": "2010-02-03",
        "birth_place": MARK,
        "documents": [{"number": MARK, "expiry": "2031-02-03"}],
        "physical": {"marks": MARK},
    }
    return Identity.model_validate(fields)


def alert_with_a_name() -> Alert:
    contents = [Content("victim.identity", identity()), Content("narrative", Narrative(text=MARK))]
    draft = Draft(label=Label(class_="victim-identified", purposes=("victim-assistance",)))
    return compose(draft, contents, originator="iom", alert_id=uuid.UUID(int=1), revision=1, now_ms=0, key=b"k")


def test_an_alert_shows_no_payload() -> None:
    alert = alert_with_a_name()
    assert MARK.encode() in avro.encode(alert)
    for shown in (repr(alert), str(alert), repr(alert.sections), repr(alert.sections[0])):
        assert MARK not in shown and "2010" not in shown


def test_a_quarantined_or_controlled_record_shows_no_bytes() -> None:
    place: dict[str, Any] = {"topic": "alerts.a", "partition": 0, "offset": 0}
    raw: dict[str, Any] = {"key": MARK.encode(), "value": MARK.encode(), "headers": MARK.encode()}
    times: dict[str, Any] = {"previous": -1, "timestamp_ms": 0, "quarantined_ms": 0}
    for record in (
        Quarantined(**place, **raw, **times, reason="undecodable"),
        Control(**place, **raw, kind="replay", who="operator", why="mended"),
    ):
        assert MARK not in repr(record) + str(record)


@pytest.mark.parametrize(
    "category",
    [pytest.param(name) if name == "goods" else name for name in sorted(codes.CATEGORIES)],
)
def test_a_validation_error_never_shows_the_input(category: str) -> None:
    """Whatever field is wrong: every field of every content is given a value that it cannot take."""
    model = CONTENTS[category]
    wrong = [MARK + "\n" * 20, [MARK], {"x": MARK}, [[MARK]], [{"x": MARK}], {MARK.lower(): 1}]
    tried = 0
    for name in model.model_fields:
        for value in wrong:
            for as_json in (False, True):
                fields = {name: value}
                try:
                    model.model_validate_json(json.dumps(fields)) if as_json else model.model_validate(fields)
                except ValidationError as error:
                    tried += 1
                    assert MARK not in str(error) and MARK not in repr(error)
                    assert MARK not in "".join(traceback.format_exception_only(error))
    assert tried


def test_a_wrong_date_is_not_shown() -> None:
    for text in (f"{MARK}", "2010-13-45", "20100203"):
        with pytest.raises(ValidationError) as caught:
            Identity.model_validate({"person": "v1", "birth_date": text})
        assert text not in str(caught.value)


def test_an_image_with_metadata_is_refused_without_being_shown() -> None:
    jpeg = b"\xff\xd8\xff\xe1\x00\x0aXiomara!\xff\xda\xff\xd9"
    with pytest.raises(ValidationError, match="no metadata") as caught:
        CONTENTS["victim.image"].model_validate({"person": "v1", "jpeg": jpeg})
    assert MARK not in str(caught.value)


def models() -> Iterator[type[Model]]:
    waiting = [Model]
    while waiting:
        for model in waiting.pop().__subclasses__():
            waiting.append(model)
            if model.__module__.startswith("hub."):
                yield model


def test_every_model_hides_its_input_is_frozen_and_closed() -> None:
    found = list(models())
    assert {Alert, Section, Draft, Identity} <= set(found)
    for model in found:
        assert model.model_config.get("hide_input_in_errors") is True, model
        assert model.model_config.get("frozen") is True, model
        assert model.model_config.get("extra") == "forbid", model


def test_no_error_of_a_payload_or_its_json_has_the_value_anywhere_in_its_trace() -> None:
    """Loggers print causes and contexts, too."""
    payload = avro.encode_payload("victim.identity", identity()).replace(b"v1", b"XX")
    with pytest.raises(avro.Undecodable) as undecodable:
        avro.decode_payload("victim.identity", 1, payload)
    with pytest.raises(BadJson) as bad:
        alert_from_json({"routing": {}, "sections": [{"category": "narrative", "payload": {"text": [MARK]}}]})
    for error in (undecodable.value, bad.value):
        assert MARK not in "".join(traceback.format_exception(error))
