"""Deliveries as requests for notices: what may be asked for, what is left out, and how a request is taken back."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.formats import notices
from connectors.formats.notices import Notice
from connectors.interpol.connector import CONNECTOR, BadOptions, NoticeOptions
from connectors.interpol.requests import NoFolder, RequestSink
from connectors.sdk import Content, Delivery, Effect
from hub.model.obligation import Obligation
from hub.model.sections import Case, Contact
from tests.connectors.deliveries import ALERT, MISSING, WANTED, missing, narrative, record, suspect, victim

PROFILE = Path(__file__).parents[3] / "profiles" / "panama"
WARRANT = {"issuing_country": "PA", "charge": "trata de personas"}


class Bureau:
    """The sink, and a look at what it put there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "requests"
        self.sink = RequestSink(self.folder, PROFILE)

    def take(self, kind: str = "release", contents: Iterable[Content] = (), label: Any = WANTED, **more: Any) -> Effect:
        made = list(contents)
        given = {"recipient": "interpol", "originator": "attorney-general", **more}
        return self.sink.deliver(Delivery(record(kind, made, label, **given), tuple(made)))

    def there(self, name: str = "pending") -> list[dict[str, Any]]:
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((self.folder / name).glob("*.json"))]


@pytest.fixture
def bureau(tmp_path: Path) -> Iterator[Bureau]:
    made = Bureau(tmp_path)
    yield made
    made.sink.close()


def test_a_wanted_person_with_a_warrant_becomes_a_request_for_a_red_notice(bureau: Bureau) -> None:
    file = Content("case", Case.model_validate({"number": "PGN-1", "authority": "An invented court", "country": "PA"}))
    obligation = Obligation(acknowledge_hours=24, onward="i-24-7", caveats=("C1",))
    effect = bureau.take(contents=[suspect(warrants=[WARRANT], sex="male"), file], obligation=obligation)
    assert effect == Effect(reference=f"{ALERT}-0001")
    (request,) = bureau.there()
    (notice,) = request["notices"]
    assert (notice["type"], notice["name"], notice["date_of_birth"]) == ("red", "Invented", "1990/05/17")
    assert notice["arrest_warrants"][0]["issuing_country_id"] == "PA"
    assert request["cases"] == [{"number": "PGN-1", "authority": "An invented court", "country": "PA"}]
    assert "artículo 3" in request["article_3"]["es"] and "article 3" in request["article_3"]["en"]
    assert request["obligation"]["acknowledge_by"] and request["obligation"]["onward"] == "i-24-7"
    told = {each["code"]: each for each in request["terms"]}
    assert "prueba" in told["C1"]["es"] and "evidence" in told["C1"]["en"]


def test_a_request_is_read_back_as_a_notice(bureau: Bureau) -> None:
    bureau.take(contents=[suspect(warrants=[WARRANT], sex="male", nationalities=["CO"])])
    made = {**bureau.there()[0]["notices"][0], "entity_id": "2026/1"}
    (found,) = notices.read(io.BytesIO(json.dumps(made).encode()))
    assert isinstance(found, Notice)
    assert (found.kind, found.name, found.birth_date, found.sex) == ("red", "Invented", "1990-05-17", "M")
    assert [each.alpha2 for each in found.nationalities] == ["CO"]


def test_a_missing_person_becomes_a_request_for_a_yellow_notice(bureau: Bureau) -> None:
    parents = [{"relation": "mother", "family": "Invented"}, {"relation": "guardian", "family": "Other"}]
    seen = missing(event_date="2026-10", event_place="an invented town", event_country="PA", parents=parents)
    bureau.take(contents=[seen], label=MISSING)
    (notice,) = bureau.there()[0]["notices"]
    assert (notice["type"], notice["date_of_event"], notice["country"]) == ("yellow", "2026/10", "PA")
    assert notice["mother_name"] == "Invented" and "guardian_name" not in notice and "Other" not in json.dumps(notice)


def test_nothing_but_what_a_notice_has_is_taken(bureau: Bureau) -> None:
    contact = Content("suspect.contact", Contact.model_validate({"person": "s1", "phones": ["SECRETPHONE"]}))
    others = [narrative("SECRETSTORY"), victim(documents=[{"number": "SECRETVICTIM"}]), contact]
    bureau.take(contents=[suspect(warrants=[WARRANT]), *others])
    assert "SECRET" not in json.dumps(bureau.there())


