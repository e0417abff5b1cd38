"""What the console says of an alert that has ended: nobody is to hold it, from whom it was withdrawn, and why."""

from __future__ import annotations

import re

import pytest

from hub.model.compose import DAY_MS
from tests.console.test_pages import text_of
from tests.console.visitor import visitor
from tests.console.world import WANTED, World
from tests.routing.alerts import alert, order_to


@pytest.fixture
def ended(night: World) -> World:
    """A month later an ordinary alert of the night has ended."""
    night.history.now_ms += 30 * DAY_MS
    night.now_ms[0] = night.history.now_ms
    found = night.history.take(order_to("expire", alert(3)))
    assert found.result == "expired" and found.sent()
    night.record()
    return night


ENGLISH = (
    "expired",
    "Who received it",
    "Nobody is to hold it",
    "Withdrawal →",
    "its validity has passed",
    "withdrawn from",
)
SPANISH = ("vencida", "Quién la recibía", "Nadie debe tenerla ya", "Retiro →", "terminó su vigencia", "se retira de")


@pytest.mark.parametrize(("language", "said"), [("en", ENGLISH), ("es", SPANISH)])
def test_its_page_says_that_it_has_ended_and_why_each_agency_loses_it(
    ended: World, language: str, said: tuple[str, ...]
) -> None:
    page = text_of(visitor(ended, "olga", language).get(f"/alerts/{WANTED}"))
    assert [words for words in said if words not in page] == []


def test_why_somebody_received_it_is_told_as_what_was_decided_before(ended: World) -> None:
    someone = visitor(ended, "aurora")
    link = re.search(r'href="(/alerts/[^"]+/why[^"]+)"', someone.get(f"/alerts/{WANTED}").text)
    assert link is not None
    assert "This was decided before:" in text_of(someone.get(link[1].replace("&amp;", "&")))


def test_it_is_found_among_the_expired(ended: World) -> None:
    assert str(WANTED) in visitor(ended, "olga").get("/alerts", state="expired").text


def test_a_withdrawal_that_its_end_ordered_is_compared_without_the_alerts_bytes(ended: World) -> None:
    auditor = visitor(ended, "aurora")
    page = auditor.get(f"/alerts/{WANTED}").text
    line = next(each for each in page.split("<li ") if "its validity has passed" in each and "DeliveryEntry" in each)
    link = re.search(r'href="(/audit/delivery\?id=[0-9a-f]{32})"', line)
    assert link is not None
    answer = text_of(auditor.get(link[1]))
    assert "expired" in answer and "no view" in answer and "It is the same" in answer


def test_whoever_browses_the_topic_sees_that_something_ended_and_not_which_alert(ended: World) -> None:
    offset = len(ended.history.of("decisions")) - 1
    page = text_of(visitor(ended, "olga").get("/topics/decisions/records", partition=0, offset=offset))
    assert "expired" in page and str(WANTED) not in page
