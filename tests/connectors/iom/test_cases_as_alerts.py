"""What a case of HTCDS becomes: whom it is about, who may be named, and where each of its fields stands."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats import countries, htcds_standard
from connectors.formats.htcds import PLACES
from connectors.formats.htcds_case import Case
from connectors.iom import codes
from connectors.iom.connector import CaseOptions
from connectors.iom.said import Rules, said
from connectors.iom.standing import standing
from connectors.sdk import Alert, BadNative, Cancel, Label
from hub.model.codes import EXPLOITATIONS, INDICATORS, MEANS
from hub.model.derive import derive
from hub.model.text import to_json
from tests.connectors.iom.cases import ADULT, CONSENTS, POSSIBLE, TODAY, alert, codes_of, sections, told

IDENTIFYING = {"victim.identity", "victim.contact", "victim.location", "victim.care", "narrative", "informant"}
# Fields with a place of their own in a section or in what decisions read.
IN_THEIR_OWN = {
    *("prs_FirstName", "prs_MiddleName", "prs_SecondName", "prs_Birthdate", "prs_IdentityNumber", "prs_Email"),
    *("prs_HomePhone", "prs_MobilePhone", "prs_PrimaryLanguage", "prs_SecondaryLanguage", "con_Consent"),
    *(name for name in PLACES if name.startswith(("prs_Mailing", "org_"))),
    *("vic_TraffickingStatus", "vic_TraffickingStatusDecisionMakingOrg", "cas_Status", "hte_Country"),
    *("cas_ReferringOrganisation", "cas_ReferringPrimaryCaseWorker"),
}


def test_every_field_of_the_standard_has_a_place() -> None:
    tables = (codes.NARRATIVE, codes.NEEDS, codes.ASSISTANCE, codes.SUMMARY, codes.REFERRAL)
    placed = [*IN_THEIR_OWN, *(name for table in tables for name in table)]
    assert sorted(placed) == sorted(PLACES)


def test_every_code_of_the_tables_is_the_standards_and_says_one_of_our_lists() -> None:
    fields = htcds_standard.fields()
    assert set(codes.MEANS) == set(fields["vic_MethodsOfControl"].values)
    assert set(codes.SEXES) == set(fields["prs_Gender"].values)
    assert set(codes.STATUS) == set(fields["cas_Status"].values)
    assert set(codes.ACTS) | set(codes.MEANS_OF_ROLES) <= set(fields["per_RoleInProcess"].values)
    assert set(codes.EXPLOITATION) <= set(fields["vic_TypeOfExploitation"].values)
    assert {each for means in codes.MEANS.values() for each in means} <= set(MEANS)
    assert set(codes.EXPLOITATION.values()) <= set(EXPLOITATIONS) and set(codes.INDICATORS.values()) <= set(INDICATORS)


# Consent


@pytest.mark.parametrize(
    ("box", "question", "consent"),
    [
        ("yes", "uses", "given"),
        ("yes", None, "unknown"),
        ("yes", "interview", "unknown"),
        ("yes", "research", "unknown"),
        ("no", "uses", "withheld"),
        ("no", None, "withheld"),
        (None, "uses", "unknown"),
    ],
)
def test_a_checked_box_is_consent_to_share_only_by_agreement(
    box: str | None, question: str | None, consent: str, tmp_path: Path
) -> None:
    found = alert(tmp_path, {**ADULT, **POSSIBLE, "con_Consent": box}, consent_question=question)
    assert found.draft.facts.consents == (consent,)
    assert bool(IDENTIFYING & set(sections(found))) == (consent == "given")


def test_the_deprecated_agreement_is_no_consent(tmp_path: Path) -> None:
    found = alert(tmp_path, {**ADULT, **POSSIBLE, "vic_AgreementToManagePersonalData": "yes"})
    assert found.draft.facts.consents == ("unknown",)


def test_an_adult_without_consent_is_a_profile_and_it_is_told_that_the_rest_stays(tmp_path: Path) -> None:
    row = {**ADULT, **POSSIBLE, "con_Consent": "no", "prs_MobilePhone": "6000", "cco_CaseComment": "words"}
    items = told(tmp_path, row)
    (found,) = [each for each in items if isinstance(each, Alert)]
    assert set(sections(found)) == {"victim.description", "case"}
    assert sections(found)["victim.description"]["age_band"] == "30-38"
    assert "not-identified" in codes_of(items)


@pytest.mark.parametrize("born", ["2011-01-05", "2008", None])
def test_who_is_or_may_be_a_child_is_named_whoever_consents(born: str | None, tmp_path: Path) -> None:
    found = alert(tmp_path, {**ADULT, **POSSIBLE, "prs_Birthdate": born, "con_Consent": "no"})
    assert "victim.identity" in sections(found)
    assert found.draft.label.purposes == ("victim-assistance", "child-protection")
    routing, _ = derive(found.draft.label, found.contents, found.draft.facts, TODAY)
    assert routing.minor in ("yes", "unknown") and routing.consent == "withheld"


# Status and class


@pytest.mark.parametrize(
    ("row", "alert_class", "role", "credibility"),
    [
        (POSSIBLE, "victim-identified", "presumed-victim", "3"),
        ({}, "victim-identified", "presumed-victim", "3"),
        ({**POSSIBLE, "hte_Type": "Transit"}, "suspected-transit", "presumed-victim", "3"),
        (
            {
                "vic_TraffickingStatus": "ActualVictimOfTrafficking",
                "vic_TraffickingStatusDecisionMakingOrg": "NonPoliceGovernmentalOrganization",
            },
            "victim-identified",
            "identified-victim",
            "1",
        ),
        (
            {"vic_TraffickingStatus": "ActualVictimOfTrafficking", "vic_TraffickingStatusDecisionMakingOrg": "Police"},
            "victim-identified",
            "presumed-victim",
            "3",
        ),
    ],
)
def test_only_the_body_that_decides_makes_an_actual_victim(
    row: dict[str, str], alert_class: str, role: str, credibility: str, tmp_path: Path
) -> None:
    found = alert(tmp_path, {**ADULT, **CONSENTS, **row})
    assert (found.draft.label.class_, found.draft.label.credibility) == (alert_class, credibility)
    assert sections(found)["victim.description"]["role"] == role


def test_an_actual_victim_of_somebody_elses_decision_is_told(tmp_path: Path) -> None:
    row = {"vic_TraffickingStatus": "ActualVictimOfTrafficking", "vic_TraffickingStatusDecisionMakingOrg": "NGO"}
    assert "status-not-decided" in codes_of(told(tmp_path, {**ADULT, **CONSENTS, **row}))


def test_who_is_not_a_victim_is_no_alert_and_ends_the_one_there_was(tmp_path: Path) -> None:
    items = told(tmp_path, {**ADULT, "vic_TraffickingStatus": "NotAVictimOfTrafficking"})
    assert not any(isinstance(each, Alert) for each in items)
    before = alert(tmp_path, {**ADULT, **POSSIBLE})
    assert [each.key for each in items if isinstance(each, Cancel)] == [before.key]
    assert "not-a-victim" in codes_of(items)


def test_the_scheme_is_told_of_an_adult_who_did_not_consent(tmp_path: Path) -> None:
    row = {
        **ADULT,
        **POSSIBLE,
        "con_Consent": "no",
        "vic_LocationOfRecruitment": "San José, Costa Rica",
        "org_Name": "Agencia Inventada",
        "org_Type": "CorporateBusiness",
    }
    found = alert(tmp_path, row, scheme_purposes=("prevention", "investigation"))
    assert found.draft.label.class_ == "recruitment-offer"
    assert found.draft.label.purposes == ("prevention", "investigation")
    assert sections(found)["organisation"]["name"] == "Agencia Inventada"
    routing, _ = derive(found.draft.label, found.contents, found.draft.facts, TODAY)
    assert (routing.origin, routing.act, routing.victims) == (("CR",), ("recruitment",), 1)


def test_assistance_alone_reaches_nobody_who_investigates_unless_the_sender_says_so(tmp_path: Path) -> None:
    assert alert(tmp_path, {**ADULT, **POSSIBLE, **CONSENTS}).draft.label.purposes == ("victim-assistance",)


def test_a_perpetrator_is_a_suspect_and_no_victim(tmp_path: Path) -> None:
    found = alert(tmp_path, {**ADULT, "per_RoleInProcess": "Transporter; Smuggler", "prs_MailingCity": "Colón"})
    assert found.draft.label.class_ == "suspected-transit" and found.draft.facts.consents == ()
    assert sections(found)["suspect.identity"]["names"][0]["family"] == "Prueba"
    assert sections(found)["suspect.description"]["role"] == "transporter"
    assert sections(found)["suspect.contact"]["addresses"] == ["Colón"]
    assert not any(category.startswith("victim.") for category in sections(found))


def test_who_is_both_is_marked_and_not_accused_by_name_without_consent(tmp_path: Path) -> None:
    row = {**ADULT, **POSSIBLE, "con_Consent": "no", "per_RoleInProcess": "RecruiterOrIntermediary"}
    found = alert(tmp_path, row)
    assert "XEN-03" in found.draft.facts.indicators
    assert {"suspect.description", "victim.description"} <= set(sections(found))
    assert "suspect.identity" not in sections(found)
    assert "suspect.identity" in sections(alert(tmp_path, {**row, "con_Consent": "yes"}))


# Exploitation, never from consent


@pytest.mark.parametrize(
    ("row", "exploitation"),
    [
        ({"vic_TypeOfExploitation": "ForcedLabour; Servitude"}, ("forced-labour", "servitude")),
        ({"vic_TypeOfExploitation": "SexualExploitation"}, ("other-sexual-exploitation",)),
        (
            {"vic_TypeOfExploitation": "SexualExploitation", "vic_TypeOfSexExploitation": "Prostitution"},
            ("prostitution-of-others",),
        ),
        ({"vic_TypeOfExploitation": "ForcedBegging;ForcedMilitaryByNonStateActors"}, ("forced-services",)),
        ({"vic_TypeOfExploitation": "OrganRemoval"}, ("organ-removal",)),
        ({"vic_TypeOfExploitation": "ChildLabour; ForcedMarriage; Other"}, ()),
    ],
)
def test_exploitation_is_said_in_the_protocols_words_as_far_as_they_go(
    row: dict[str, str], exploitation: tuple[str, ...], tmp_path: Path
) -> None:
    items = told(tmp_path, {**ADULT, **CONSENTS, **row})
    (found,) = [each for each in items if isinstance(each, Alert)]
    assert found.draft.facts.exploitation == exploitation
    assert ("exploitation-open" in codes_of(items)) == (exploitation == ())
    assert row["vic_TypeOfExploitation"].split(";")[0] in sections(found)["narrative"]["text"]


def test_what_counsel_agreed_fills_an_open_value(tmp_path: Path) -> None:
    row = {**ADULT, "vic_TypeOfExploitation": "ForcedMarriage"}
    found = alert(tmp_path, row, agreed_exploitation={"ForcedMarriage": "practices-similar-to-slavery"})
    assert found.draft.facts.exploitation == ("practices-similar-to-slavery",)


def test_methods_of_control_are_means_and_indicators(tmp_path: Path) -> None:
    facts = alert(tmp_path, {**ADULT, "vic_MethodsOfControl": "FalsePromises; WithholdsDocuments"}).draft.facts
    assert (facts.means, facts.indicators) == (("coercion", "deception"), ("G13", "G36"))


# Where things stand


def test_where_she_can_be_found_is_location_and_never_contact(tmp_path: Path) -> None:
    row = {
        **ADULT,
        **CONSENTS,
        "prs_MailingStreet": "Calle Ficticia 5",
        "prs_MailingCity": "Colón",
        "prs_MailingCountry": "Panama",
        "prs_Email": "ana@example.invalid",
    }
    found = sections(alert(tmp_path, row))
    assert found["victim.location"] == {"person": "v1", "place": "Calle Ficticia 5, Colón, Panama", "country": "PA"}
    assert found["victim.contact"] == {"person": "v1", "emails": ["ana@example.invalid"]}


@pytest.mark.parametrize(
    ("kind", "category"), [("CorporateBusiness", "organisation"), ("NGO", "victim.care"), (None, "victim.care")]
)
def test_an_organisation_that_is_no_business_is_whoever_helps(kind: str | None, category: str, tmp_path: Path) -> None:
    row = {**ADULT, **CONSENTS, "org_Name": "Casa Ficticia", "org_ShippingCity": "David", "org_Type": kind}
    found = sections(alert(tmp_path, row))
    assert "Casa Ficticia" in str(found[category])
    assert [name for name, each in found.items() if "David" in str(each)] == [category]


def test_health_and_family_are_care_and_a_source_is_an_informant(tmp_path: Path) -> None:
    row = {
        **ADULT,
        **CONSENTS,
        "vic_Vulnerabilities": "MentalHealth",
        "prs_NumberOfChildren": 2,
        "spl_Type": "Health",
        "cas_ReferringOrganisation": "Línea inventada",
        "cas_ReferringPrimaryCaseWorker": "Persona Inventada",
        "cas_IncomingReferralDetails": "por teléfono",
    }
    found = sections(alert(tmp_path, row))
    assert found["victim.care"]["needs"] == ["Número de hijos: 2", "Vulnerabilidades: MentalHealth"]
    assert found["victim.care"]["assistance"] == ["Tipo de plan: Health"]
    assert found["informant"]["name"] == "Persona Inventada" and "teléfono" in found["informant"]["note"]
    assert "MentalHealth" not in found.get("narrative", {}).get("text", "")


def test_the_journey_leads_from_recruitment_over_the_event_to_exploitation(tmp_path: Path) -> None:
    row = {
        **ADULT,
        "vic_LocationOfRecruitment": "Cúcuta, Colombia",
        "vic_LocationOfExploitation": "un bar, San José, Costa Rica",
        "hte_Type": "Transit",
        "hte_City": "Metetí",
        "hte_Country": "PA",
        "hte_Date": "2026-10-02",
    }
    found = alert(tmp_path, row)
    routing, _ = derive(found.draft.label, found.contents, found.draft.facts, TODAY)
    assert (routing.origin, routing.transit, routing.destination) == (("CO",), ("PA",), ("CR",))
    assert sections(found)["journey"]["legs"][0]["arrival_time"] == "2026-10-02"
    assert "un bar" not in str(sections(found)["journey"])


def test_a_place_of_transit_alone_is_where_she_crossed(tmp_path: Path) -> None:
    found = alert(tmp_path, {**ADULT, "hte_Type": "Transit", "hte_City": "Metetí", "hte_Country": "PA"})
    assert sections(found)["journey"] == {"crossing_point": "Metetí, PA"}
    assert found.draft.facts.transit == ("PA",)


def test_a_refugees_state_is_told_only_to_those_who_assist(tmp_path: Path) -> None:
    items = told(tmp_path, {**ADULT, **CONSENTS, "prs_Citizenship": "VE; XXB"})
    (found,) = [each for each in items if isinstance(each, Alert)]
    routing, _ = derive(found.draft.label, found.contents, found.draft.facts, TODAY)
    assert routing.nationality == () and "nationality-not-told" in codes_of(items)
    assert "Ciudadanía: VE; XXB" in sections(found)["victim.care"]["needs"]


# What cannot be read


@pytest.mark.parametrize(
    "name",
    [
        *("vic_TraffickingStatus", "con_Consent", "prs_Gender", "prs_Citizenship", "prs_Birthdate", "hte_Type"),
        *(
            "vic_TypeOfExploitation",
            "vic_TypeOfSexExploitation",
            "vic_MethodsOfControl",
            "per_RoleInProcess",
            "hte_Country",
        ),
    ],
)
def test_an_unlisted_value_that_decides_sets_the_row_aside(name: str, tmp_path: Path) -> None:
    items = told(tmp_path, {**ADULT, **POSSIBLE, name: "Unsinnswort"}, {**ADULT, **POSSIBLE})
    assert [each.field for each in items if isinstance(each, BadNative)] == [name]
    assert len([each for each in items if isinstance(each, Alert)]) == 1
    assert "Unsinnswort" not in repr(items) and all("Unsinnswort" not in str(each) for each in items)


@pytest.mark.parametrize("name", ["cas_Status", "vic_MethodOfRecruitment", "prs_MaritalStatus", "prs_PrimaryLanguage"])
def test_an_unlisted_value_that_decides_nothing_is_a_note(name: str, tmp_path: Path) -> None:
    items = told(tmp_path, {**ADULT, **POSSIBLE, **CONSENTS, name: "Unsinnswort"})
    assert any(isinstance(each, Alert) for each in items) and not any(isinstance(each, BadNative) for each in items)
    assert name in [getattr(each, "field", "") for each in items]


def test_who_decided_matters_only_for_an_actual_victim(tmp_path: Path) -> None:
    row = {**ADULT, "vic_TraffickingStatusDecisionMakingOrg": "Unsinnswort"}
    assert alert(tmp_path, {**row, **POSSIBLE})
    (bad,) = [
        each
        for each in told(tmp_path, {**row, "vic_TraffickingStatus": "ActualVictimOfTrafficking"})
        if isinstance(each, BadNative)
    ]
    assert bad.field == "vic_TraffickingStatusDecisionMakingOrg"


def test_a_birth_date_whose_order_is_unclear_keeps_its_year(tmp_path: Path) -> None:
    found = alert(tmp_path, {**ADULT, "prs_Birthdate": "03/02/1998"})
    assert sections(found)["victim.description"]["age_band"] == "27-29"


def test_a_birth_date_ahead_sets_the_row_aside(tmp_path: Path) -> None:
    (bad,) = [each for each in told(tmp_path, {**ADULT, "prs_Birthdate": "2031-01-01"}) if isinstance(each, BadNative)]
    assert bad.field == "prs_Birthdate"


def test_a_row_about_nobody_is_set_aside(tmp_path: Path) -> None:
    (bad,) = [each for each in told(tmp_path, {"cas_Status": "Active"}) if isinstance(each, BadNative)]
    assert "no person" in bad.reason


def _values(name: str) -> st.SearchStrategy[Any]:
    field = htcds_standard.fields()[name]
    chosen = st.sampled_from(field.values) if field.values else st.just(None)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "text": st.just(f"MARK{name}"),
        "one": chosen,
        "many": st.lists(chosen, max_size=3, unique=True).map(tuple),
        "box": st.sampled_from([True, False, None]),
        "count": st.integers(0, 120),
        "number": st.just(8.5),
        "date": st.sampled_from(["1980-05-17", "1991", "2012-03"]),
        "language": st.just("spa"),
        "country": st.sampled_from(["PA", "CO", "XXB"]).map(countries.resolve),
        "countries": st.lists(st.sampled_from(["PA", "CO", "XXB"]).map(countries.resolve), max_size=2, unique=True).map(
            tuple
        ),
    }
    return kinds[field.kind]


def _case(values: dict[str, Any]) -> Case:
    made: dict[str, dict[str, Any]] = {section: {} for section, _ in PLACES.values()}
    for name, value in values.items():
        section, attribute = PLACES[name]
        made[section][attribute] = value
    own = made.pop("")
    kinds = {each.name: each.default_factory for each in dataclasses.fields(Case)}
    return Case(**{section: kinds[section](**fields) for section, fields in made.items()}, **own)  # type: ignore[operator]


@settings(max_examples=60)
@given(st.fixed_dictionaries({}, optional={name: _values(name) for name in PLACES}))
def test_whatever_stands_in_a_row_every_text_is_said_or_stays_for_want_of_consent(values: dict[str, Any]) -> None:
    case = _case(values)
    try:
        found = standing(case, "uses", CaseOptions().identifies, TODAY)
    except BadNative:
        return
    if found.over:
        return
    result = said(case, found, "C-1", Rules({}, "OIM", "es", TODAY))
    shown = "".join(str(to_json(each.content)) for each in result.contents)
    texts = {name for name, value in values.items() if value == f"MARK{name}"}
    if found.identified:
        assert {name for name in texts if f"MARK{name}" not in shown} == set()
    else:
        assert not {name for name in texts if f"MARK{name}" in shown and not name.startswith(("org_", "hte_City"))}
    derive(
        alert_label(found.alert_class), result.contents, result.facts, TODAY
    )  # what it says can stand together in one alert


def alert_label(alert_class: str) -> Label:
    return Label.model_validate({"class": alert_class, "purposes": ["victim-assistance"]})
