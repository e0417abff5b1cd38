"""The native record of HTCDS 2.0: one case, with every field of the standard.

Source: IOM, Human Trafficking Case Data Standard 2.0 (CC BY 4.0). Each attribute names its field of the standard in its
metadata, so that reading and writing follow from the shape. Nothing of a case shows in repr. Reading is `htcds.py`'s
business, meaning the connector's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.formats.countries import Country
from connectors.formats.records import Note
from connectors.formats.tabular_cells import Value


def _of(name: str) -> Any:
    """An attribute for the field of that name: one value, None if blank."""
    return field(default=None, metadata={"htcds": name})


def _all_of(name: str) -> Any:
    """An attribute for a field with any number of values."""
    return field(default=(), metadata={"htcds": name})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Organisation:
    """The organisation that the row is about (section Organization)."""

    name: str | None = _of("org_Name")
    shipping_city: str | None = _of("org_ShippingCity")
    shipping_country: Country | None = _of("org_ShippingCountry")  # noqa: RUF009 (what it calls is `field`)
    shipping_state: str | None = _of("org_ShippingState")
    shipping_street: str | None = _of("org_ShippingStreet")
    shipping_postal_code: str | None = _of("org_ShippingPostalCode")
    shipping_longitude: float | None = _of("org_ShippingLongitude")
    shipping_latitude: float | None = _of("org_ShippingLatitude")
    phone: str | None = _of("org_Phone")
    type: str | None = _of("org_Type")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Person:
    """The person (section Person). Dates are partial ISO texts (see `dates.py`), languages ISO 639 codes of three letters."""

    salutation: str | None = _of("prs_Salutation")
    first_name: str | None = _of("prs_FirstName")
    middle_name: str | None = _of("prs_MiddleName")
    second_name: str | None = _of("prs_SecondName")
    birth_date: str | None = _of("prs_Birthdate")
    gender: str | None = _of("prs_Gender")
    deceased: bool | None = _of("prs_Deceased")
    marital_status: str | None = _of("prs_MaritalStatus")
    number_of_children: int | None = _of("prs_NumberOfChildren")
    primary_language: str | None = _of("prs_PrimaryLanguage")
    secondary_language: str | None = _of("prs_SecondaryLanguage")
    highest_level_of_education: str | None = _of("prs_HighestLevelOfEducation")
    citizenship: tuple[Country, ...] = _all_of("prs_Citizenship")
    identity_number: str | None = _of("prs_IdentityNumber")
    title: str | None = _of("prs_Title")
    email: str | None = _of("prs_Email")
    home_phone: str | None = _of("prs_HomePhone")
    mobile_phone: str | None = _of("prs_MobilePhone")
    mailing_city: str | None = _of("prs_MailingCity")
    mailing_country: Country | None = _of("prs_MailingCountry")  # noqa: RUF009 (what it calls is `field`)
    mailing_state: str | None = _of("prs_MailingState")
    mailing_street: str | None = _of("prs_MailingStreet")
    mailing_postal_code: str | None = _of("prs_MailingPostalCode")
    mailing_longitude: float | None = _of("prs_MailingLongitude")
    mailing_latitude: float | None = _of("prs_MailingLatitude")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Victim:
    """The person as a victim (section Person - Victim Context). Codes are the standard's.

    `agreement_to_manage_personal_data` is deprecated and is not `Case.consent`. `trafficking_status` is a status, decided
    by somebody (`trafficking_status_decision_making_org`), not a finding of ours.
    """

    agreement_to_manage_personal_data: bool | None = _of("vic_AgreementToManagePersonalData")
    trafficking_status: str | None = _of("vic_TraffickingStatus")
    trafficking_status_decision_making_org: str | None = _of("vic_TraffickingStatusDecisionMakingOrg")
    relationship_to_trafficker: str | None = _of("vic_RelationshipToTrafficker")
    age_when_trafficked: int | None = _of("vic_AgeWhenTrafficked")
    recruitment_websites_and_apps: tuple[str, ...] = _all_of("vic_RecruitmentWebsitesAndApps")
    method_of_recruitment: tuple[str, ...] = _all_of("vic_MethodOfRecruitment")
    location_of_recruitment: str | None = _of("vic_LocationOfRecruitment")
    methods_of_control: tuple[str, ...] = _all_of("vic_MethodsOfControl")
    type_of_exploitation: tuple[str, ...] = _all_of("vic_TypeOfExploitation")
    forced_labour_industry: str | None = _of("vic_ForcedLabourIndustry")
    type_of_sex_exploitation: tuple[str, ...] = _all_of("vic_TypeOfSexExploitation")
    location_of_exploitation: str | None = _of("vic_LocationOfExploitation")
    exploitation_websites_and_apps: tuple[str, ...] = _all_of("vic_ExploitationWebsitesAndApps")
    vulnerabilities: tuple[str, ...] = _all_of("vic_Vulnerabilities")
    details_of_vulnerabilities: str | None = _of("vic_DetailsOfVulnerabilities")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Perpetrator:
    """The person as a perpetrator (section Person - Perpetrator Context)."""

    role_in_process: tuple[str, ...] = _all_of("per_RoleInProcess")
    role_details: str | None = _of("per_RoleDetails")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CaseFile:
    """The case and its referrals (sections Case and Referral Details)."""

    status: str | None = _of("cas_Status")
    reason_for_case_closure: str | None = _of("cas_ReasonForCaseClosure")
    case_owner: str | None = _of("cas_CaseOwner")
    referring_organisation: str | None = _of("cas_ReferringOrganisation")
    incoming_referral_date: str | None = _of("cas_IncomingReferralDate")
    referring_primary_case_worker: str | None = _of("cas_ReferringPrimaryCaseWorker")
    reason_for_incoming_referral: str | None = _of("cas_ReasonForIncomingReferral")
    incoming_referral_details: str | None = _of("cas_IncomingReferralDetails")
    referred_organisation: str | None = _of("cas_ReferredOrganisation")
    referred_primary_case_worker: str | None = _of("cas_ReferredPrimaryCaseWorker")
    reason_for_outgoing_referral: str | None = _of("cas_ReasonForOutgoingReferral")
    outgoing_referral_date: str | None = _of("cas_OutgoingReferralDate")
    outgoing_referral_details: str | None = _of("cas_OutgoingReferralDetails")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TraffickingEvent:
    """Where and when something happened (section Historic Trafficking Events)."""

    longitude: float | None = _of("hte_Longitude")
    latitude: float | None = _of("hte_Latitude")
    city: str | None = _of("hte_City")
    country: Country | None = _of("hte_Country")  # noqa: RUF009 (what it calls is `field`)
    state: str | None = _of("hte_State")
    street: str | None = _of("hte_Street")
    postal_code: str | None = _of("hte_PostalCode")
    date: str | None = _of("hte_Date")
    type: str | None = _of("hte_Type")
    description: str | None = _of("hte_Description")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SupportPlan:
    """Help that is planned (section Support Plan)."""

    objectives: str | None = _of("spl_Objectives")
    action_plan: str | None = _of("spl_ActionPlan")
    planned_end_date: str | None = _of("spl_PlannedEndDate")
    actual_end_date: str | None = _of("spl_ActualEndDate")
    type: str | None = _of("spl_Type")


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A text that its field's list lacks, or that is no value of the field's kind. `name` is the standard's for the field."""

    name: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Case:
    """One row. `line` and `record` tell where it stood, `notes` what could not be read as sent.

    `consent` is con_Consent: one box for seven questions, so it does not say which of them was answered. `unlisted` keeps
    the texts that the standard's lists lack, which the typed attributes leave out; `extra` keeps the values of columns that are
    not the standard's, by their header (the standard has no field for a case's number: it may stand there). The writers
    leave `extra` out, and none of these four counts in `==`. The codes of notes are those of `htcds_standard.Problem`,
    `address-columns-unclear` (the template's header rows disagree over the address, and the row does not tell which one it
    follows: it was read by the labels) and `unknown-column` (the value went to `extra`).
    """

    organisation: Organisation = field(default_factory=Organisation)
    person: Person = field(default_factory=Person)
    victim: Victim = field(default_factory=Victim)
    perpetrator: Perpetrator = field(default_factory=Perpetrator)
    file: CaseFile = field(default_factory=CaseFile)
    event: TraffickingEvent = field(default_factory=TraffickingEvent)
    plan: SupportPlan = field(default_factory=SupportPlan)
    comment: str | None = _of("cco_CaseComment")
    consent: bool | None = _of("con_Consent")
    unlisted: tuple[Unlisted, ...] = ()
    extra: Mapping[str, Value] = field(default_factory=dict, compare=False)
    line: int = field(default=0, compare=False)
    record: int = field(default=0, compare=False)
    notes: tuple[Note, ...] = field(default=(), compare=False)

    def __repr__(self) -> str:
        return f"Case(line={self.line}, record={self.record}, notes={self.notes!r})"
