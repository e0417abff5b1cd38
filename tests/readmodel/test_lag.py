"""Lag by progress: states that follow from what moved, on invented and on generated samples."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.readmodel.lag import FEWEST, Point, judge, of_group, of_topic, waited_s


def points(*pairs: tuple[int, int]) -> list[Point]:
    return [Point(number * 1_000, *pair) for number, pair in enumerate(pairs)]


@st.composite
def windows(draw: st.DrawFn) -> list[Point]:
    """A consumer that never goes back, and an end that is never before it."""
    committed = end = draw(st.integers(0, 50))
    found = []
    for number in range(draw(st.integers(1, 12))):
        end += draw(st.integers(0, 5))
        committed = min(end, committed + draw(st.integers(0, 5)))
        found.append(Point(number * 1_000, committed, end))
    return found


def test_who_has_caught_up_is_well_however_slow_he_was() -> None:
    assert judge(points((0, 10), (0, 20), (20, 20), (20, 30), (20, 40))) == "ok"


def test_who_commits_nothing_while_something_waits_is_stalled() -> None:
    assert judge(points((5, 10), (5, 10), (5, 10))) == "stalled"


def test_who_works_but_falls_behind_is_warned_of() -> None:
    assert judge(points((0, 10), (1, 20), (2, 30), (3, 40))) == "warn"


def test_who_works_and_gains_is_well() -> None:
    assert judge(points((0, 100), (10, 101), (30, 102))) == "ok"


def test_of_few_samples_nothing_is_said() -> None:
    assert judge(points((0, 1), (0, 1))) == "unknown"


@given(windows())
def test_a_window_in_which_all_was_read_once_is_ok(window: list[Point]) -> None:
    if any(point.lag == 0 for point in window):
        assert judge(window) == "ok"


@given(windows())
def test_stalled_is_exactly_no_progress_with_something_waiting_all_the_time(window: list[Point]) -> None:
    still = window[0].committed == window[-1].committed and all(point.lag for point in window)
    assert (judge(window) == "stalled") == (still and len(window) >= FEWEST)


@given(windows())
def test_a_warning_needs_progress_and_more_waiting_than_at_first(window: list[Point]) -> None:
    if judge(window) == "warn":
        assert window[-1].committed > window[0].committed
        assert window[-1].lag > window[0].lag > 0


@given(windows(), st.integers(0, 1_000))
def test_the_verdict_does_not_depend_on_where_the_offsets_begin(window: list[Point], more: int) -> None:
    moved = [Point(point.at_ms, point.committed + more, point.end + more) for point in window]
    assert judge(moved) == judge(window)


@given(windows())
def test_what_waits_is_never_older_than_the_samples_and_nothing_waits_for_no_time(window: list[Point]) -> None:
    seconds = waited_s(window, window[-1].at_ms)
    assert 0 <= seconds <= (window[-1].at_ms - window[0].at_ms) / 1000
    if window[-1].lag == 0:
        assert seconds == 0


def test_the_age_of_what_waits_is_counted_from_the_first_sample_that_saw_it() -> None:
    assert waited_s(points((0, 3), (0, 8), (5, 8), (5, 9)), 5_000) == 4.0


def test_a_topic_is_as_bad_as_its_worst_partition() -> None:
    lag = of_topic("g", "t", {0: points((1, 1), (1, 1), (1, 1)), 1: points((0, 4), (0, 4), (0, 4))}, 2_000)
    assert (lag.state, lag.records, [row.state for row in lag.partitions]) == ("stalled", 4, ["ok", "stalled"])


def test_where_nothing_moves_at_all_the_group_is_stopped_not_a_partition() -> None:
    still = points((0, 4), (0, 4), (0, 4))
    moving = points((0, 9), (2, 9), (4, 9))
    both = [of_topic("g", "a", {0: still}, 2_000), of_topic("g", "b", {0: still}, 2_000)]
    assert [lag.state for lag in of_group(both)] == ["stopped", "stopped"]
    one = [of_topic("g", "a", {0: still}, 2_000), of_topic("g", "b", {0: moving}, 2_000)]
    assert [lag.state for lag in of_group(one)] == ["stalled", "ok"]