@pytest.mark.parametrize("warrants", [[], [{"charge": "x"}]])
def test_without_a_judicial_basis_no_red_notice_is_asked_for(bureau: Bureau, warrants: list[Any]) -> None:
    effect = bureau.take(contents=[suspect(warrants=warrants)])
    assert (effect.state, effect.reason) == ("rejected", "no-judicial-basis") and bureau.there() == []


def test_only_those_suspects_are_asked_for_who_have_a_warrant(bureau: Bureau) -> None:
    bureau.take(contents=[suspect(warrants=[WARRANT]), suspect(person="s2", names=[{"family": "Without"}])])
    (request,) = bureau.there()
    assert len(request["notices"]) == 1 and "Without" not in json.dumps(request)


@pytest.mark.parametrize(
    ("label", "contents", "reason"),
    [
        ({**WANTED, "class": "suspected-transit"}, [suspect(warrants=[WARRANT])], "no-request"),
        ({**WANTED, "exercise": "exercise"}, [suspect(warrants=[WARRANT])], "exercise"),
        (WANTED, [], "no-identity"),
        (MISSING, [missing(names=[])], "no-identity"),
    ],
)
def test_what_is_no_request_is_received_and_makes_no_file(
    bureau: Bureau, label: Any, contents: list[Content], reason: str
) -> None:
    effect = bureau.take(contents=contents, label=label)
    assert (effect.reference, effect.reason) == ("no-request", reason)
    assert bureau.there() == bureau.there("withdrawals") == []


def test_a_withdrawal_takes_the_request_away_and_asks_to_withdraw_it(bureau: Bureau) -> None:
    bureau.take(contents=[suspect(warrants=[WARRANT])])
    bureau.take("withdrawal", number=2, reason="cancelled")
    assert bureau.there() == []
    (asked,) = bureau.there("withdrawals")
    assert (asked["reference"], asked["reason"]) == (str(ALERT), "cancelled")
    assert "Invented" not in json.dumps(asked)


def test_a_withdrawal_of_what_was_never_requested_asks_for_nothing(bureau: Bureau) -> None:
    assert bureau.take("withdrawal", reason="cancelled").reference == "no-request"
    assert bureau.there("withdrawals") == []


def test_a_revision_replaces_the_request_and_one_without_warrant_withdraws_it(bureau: Bureau) -> None:
    bureau.take(contents=[suspect(warrants=[WARRANT])])
    bureau.take(contents=[suspect(warrants=[WARRANT], sex="female")], number=2, revision=2)
    (request,) = bureau.there()
    assert request["revision"] == 2 and request["notices"][0]["sex_id"] == "F"
    effect = bureau.take(contents=[suspect()], number=3, revision=3)
    assert effect.reason == "no-judicial-basis" and bureau.there() == []
    assert [each["reason"] for each in bureau.there("withdrawals")] == ["no-judicial-basis"]


def test_a_delivery_that_comes_again_or_late_has_no_second_effect(bureau: Bureau) -> None:
    first = bureau.take(contents=[suspect(warrants=[WARRANT])])
    bureau.take("withdrawal", number=3, reason="cancelled")
    assert bureau.take(contents=[suspect(warrants=[WARRANT])]) == first
    late = bureau.take(contents=[suspect(warrants=[WARRANT])], number=2)
    assert late.reason == "superseded" and bureau.there() == []


def test_messages_about_our_own_alerts_are_kept_without_persons(bureau: Bureau) -> None:
    bureau.take("feedback", reason="undecodable", number=5)
    assert bureau.there("messages") == [{"kind": "feedback", "alert": str(ALERT), "reason": "undecodable"}]


def test_a_file_that_was_half_written_when_the_process_ended_goes(tmp_path: Path) -> None:
    bureau = Bureau(tmp_path)
    half = bureau.folder / "pending" / ".x.json.part"
    half.write_text("{")
    Bureau(tmp_path)
    assert not half.exists()


def test_requests_are_put_beside_the_notices_unless_another_folder_is_named(tmp_path: Path) -> None:
    assert CONNECTOR.sink is not None
    CONNECTOR.sink(NoticeOptions(folder=tmp_path)).close()
    assert (tmp_path / "requests" / "pending").is_dir()
    with pytest.raises(BadOptions, match="requests"):
        CONNECTOR.sink(NoticeOptions())
    with pytest.raises(NoFolder):
        CONNECTOR.sink(NoticeOptions(requests=tmp_path / "not" / "there"))
