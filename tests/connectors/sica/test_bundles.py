"""Bundles for SICA: a pattern in STIX, updates of the same objects, revocations, and no circle."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import stix2  # type: ignore[import-untyped]

from connectors.formats.stix_ids import identity_id, object_id
from connectors.sdk import Cancel, Content, Delivery, Rejected, Transient
from connectors.sdk.inherit import inherited
from connectors.sdk.terms import BadProfile, load_words
from connectors.sica.bundles import BundleSink, NoFolder
from hub.model import sections as say
from hub.model.obligation import Obligation
from tests.connectors.deliveries import ALERT, narrative, record, suspect, victim
from tests.connectors.sica.bundled import Told, alerts, business, codes, joined, made, report, told, told_of

PROFILE = Path(__file__).parents[3] / "profiles" / "panama"
LABEL: Mapping[str, Any] = {"class": "seizure", "purposes": ["prevention"], "tlp": "GREEN", "handling": ["H1"]}
DUTY = Obligation(acknowledge_hours=72, keep_days=365, onward="member-states", caveats=("C1",))
AGENCIES = ("customs", "attorney-general")
Json = dict[str, Any]


def facts(**fields: Any) -> Content:
    base = {"origin": ["CO"], "destination": ["PA"], "means": ["fraud"], "indicators": ["G14"]}
    return Content("circumstances", say.Circumstances.model_validate({**base, **fields}))


class Door:
    """The sink with its folder and memory, and a look at what waits there."""

    def __init__(self, folder: Path, max_tlp: Any = "GREEN") -> None:
        self.home = folder
        self.folder = folder / "bundles"
        self.database = f"sqlite:///{folder}/sica.db"
        self.sink = BundleSink(self.folder, self.database, max_tlp, load_words(PROFILE))

    def take(self, kind: str = "release", contents: Iterable[Content] = (facts(),), **more: Any) -> Any:
        made_of = list(contents) if kind == "release" else []
        fields = {"label": LABEL, "recipient": "sica", "originator": "customs", **more}
        return self.sink.deliver(Delivery(record(kind, made_of, **fields), tuple(made_of)))

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def file(self) -> Path:
        (path,) = self.folder.iterdir()
        return path

    def objects(self) -> dict[str, Json]:
        return {each["id"]: each for each in json.loads(self.file().read_text("utf-8"))["objects"]}

    def back(self, *more: Json, **options: Any) -> list[Told]:
        """What becomes of the bundle when it comes back, with objects that SICA adds."""
        return told(self.home, *self.objects().values(), *more, **{"database": self.database, **options})


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path)
    yield door
    door.sink.close()


# What is written


def test_a_release_is_a_bundle_that_the_stix2_library_takes(door: Door) -> None:
    effect = door.take(obligation=DUTY)
    assert door.names() == [f"{ALERT}-0001.json"] and effect.reference == f"{ALERT}-0001"
    parsed = stix2.parse(door.file().read_text("utf-8"), version="2.1")
    found = parsed.objects[-1]
    assert (found.type, found.name, found.created_by_ref) == ("report", "Incautación", identity_id("customs"))
    assert set(found.labels) == {"class:seizure", "means:fraud", "indicator:G14"}
    assert "Autoridad Nacional de Aduanas" in [each.get("name") for each in parsed.objects]
    kinds = {each.relationship_type for each in parsed.objects if each.type == "relationship"}
    assert kinds == {"has-origin", "has-destination"}


def test_obligations_go_along_in_spanish_and_english(door: Door) -> None:
    door.take(obligation=DUTY)
    note = door.objects()[object_id(str(ALERT), "n-obligations", "note")]["content"]
    assert "Información, no prueba." in note and "Information, not evidence." in note
    assert "solo a los puntos focales de los Estados miembros" in note and "2027-11-18" in note
    assert "H1." in note and "TLP:GREEN" in note


def test_statistics_are_written_with_what_was_suppressed(door: Door) -> None:
    cells = [{"sex": "female", "count": 12}, {"sex": "male", "count": None}]
    door.take(
        contents=[
            Content("statistics", say.Statistics.model_validate({"period": "2026", "threshold": 11, "cells": cells}))
        ]
    )
    text = next(each["content"] for each in door.objects().values() if "Estad" in each.get("abstract", ""))
    assert text == "female: 12\nmale: suprimido / suppressed"


def test_no_person_is_written_whatever_is_delivered(door: Door) -> None:
    effect = door.take(contents=[facts(), victim(), suspect(), narrative("palabras secretas")])
    text = door.file().read_text("utf-8")
    assert not any(word in text for word in ("Invented", "Ana María", "1990-05-17", "palabras secretas", "ZZ 100"))
    assert effect.reason == "sections-left-out"


def test_a_label_narrower_than_sica_is_trusted_with_is_refused(door: Door) -> None:
    with pytest.raises(Rejected, match="tlp-too-narrow"):
        door.take(label={**LABEL, "tlp": "AMBER"})
    assert door.names() == []


def test_a_later_revision_updates_the_same_objects_and_revokes_what_it_no_longer_says(door: Door) -> None:
    door.take()
    before = door.objects()
    door.take(contents=[facts(origin=["HN"])], number=2, revision=2)
    after = door.objects()
    assert door.names() == [f"{ALERT}-0002.json"] and before.keys() <= after.keys()
    gone = {each["id"] for each in after.values() if each.get("revoked")}
    colombia = object_id(str(ALERT), "l-co", "location")
    assert colombia in gone and object_id(str(ALERT), "i1/has-origin/l-co", "relationship") in gone
    assert all(
        after[each]["modified"] > before[each]["modified"] for each in before if "external_references" in before[each]
    )
    stix2.parse(door.file().read_text("utf-8"), version="2.1")


def test_what_was_revoked_and_is_said_again_is_valid_again(door: Door) -> None:
    door.take()
    door.take(contents=[facts(origin=["HN"])], number=2, revision=2)
    door.take(number=3, revision=3)
    after = door.objects()
    assert not after[object_id(str(ALERT), "l-co", "location")].get("revoked")
    assert after[object_id(str(ALERT), "l-hn", "location")]["revoked"]


def test_a_withdrawal_revokes_all_that_was_ever_said_with_the_same_ids_and_no_data(door: Door) -> None:
    door.take(obligation=DUTY)
    first = door.objects()
    door.take(contents=[facts(origin=["HN"])], number=2, revision=2)
    second = door.objects()
    door.take("withdrawal", number=3, reason="cancelled")
    after = door.objects()
    ours = {each for each in {**first, **second} if "external_references" in {**first, **second}[each]}
    assert ours <= {each["id"] for each in after.values() if each.get("revoked")}
    assert all(after[each]["modified"] > second.get(each, first.get(each, {}))["modified"] for each in ours)
    text = door.file().read_text("utf-8")
    assert "Incautación" not in text and '"CO"' not in text and "G14" not in text
    stix2.parse(text, version="2.1")


def test_a_withdrawal_of_what_was_never_sent_writes_nothing(door: Door) -> None:
    assert door.take("withdrawal", reason="cancelled").reason == "never-sent"
    assert door.names() == []


def test_a_delivery_that_comes_again_changes_nothing_even_if_its_file_was_taken(door: Door) -> None:
    first = door.take()
    door.file().unlink()
    assert door.take() == first and door.names() == []


def test_an_older_delivery_that_comes_late_is_superseded(door: Door) -> None:
    door.take(number=2, revision=2)
    door.take("withdrawal", number=3, reason="cancelled")
    assert door.take(number=1).reason == "superseded" and door.names() == [f"{ALERT}-0003.json"]


def test_the_same_delivery_is_the_same_bytes_in_another_place(tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        door = Door(tmp_path / name)
        door.take(obligation=DUTY)
        found.append(door.file().read_bytes())
        door.sink.close()
    assert found[0] == found[1]


def test_requests_and_answers_are_no_bundles(door: Door) -> None:
    assert [door.take(kind, number=at).reason for at, kind in enumerate(("feedback", "request"), 7)] == [
        "feedback",
        "request",
    ]
    assert door.names() == []


def test_a_full_disk_makes_the_delivery_wait(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "no space")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(Transient):
            door.take()
    again = Door(door.home)
    assert again.names() == []
    again.take()
    assert again.names() == [f"{ALERT}-0001.json"]
    again.sink.close()


def test_the_folder_must_have_a_place_and_the_profile_its_files(tmp_path: Path) -> None:
    with pytest.raises(NoFolder):
        BundleSink(tmp_path / "nowhere" / "bundles", f"sqlite:///{tmp_path}/x.db", "GREEN", load_words(None))
    with pytest.raises(BadProfile, match=r"vocabularies\.yaml"):
        load_words(tmp_path)


# No circle


def test_what_comes_back_is_not_published_again(door: Door) -> None:
    door.take()
    assert codes(door.back()) == ["ours"]


@pytest.mark.parametrize("options", [{"database": None}, {"database": None, "agencies": AGENCIES}])
def test_it_is_known_by_its_form_where_there_is_no_memory(options: Json, door: Door) -> None:
    door.take()
    assert codes(door.back(**options)) == ["ours"]


def test_it_is_known_by_its_maker_where_the_memory_was_lost(door: Door, tmp_path: Path) -> None:
    door.take()
    found = door.back(database=f"sqlite:///{tmp_path}/other.db", agencies=AGENCIES)
    assert codes(found) == ["ours"]


def test_a_withdrawal_of_ours_that_comes_back_ends_at_most_an_answer_to_it(door: Door) -> None:
    door.take()
    door.take("withdrawal", number=2, reason="cancelled")
    (found,) = door.back()
    assert isinstance(found, Cancel) and found.key == f"answer/{object_id(str(ALERT), 'report', 'report')}"


def test_another_hubs_report_of_the_same_form_is_news(door: Door, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    theirs = Door(tmp_path / "theirs")
    theirs.take(
        alert=uuid.UUID(int=ALERT.int + 5), originator="policia-cr", label={**LABEL, "class": "suspected-transit"}
    )
    theirs.sink.close()
    (found,) = alerts(told_of(theirs.file(), database=door.database, agencies=AGENCIES))
    assert found.draft.label.class_ == "suspected-transit" and found.derived == ()
    assert (found.draft.facts.origin, found.draft.facts.means) == (("CO",), ("fraud",))


def test_what_sica_adds_is_an_alert_of_its_own_that_rests_on_ours(door: Door) -> None:
    door.take(obligation=Obligation(onward_to=("sica", "interpol")))
    root = object_id(str(ALERT), "report", "report")
    note = made("note", 3, content="Visto también en San José", object_refs=[root], labels=["suspected-transit"])
    (found,) = alerts(door.back(note))
    (ours,) = found.derived
    assert (str(ours.reference.alert), ours.reference.revision) == (str(ALERT), 1)
    assert ours.label.handling == ("H1",) and ours.releasable_to == ("sica", "interpol")
    draft = inherited(found.draft, found.derived, "sica")
    assert draft.label.handling == ("H1",) and draft.facts.releasable_to == ("interpol", "sica")
    text = str([each.content.model_dump() for each in found.contents if each.category == "narrative"])
    assert "Incautación" not in text and found.key == f"answer/{root}"


def test_an_answer_without_a_class_is_of_the_class_that_it_answers(door: Door) -> None:
    door.take()
    note = made("note", 3, content="más", object_refs=[object_id(str(ALERT), "report", "report")])
    (found,) = alerts(door.back(note))
    assert found.draft.label.class_ == "seizure"


def test_a_report_of_theirs_that_builds_on_ours_inherits_its_limits(door: Door) -> None:
    door.take()
    root = door.objects()[object_id(str(ALERT), "report", "report")]
    own = business(4)
    (found,) = alerts(door.back(own, report(5, own, root)))
    assert [str(each.reference.alert) for each in found.derived] == [str(ALERT)]
    assert found.key == report(5)["id"]


def test_what_rests_on_an_alert_whose_limits_nobody_remembers_is_set_aside(door: Door) -> None:
    door.take()
    root = object_id(str(ALERT), "report", "report")
    note = made("note", 3, content="más", object_refs=[root], labels=["suspected-transit"])
    found = door.back(note, database=None)
    assert alerts(found) == [] and "limits are not known" in str(found[-1])


def test_a_relationship_that_they_draw_between_our_objects_is_nothing_new(door: Door) -> None:
    door.take()
    one, other = (door.objects()[object_id(str(ALERT), f"l-{code}", "location")] for code in ("co", "pa"))
    assert codes(door.back(joined(9, "related-to", one, other))) == ["ours"]
