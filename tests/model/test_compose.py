"""Alerts as connectors make them: salts that keep a section's bytes and give nothing away, digests that verify."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.model import avro
from hub.model.compose import DAY_MS, VALID_MAX_MS, Draft, cancel, compose, digests, seal
from hub.model.core import Alert, Label, Routing
from hub.model.derive import Facts
from hub.model.sections import Content, Identity, Narrative
from tests.model import strategies as made

LABEL = Label(class_="victim-identified", purposes=("victim-assistance",))
ALERT_ID = uuid.UUID("01900000-0000-7000-8000-000000000001")
NOW_MS = 1_795_512_600_000  # 2026-11-24T09:30:00Z


def composed(*contents: Content, alert_id: uuid.UUID = ALERT_ID, key: bytes = b"k", **given: Any) -> Alert:
    revision = given.pop("revision", 1)
    draft = Draft(label=LABEL, **given)
    return compose(
        draft, contents, originator="commission", alert_id=alert_id, revision=revision, now_ms=NOW_MS, key=key
    )


def narrative(text: str) -> Content:
    return Content("narrative", Narrative(text=text))


def narratives(alert: Alert) -> list[bytes]:
    return [avro.encode_section(section) for section in alert.sections if section.category == "narrative"]


def test_an_unchanged_section_keeps_its_bytes_from_revision_to_revision() -> None:
    first = composed(narrative("igual"), Content("victim.identity", Identity(person="v1")))
    second = composed(narrative("igual"), Content("victim.identity", Identity(person="v1", sex="female")), revision=2)
    assert narratives(first) == narratives(second)
    kept = set(first.core.digests) & set(second.core.digests)
    assert avro.digest(narratives(first)[0]) in kept
    assert first.core.digests != second.core.digests


def test_a_changed_section_changes_its_salt_with_its_payload() -> None:
    (before,), (after,) = (composed(narrative(text)).sections[1:] for text in ("uno", "dos"))
    assert before.category == after.category == "narrative"
    assert before.salt != after.salt and before.payload != after.payload


def test_equal_contents_of_different_alerts_or_keys_cannot_be_told_by_digest() -> None:
    alerts = [
        composed(narrative("igual")),
        composed(narrative("igual"), alert_id=uuid.UUID(int=ALERT_ID.int + 1)),
        composed(narrative("igual"), key=b"another key"),
    ]
    assert len({digest for alert in alerts for digest in alert.core.digests}) == 3 * 2


def test_equal_contents_twice_in_one_alert_get_different_salts() -> None:
    alert = composed(narrative("igual"), narrative("igual"))
    one, two = (section for section in alert.sections if section.category == "narrative")
    assert one.payload == two.payload and one.salt != two.salt
    again = composed(narrative("igual"), narrative("igual"), narrative("igual"))
    assert narratives(again)[:2] == narratives(alert)


@settings(max_examples=50)
@given(st.lists(made.any_contents, max_size=5))
def test_digests_are_sorted_and_each_is_that_of_a_section(contents: list[Content]) -> None:
    alert = composed(*contents)
    assert list(alert.core.digests) == sorted(alert.core.digests)
    assert set(alert.core.digests) == {avro.digest(avro.encode_section(section)) for section in alert.sections}
    assert len(alert.core.digests) == len(alert.sections) == len(set(alert.core.digests))
    assert avro.decode_as(Alert, avro.encode(alert)) == alert


@settings(max_examples=50)
@given(st.lists(made.any_contents, max_size=5), made.ALERT_IDS)
def test_sealing_changes_no_content(contents: list[Content], alert_id: uuid.UUID) -> None:
    sections = seal(contents, alert_id, b"k")
    assert seal(contents, alert_id, b"k") == sections
    opened = [avro.decode_payload(section.category, section.version, section.payload) for section in sections]
    assert opened == [content.content for content in contents]
    assert digests(sections) == digests(sections[::-1])


def test_every_alert_has_its_circumstances() -> None:
    assert [section.category for section in composed().sections] == ["circumstances"]


def test_ages_are_reckoned_on_the_day_of_observation_if_there_was_one() -> None:
    identity = Content("victim.identity", Identity.model_validate({"person": "v1", "birth_date": "2008-11-24"}))
    assert composed(identity).routing.minor == "no"
    assert composed(identity, observed_ms=NOW_MS - DAY_MS).routing.minor == "yes"


@pytest.mark.parametrize(("days", "until"), [(1, 1), (60, 60), (89, 89), (90, 89), (1000, 89)])
def test_an_alert_is_never_valid_for_longer_than_topics_keep_it(days: int, until: int) -> None:
    alert = composed(valid_ms=days * DAY_MS)
    assert alert.core.valid_until_ms == NOW_MS + until * DAY_MS < NOW_MS + VALID_MAX_MS


def test_label_and_caveats_are_the_drafts() -> None:
    alert = composed(caveats=("C5",), facts=Facts(releasable_to=("iom",)))
    assert alert.routing.label == alert.core.label == LABEL
    assert alert.core.caveats == ("C5",) and alert.routing.releasable_to == ("iom",)


def test_a_cancel_carries_no_sections_and_no_facts() -> None:
    alert = cancel(
        LABEL, originator="commission", alert_id=ALERT_ID, revision=3, now_ms=NOW_MS, valid_until_ms=NOW_MS + 1
    )
    assert alert.core.kind == "cancel"
    assert alert.sections == ()
    assert alert.core.digests == ()
    assert alert.routing == Routing(label=LABEL, minor="no", consent="not-applicable")
    with pytest.raises(ValidationError, match="carries no sections"):
        Alert(routing=alert.routing, core=alert.core, sections=composed(narrative("x")).sections)


def test_a_content_must_be_of_its_category() -> None:
    with pytest.raises(ValueError, match="the model of its category"):
        Content("victim.identity", Narrative(text="x"))
    with pytest.raises(ValueError, match="the model of its category"):
        Content("unheard-of", Narrative(text="x"))
