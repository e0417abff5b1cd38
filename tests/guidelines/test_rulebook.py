"""What the records of the topic `guidelines` add up to: the bundle in force, and the holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.guidelines.approval import NotApproved
from hub.guidelines.holds import FOLLOWS, NoHold, NotAHold, SamePerson, is_scope, lifted_by
from hub.guidelines.rulebook import Rulebook, Stray, bundle_key, hold_key
from hub.model.avro import LOCAL_IDS
from hub.model.publication import HoldOrder, Publication
from tests.guidelines.published import (
    FIRST_KEYS,
    NOW_MS,
    framed,
    hold,
    in_force,
    published,
    record_of,
    with_stewards,
    without,
)
from tests.guidelines.samples import bundle, permit

DRAFT = with_stewards(bundle(permit("P1"), permit("P2", ["narrative"])), "ana", "luis")
NEXT = without(DRAFT, "P2")
FIRST = published(DRAFT)
SECOND = published(NEXT, in_force(FIRST, DRAFT))
SCOPE = "deliveries/embassy"


@pytest.fixture
def book() -> Rulebook:
    return Rulebook(FIRST_KEYS)


def take(book: Rulebook, *models: Publication | HoldOrder) -> None:
    for model in models:
        record = record_of(model)
        assert book.take(record.key, record.value) == model


def refusal(book: Rulebook, key: bytes | None, value: bytes | None) -> str:
    with pytest.raises((NotApproved, NotAHold, Stray)) as refused:
        book.take(key, value)
    assert isinstance(refused.value, NotApproved | NotAHold | Stray)
    return refused.value.reason


def serial(book: Rulebook) -> int | None:
    return book.in_force.serial if book.in_force else None


# Bundles


def test_the_highest_valid_serial_is_in_force(book: Rulebook) -> None:
    assert serial(book) is None and not book.published
    take(book, FIRST)
    assert serial(book) == 1
    take(book, SECOND)
    assert book.in_force is not None and book.in_force.bundle == NEXT and book.published


def test_a_refused_publication_changes_nothing_but_that_one_was_made(book: Rulebook) -> None:
    unsigned = record_of(published(DRAFT, None, ()))
    assert refusal(book, unsigned.key, unsigned.value) == "unsigned"
    assert serial(book) is None and book.published
    take(book, FIRST)
    single = record_of(published(NEXT, in_force(FIRST, DRAFT), ("ana",)))
    assert refusal(book, single.key, single.value) == "single-signed"
    assert serial(book) == 1
    take(book, SECOND)


def test_a_publication_that_is_read_twice_is_no_trouble(book: Rulebook) -> None:
    take(book, FIRST)
    assert book.take(bundle_key(1), framed(FIRST)) is None
    assert serial(book) == 1


def test_a_publication_under_anothers_key_or_of_no_kind_is_refused(book: Rulebook) -> None:
    assert refusal(book, bundle_key(2), framed(FIRST)) == "undecodable"
    assert refusal(book, bundle_key(1), framed(hold(SCOPE, "ana"))) == "undecodable"
    for value in (None, b"", b"\0", framed(FIRST)[:-1], framed(FIRST) + b"\0"):
        assert refusal(book, bundle_key(1), value) == "undecodable"
    assert serial(book) is None


def test_what_is_neither_a_bundle_nor_a_hold_is_said_and_the_schema_ids_are_left_alone(book: Rulebook) -> None:
    for key in (None, b"", b"other", b"hold/", b"hold/nothing", b"hold/deliveries/", b"\xff"):
        assert refusal(book, key, b"x") == "stray"
    assert book.take(b"schema-ids", b"{}") is None


@given(st.binary(max_size=30), st.one_of(st.none(), st.binary(max_size=60)))
def test_no_bytes_stop_the_reading(key: bytes, value: bytes | None) -> None:
    book = Rulebook(FIRST_KEYS, LOCAL_IDS)
    for prefix in (b"", b"bundle/", b"hold/", b"hold/deliveries/"):
        try:
            book.take(prefix + key, value)
        except (NotApproved, NotAHold, Stray):
            continue


# Holds


def test_a_hold_holds_until_a_second_person_confirms_its_lift(book: Rulebook) -> None:
    take(book, hold(SCOPE, "ana"))
    assert book.held == {SCOPE}
    take(book, hold(SCOPE, "ana", "ana"))
    assert book.held == {SCOPE}
    take(book, hold(SCOPE, "ana", "ana", "luis"))
    assert book.held == frozenset()


def test_who_asked_for_a_lift_cannot_confirm_it() -> None:
    with pytest.raises(SamePerson):
        hold(SCOPE, "ana", "luis", "luis")
    with pytest.raises(NoHold):
        lifted_by("ana", None, NOW_MS)
    with pytest.raises(NoHold):
        lifted_by("ana", hold(SCOPE, "ana", "ana", "luis"), NOW_MS)


def test_a_lift_by_one_person_is_refused_and_the_hold_stays(book: Rulebook) -> None:
    take(book, hold(SCOPE, "ana", "ana"))
    forged = hold(SCOPE, "ana", "ana", "luis").model_copy(update={"lifted_by": "ana"})
    assert refusal(book, hold_key(SCOPE), framed(forged)) == "one-person"
    unnamed = forged.model_copy(update={"asked_by": None, "lifted_by": "luis"})
    assert refusal(book, hold_key(SCOPE), framed(unnamed)) == "one-person"
    assert book.held == {SCOPE}


def test_a_lift_that_nobody_asked_for_before_is_refused(book: Rulebook) -> None:
    take(book, hold(SCOPE, "ana"))
    at_once = hold(SCOPE, "ana", "ana", "luis")
    assert refusal(book, hold_key(SCOPE), framed(at_once)) == "not-asked"
    take(book, hold(SCOPE, "ana", "marta"))
    assert refusal(book, hold_key(SCOPE), framed(at_once)) == "not-asked"
    assert book.held == {SCOPE}


def test_setting_a_hold_anew_takes_back_the_lift_that_was_asked_for(book: Rulebook) -> None:
    take(book, hold(SCOPE, "ana", "ana"), hold(SCOPE, "marta"))
    confirmed = hold(SCOPE, "ana", "ana", "luis")
    assert refusal(book, hold_key(SCOPE), framed(confirmed)) == "not-asked"
    assert book.held == {SCOPE}


def test_a_hold_that_was_lifted_can_be_set_again(book: Rulebook) -> None:
    take(book, hold(SCOPE, "ana"), hold(SCOPE, "ana", "ana"), hold(SCOPE, "ana", "ana", "luis"), hold(SCOPE, "luis"))
    assert book.held == {SCOPE}


def test_a_fresh_reader_finds_only_the_newest_order_of_a_scope_and_believes_it(book: Rulebook) -> None:
    """Compaction took the others."""
    take(book, hold(SCOPE, "ana", "ana", "luis"), hold("everything", "luis", "ana"))
    assert book.held == {"everything"}


def test_a_hold_that_cannot_be_read_or_was_deleted_holds(book: Rulebook) -> None:
    assert refusal(book, hold_key(SCOPE), b"?") == "undecodable"
    assert refusal(book, hold_key("intake/customs"), None) == "deleted"
    assert refusal(book, hold_key("everything"), framed(hold(SCOPE, "ana"))) == "undecodable"
    assert book.held == {SCOPE, "intake/customs", "everything"}
    take(book, hold(SCOPE, "ana"))
    assert refusal(book, hold_key(SCOPE), None) == "deleted"
    assert book.held == {SCOPE, "intake/customs", "everything"}
    take(book, hold(SCOPE, "ana", "ana"), hold(SCOPE, "ana", "ana", "luis"))
    assert book.held == {"intake/customs", "everything"}
    assert refusal(book, hold_key(SCOPE), b"?") == "undecodable"
    assert SCOPE in book.held


@given(st.lists(st.tuples(st.sampled_from(["set", "lift"]), st.sampled_from(["ana", "luis", "marta"])), max_size=12))
def test_no_order_of_steps_lifts_a_hold_without_two_people(steps: list[tuple[str, str]]) -> None:
    book = Rulebook(FIRST_KEYS)
    since_set: list[str] = []
    for what, who in steps:
        before = book.orders.get(SCOPE)
        try:
            order = hold(SCOPE, who) if what == "set" else lifted_by(who, before, NOW_MS)
        except (NoHold, SamePerson):
            continue
        take(book, order)
        since_set = [] if what == "set" else [*since_set, who]
        if book.orders and SCOPE not in book.held:
            assert len(set(since_set)) == 2


def test_every_state_has_its_followers() -> None:
    states = {"held", "lift-asked", "lifted"}
    assert set(FOLLOWS) == states | {None}
    assert all("held" in following <= states for following in FOLLOWS.values())


def test_a_scope_is_an_agencys_intake_its_deliveries_or_everything() -> None:
    assert all(map(is_scope, ("everything", "intake/customs", "deliveries/attorney-general")))
    assert not any(map(is_scope, ("", "all", "intake", "intake/", "intake/Customs", "deliveries/a/b", "everything\n")))
