"""Records cut into slices say what the decoder of Avro says of them; what is no such record is refused, not half read."""

from __future__ import annotations

from itertools import pairwise

import pytest

from hub.model.avro import LOCAL_IDS, decode
from hub.model.walk import NotProven
from hub.readmodel import cut
from tests.readmodel.history import History
from tests.routing.alerts import alert, cancel


def written(topic: str, name: str) -> list[tuple[bytes | None, bytes]]:
    """Keys and bodies of some of everything."""
    made = History()
    found = made.take(alert(1, origin=("CO", "VE"), transit=("CR",), sections=["victim.identity", "circumstances"]))
    made.acknowledge(found, "police", reason="seen", reference="a case")
    made.acknowledge(found, "shelter")
    made.take(alert(1, 2, nationality=("CA",)))
    made.take(alert(2, labelled={"tlp": "RED"}))
    made.take(cancel(1, 3))
    records = [record for at in made.logs if at.topic.startswith(topic) for record in made.logs[at]]
    assert records
    kind = LOCAL_IDS.frames[name]
    return [(record.key, record.value[5:]) for record in records if record.value and record.value.startswith(kind)]


def test_a_decision_that_is_cut_says_what_a_decoded_one_says() -> None:
    for key, body in written("decisions", "Decision"):
        whole, found = decode("Decision", body), cut.decision(body, key)
        assert cut.decision(body) == found  # without the key, too
        source, core, routing = whole["source"], whole["core"], whole["routing"]
        assert found[:4] == (source["topic"], source["partition"], source["offset"], source["previous"])
        assert (found.decided_ms, found.bundle, found.outcome) == (
            whole["decided_ms"],
            whole["bundle"],
            whole["outcome"],
        )
        assert (found.id, found.revision, found.kind) == (core["id"], core["revision"], core["kind"])
        assert (found.originator, found.valid_until_ms) == (core["originator"], core["valid_until_ms"])
        label = {
            name: list(value) if isinstance(value, tuple) else value for name, value in cut.label(found.label).items()
        }
        assert list(label.items()) == list(core["label"].items())
        places = [*routing["origin"], *routing["transit"], *routing["destination"], *routing["nationality"]]
        assert cut.places(found.routing) == set(places)
        assert [list(each) for each in cut.present(found.present)] == [list(each.values()) for each in whole["present"]]
        outcomes = cut.outcomes(found.verdict)
        assert [(each.agency, each.reason, list(each.categories)) for each in outcomes] == [
            (each["agency"], each["reason"], each["categories"]) for each in whole["outcomes"]
        ]
        assert list(found.sent) == [
            (number, each["delivery"]) for number, each in enumerate(whole["outcomes"]) if each["delivery"] is not None
        ]


def test_a_delivery_that_is_cut_says_what_a_decoded_one_says_before_the_view() -> None:
    kinds = set()
    for _, body in written("deliveries.", "Delivery"):
        whole, found = decode("Delivery", body), cut.delivery(body)
        kinds.add(found.kind)
        assert found[:8] == tuple(whole.values())[:8]
        assert found.reason == whole["reason"]
        assert list(cut.texts(found.withdrawn)) == whole["withdrawn"]
        terms = cut.terms(found.terms) if found.terms else None
        assert terms is None or list(terms) == list(whole["obligation"])
        assert terms == (
            {name: tuple(value) if isinstance(value, list) else value for name, value in whole["obligation"].items()}
            if whole["obligation"]
            else None
        )
    assert len(kinds) > 1


def test_a_receipt_that_is_cut_says_what_a_decoded_one_says_before_the_reference() -> None:
    for _, body in written("receipts.", "Receipt"):
        assert tuple(cut.receipt(body)) == tuple(decode("Receipt", body).values())[:6]


def test_a_decision_that_ends_early_or_late_is_refused_wherever_it_is_cut_off() -> None:
    _, body = written("decisions", "Decision")[0]
    for end in range(len(body)):
        with pytest.raises(NotProven):
            cut.decision(body[:end])
    with pytest.raises(NotProven):
        cut.decision(body + b"\0")


def test_a_delivery_or_receipt_that_ends_before_what_is_read_of_it_is_refused() -> None:
    for topic, name, read in (("deliveries.", "Delivery", cut.delivery), ("receipts.", "Receipt", cut.receipt)):
        _, body = written(topic, name)[0]
        fits = []
        for end in range(len(body) + 1):
            try:
                read(body[:end])
            except NotProven:
                fits.append(False)
            else:
                fits.append(True)
        assert fits[-1]
        assert not any(before and not after for before, after in pairwise(fits))
        assert not any(fits[:40])
