"""The page about an alert's life says what the tables say."""

from __future__ import annotations

from hub.routing.lifecycle import DUES, STEPS, Stake, Standing, Step
from tests.routing.lifecycle_page import PAGE, page


def test_the_page_is_up_to_date_with_the_tables() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.routing.lifecycle_page writes it anew"


def test_the_tables_answer_every_question_that_can_be_asked_of_them() -> None:
    assert set(STEPS) == {(standing, kind) for standing in Standing for kind in ("alert", "cancel")}
    assert set(STEPS.values()) == set(Step)
    assert set(DUES) == set(Stake)


def test_the_page_shows_every_state_and_every_step() -> None:
    text = page()
    for item in (*Standing, *Step, *Stake):
        assert item.value in text
