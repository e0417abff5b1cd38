"""Referrals: files of cases that wait to be taken over, what must be observed beside them, and what is taken back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from connectors.formats import htcds, tabular
from connectors.formats.htcds_case import Case
from connectors.iom import referrals
from connectors.iom.connector import CONNECTOR, BadOptions, CaseOptions
from connectors.iom.referrals import NoFolder, ReferralSink
from connectors.sdk import Content, Delivery, Transient
from hub.model import sections as say
from hub.model.obligation import Obligation
from tests.connectors.deliveries import ALERT, missing, narrative, record, suspect, victim

PROFILE = Path(__file__).parents[3] / "profiles" / "panama"
LABEL: Mapping[str, Any] = {
    "class": "victim-identified",
    "purposes": ["victim-assistance"],
    "tlp": "AMBER+STRICT",
    "credibility": "1",
}
DUTY = Obligation(
    acknowledge_hours=24, keep_days=30, keep_events=("year-after-assistance",), onward="none", caveats=("C4", "C7")
)


def section(category: str, **fields: Any) -> Content:
    return Content(category, say.CONTENTS[category].model_validate(fields))


WHOLE = (
    victim(sex="female", nationalities=["CO"], languages=["spa"]),
    section("victim.contact", person="v1", phones=["+507 6000-0000", "2", "3"], emails=["a@example.invalid"]),
    section("victim.location", person="v1", place="Calle Ficticia 5", country="PA"),
    section("victim.care", person="v1", needs=["albergue"], assistance=["consulta"], provider="Casa Ficticia"),
)


class Office:
    """The sink with its folder, and a look at what waits there."""

    def __init__(self, folder: Path, format_: referrals.Format = "xlsx", profile: Path | None = PROFILE) -> None:
        self.folder = folder / "referrals"
        self.format: referrals.Format = format_
        self.sink = ReferralSink(self.folder, format_, profile, ("commission",))

    def take(self, kind: str = "release", contents: Iterable[Content] = WHOLE, **more: Any) -> Any:
        made = list(contents) if kind == "release" else []
        fields = {"label": LABEL, "recipient": "iom", "originator": "commission", **more}
        return self.sink.deliver(Delivery(record(kind, made, **fields), tuple(made)))

    def files(self) -> list[str]:
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if _shown(path))

    def cases(self) -> list[Case]:
        paths = sorted((self.folder / "pending").iterdir())
        found = [each for path in paths for each in htcds.read(BytesIO(path.read_bytes()))]
        assert all(isinstance(each, Case) for each in found)
        return [each for each in found if isinstance(each, Case)]

    def table(self, name: str) -> list[dict[str, Any]]:
        (path,) = self.folder.glob(name)
        table = tabular.Table(BytesIO(path.read_bytes()), tabular.Options())
        return [dict(row.values) for row in table.rows() if isinstance(row, tabular.Row)]


def _shown(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


@pytest.fixture(params=["xlsx", "csv"])
def office(request: Any, tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path, request.param)
    yield office
    office.sink.close()


def test_a_release_is_a_case_by_the_standard_and_its_obligations_beside_it(office: Office) -> None:
    effect = office.take(obligation=DUTY)
    assert office.files() == [f"obligations/{ALERT}-0001.csv", f"pending/{ALERT}-0001.{office.format}"]
    assert effect.reference == f"{ALERT}-0001"
    (case,) = office.cases()
    person = case.person
    assert (person.first_name, person.second_name, person.birth_date) == ("Ana María", "Invented", "1990-05-17")
    assert (person.gender, person.identity_number, person.primary_language) == ("Feminine", "ZZ 100-200", "spa")
    assert (person.mobile_phone, person.home_phone) == ("+507 6000-0000", "2") and "Contacto: 3" in str(case.comment)
    assert (person.mailing_street, person.mailing_country and person.mailing_country.alpha2) == (
        "Calle Ficticia 5",
        "PA",
    )
    assert (case.plan.objectives, case.plan.action_plan) == ("albergue", "consulta")
    assert case.consent is None and case.notes == ()
    assert str(ALERT) in str(case.file.incoming_referral_details)
    assert case.file.referring_organisation == "Comisión Nacional contra la Trata de Personas"


def test_obligations_are_told_in_spanish_and_english(office: Office) -> None:
    office.take(obligation=DUTY)
    rows = {row["code"]: (row["es"], row["en"]) for row in office.table("obligations/*.csv")}
    assert rows["keep-until"] == ("Conserve como máximo hasta el 2026-12-18.", "Keep until 2026-12-18 at the latest.")
    assert rows["acknowledge"][1].startswith("Acknowledge receipt before 2026-11-19")
    assert rows["onward:none"] == ("No lo transmita a nadie.", "Pass it on to nobody.")
    assert rows["year-after-assistance"][0] == "Conserve solo hasta: un año después de terminada la asistencia."
    assert rows["C4"] == (
        "No se use para el control de la situación migratoria.",
        "Not to be used for immigration enforcement.",
    )
    assert "AMBER+STRICT" in rows["TLP:AMBER+STRICT"][0]


def test_without_a_profile_codes_stand_for_their_words(tmp_path: Path) -> None:
    office = Office(tmp_path, "csv", None)
    office.take(obligation=DUTY)
    rows = {row["code"]: row["es"] for row in office.table("obligations/*.csv")}
    assert rows["C4"] == "C4" and rows["originator"] == "commission"


def test_only_the_commissions_confirmed_alert_makes_an_actual_victim(office: Office) -> None:
    other = uuid.UUID(int=ALERT.int + 1)
    office.take()
    office.take(originator="attorney-general", alert=other)
    office.take(label={**LABEL, "credibility": "3"}, alert=uuid.UUID(int=ALERT.int + 2))
    assert [each.victim.trafficking_status for each in office.cases()] == [
        *("ActualVictimOfTrafficking", "PossibleVictimOfTrafficking", "PossibleVictimOfTrafficking")
    ]


def test_each_person_is_a_row_and_a_missing_one_is_not_called_a_victim(office: Office) -> None:
    office.take(contents=[victim(), missing(event_place="Metetí")])
    first, second = office.cases()
    assert first.victim.trafficking_status and second.victim.trafficking_status is None
    assert "Metetí" in str(second.comment) and "Metetí" not in str(first.comment)


def test_suspects_files_and_sources_are_never_written_whatever_is_delivered(office: Office) -> None:
    told = section("informant", person="i1", name="Persona Soplona")
    accused = suspect(names=[{"family": "Acusado"}])
    effect = office.take(contents=[*WHOLE, accused, told, section("case", number="77-2026")])
    everything = b"".join(path.read_bytes() for path in office.folder.rglob("*.csv"))
    shown = str([(each.person.second_name, each.comment) for each in office.cases()])
    for word in ("Acusado", "Soplona", "77-2026"):
        assert word not in shown and word.encode() not in everything
    assert effect.reason == "sections-left-out"
    (row,) = [row for row in office.table("obligations/*.csv") if row["code"] == "left-out"]
    assert "case, informant, suspect.identity" in row["en"]


def test_a_later_revision_replaces_the_case_that_waits_and_names_what_is_withdrawn(office: Office) -> None:
    office.take()
    office.take(contents=WHOLE[:1], number=2, revision=2, withdrawn=("victim.location",))
    assert office.files() == [f"obligations/{ALERT}-0002.csv", f"pending/{ALERT}-0002.{office.format}"]
    assert [each.person.mailing_street for each in office.cases()] == [None]
    assert "victim.location" in {row["code"]: row["es"] for row in office.table("obligations/*.csv")}["withdrawn"]


def test_a_withdrawal_takes_the_case_away_and_is_listed(office: Office) -> None:
    office.take()
    office.take("withdrawal", number=2, reason="cancelled")
    assert office.files() == ["withdrawn.csv"]
    (row,) = office.table("withdrawn.csv")
    assert (row["alert"], row["reason"]) == (str(ALERT), "cancelled") and "antes de que se tomara" in row["es"]


def test_a_withdrawal_of_what_was_taken_over_says_to_delete_it(office: Office) -> None:
    office.take()
    next((office.folder / "pending").iterdir()).unlink()
    office.take("withdrawal", number=2, reason="cancelled")
    (row,) = office.table("withdrawn.csv")
    assert "confirme la supresión" in row["es"] and "confirm the deletion" in row["en"]


def test_what_is_released_again_is_no_longer_listed_as_withdrawn(office: Office) -> None:
    office.take()
    office.take("withdrawal", number=2, reason="no-longer-permitted")
    office.take(number=3, revision=2)
    assert office.table("withdrawn.csv") == [] and len(office.cases()) == 1


def test_a_delivery_that_comes_again_changes_nothing_even_if_its_file_was_taken(office: Office) -> None:
    first = office.take()
    next((office.folder / "pending").iterdir()).unlink()
    assert office.take() == first
    assert office.cases() == []


def test_an_older_delivery_that_comes_late_does_not_bring_back_what_was_withdrawn(office: Office) -> None:
    office.take("withdrawal", number=2, reason="cancelled")
    assert office.take(number=1).reason == "superseded"
    assert office.files() == ["withdrawn.csv"]


def test_answers_about_its_own_alerts_are_listed(office: Office) -> None:
    office.take("feedback", number=7, reason="undecodable")
    office.take("request", number=8)
    found = {row["kind"]: row["reason"] for row in office.table("notices.csv")}
    assert found == {"feedback": "undecodable", "request": None}


def test_a_core_alone_is_a_referral_without_a_person(office: Office) -> None:
    office.take(contents=[])
    (case,) = office.cases()
    assert case.person.first_name is None and str(ALERT) in str(case.file.incoming_referral_details)


def test_what_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    office = Office(tmp_path, "csv")
    office.take(contents=[victim(names=[{"family": "=1+1", "given": "@SUM(A1)"}]), narrative("-2+3")])
    text = next((office.folder / "pending").iterdir()).read_text("utf-8-sig")
    assert "'=1+1" in text and "'@SUM(A1)" in text and "'-2+3" in text


def test_a_full_disk_makes_the_delivery_wait_and_nothing_half_written_is_found(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "no space")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(Transient, match="OSError"):
            office.take()
    assert office.files() == []
    office.take()
    assert len(office.cases()) == 1
    again = ReferralSink(office.folder, office.format, PROFILE, ())
    assert not list(office.folder.rglob(".*.part"))
    again.close()


def test_the_folder_must_have_a_place(tmp_path: Path) -> None:
    with pytest.raises(NoFolder):
        ReferralSink(tmp_path / "nowhere" / "referrals", "xlsx", None, ())
    assert CONNECTOR.sink is not None
    with pytest.raises(BadOptions, match="referrals"):
        CONNECTOR.sink(CaseOptions())
    with pytest.raises(BadOptions, match="name another"):
        CONNECTOR.sink(CaseOptions(folder=tmp_path, referrals=tmp_path))


def test_nothing_personal_stands_in_the_memory_or_the_names_of_files(tmp_path: Path) -> None:
    office = Office(tmp_path, "xlsx")
    office.take(obligation=DUTY)
    office.sink.close()
    kept = b"".join(path.read_bytes() for path in office.folder.glob(".enlace.db*"))
    assert kept and b"Invented" not in kept and b"ZZ 100" not in kept
    assert "Invented" not in str(office.files())
