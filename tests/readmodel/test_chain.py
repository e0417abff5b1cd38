"""The chain of positions: whole in whatever order its links come, and no gap or repeat goes unseen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.readmodel.chain import Chain, Piece, Pieces, Place

# Offsets of the records of a partition, ascending, with holes where markers stand.
OFFSETS = st.lists(st.integers(1, 3), min_size=1, max_size=30).map(
    lambda steps: [sum(steps[: number + 1]) - 1 for number in range(len(steps))]
)


def links(offsets: list[int]) -> list[tuple[int, int]]:
    return list(zip([-1, *offsets], offsets, strict=False))


@given(OFFSETS.flatmap(lambda offsets: st.permutations(links(offsets))))
def test_a_chain_is_one_piece_in_whatever_order_its_links_come(given_links: list[tuple[int, int]]) -> None:
    pieces = Pieces()
    assert all(pieces.add(*link) for link in given_links)
    assert list(pieces) == [Piece(-1, max(offset for _, offset in given_links))]
    assert pieces.gaps() == []


@given(OFFSETS, st.data())
def test_a_missing_record_is_a_gap_unless_it_is_the_newest(offsets: list[int], data: st.DataObject) -> None:
    missing = data.draw(st.integers(0, len(offsets) - 1))
    pieces = Pieces()
    for number in data.draw(st.permutations(range(len(offsets)))):
        if number != missing:
            assert pieces.add(*links(offsets)[number])
    expected = [] if missing == len(offsets) - 1 else [Piece(*links(offsets)[missing])]
    assert pieces.gaps() == expected


@given(OFFSETS, st.data())
def test_a_repeat_is_told_and_changes_nothing(offsets: list[int], data: st.DataObject) -> None:
    pieces = Pieces()
    for link in links(offsets):
        pieces.add(*link)
    before = list(pieces)
    assert not pieces.add(*data.draw(st.sampled_from(links(offsets))))
    assert list(pieces) == before


@given(OFFSETS, st.data())
def test_what_is_saved_and_read_again_goes_on_as_if_nothing_had_happened(
    offsets: list[int], data: st.DataObject
) -> None:
    place = Place("alerts.customs", 0)
    rows: dict[tuple[str, int, int], int] = {}
    chain = Chain()
    for link in data.draw(st.permutations(links(offsets))):
        assert chain.add(place, *link)
        gone, come = chain.changes()
        for each in gone:
            del rows[each]
        rows |= {(topic, partition, previous): last for topic, partition, previous, last in come}
        chain.saved()
        chain = Chain((*key, last) for key, last in rows.items())
    assert rows == {(*place, -1): offsets[-1]}
