"""HTCDS 2.0 codes and what of the Trafficking Protocol's words they say; labels in Spanish for what is told in words.

Sources: IOM, Human Trafficking Case Data Standard 2.0 (CC BY 4.0); Trafficking Protocol, article 3; UNODC's indicators
(hub/model/codes.py). Qualifying a case is a prosecutor's: where the table leaves a value open, only an agreement fills it.
Consent is never among what these say: where a means was used, consent to exploitation is irrelevant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from hub.model.sections import Sex

# Values on which nobody agrees whether they are trafficking: named in an option, or left to the words of the case.
Open = Literal["ChildLabour", "ForcedMarriage", "ForcedAdoption", "Surrogacy"]
Palermo = Literal["forced-labour", "forced-services", "practices-similar-to-slavery", "servitude", "slavery"]

SEXES: Final[Mapping[str, Sex]] = {
    "Feminine": "female",
    "Masculine": "male",
    "TransgenderFeminine": "other",
    "TransgenderMasculine": "other",
    "NonConforming": "other",
    "NonSpecifiedUnknown": "unknown",
}
EXPLOITATION: Final[Mapping[str, str]] = {
    "ForcedLabour": "forced-labour",
    "Servitude": "servitude",
    "ForcedMilitaryByNonStateActors": "forced-services",
    "ForcedBegging": "forced-services",
    "OrganRemoval": "organ-removal",
}
MEANS: Final[Mapping[str, tuple[str, ...]]] = {
    "PhysicalThreats": ("threat",),
    "ThreatsLawEnforcement": ("threat",),
    "ThreatensChildrenFamily": ("threat",),
    "DebtBondage": ("coercion",),
    "FalsePromises": ("deception",),
    "PhysicalAbuse": ("force",),
    "SexualAbuse": ("force",),
    "TakesEarnings": ("coercion",),
    "RestrictsFinancialAccess": ("coercion",),
    "RestrictsMedicalCare": ("coercion",),
    "WithholdsNecessities": ("coercion",),
    "PsychologicalAbuse": ("coercion",),
    "PsychoactiveSubstance": ("coercion",),
    "ExcessiveWorkingHours": (),
    "WithholdsDocuments": ("coercion",),
    "Other": (),
}
INDICATORS: Final[Mapping[str, str]] = {
    "PhysicalThreats": "G06",
    "ThreatsLawEnforcement": "G11",
    "ThreatensChildrenFamily": "G06",
    "DebtBondage": "G32",
    "FalsePromises": "G36",
    "PhysicalAbuse": "G06",
    "TakesEarnings": "G24",
    "RestrictsFinancialAccess": "G24",
    "RestrictsMedicalCare": "G28",
    "ExcessiveWorkingHours": "G25",
    "WithholdsDocuments": "G13",
}
# per_RoleInProcess: what a perpetrator did (`TransferredIndividual`: transferred somebody).
ACTS: Final[Mapping[str, str]] = {
    "Transporter": "transportation",
    "Smuggler": "transportation",
    "RecruiterOrIntermediary": "recruitment",
    "BrokerTravelAgent": "recruitment",
    "TransferredIndividual": "transfer",
    "SoldIndividual": "transfer",
    "HarbouredIndividual": "harbouring",
    "ReceivedIndividual": "receipt",
    "BoughtIndividual": "receipt",
}
MEANS_OF_ROLES: Final[Mapping[str, str]] = {"Kidnapper": "abduction"}
MAY_BE_VICTIM: Final = "XEN-03"  # a person listed as suspect may be a victim
RECRUITERS: Final = frozenset({"RecruiterOrIntermediary", "BrokerTravelAgent"})
BUSINESS: Final = "CorporateBusiness"
STATUS: Final[Mapping[str, str]] = {
    "Active": "active",
    "FollowUp": "follow-up",
    "Closed": "closed",
    "ClosedReferred": "closed-referred",
}
# Of a field whose text cannot be read, these decide who may see what: the record is set aside.
DECIDING: Final = (
    "vic_TraffickingStatus",
    "con_Consent",
    "per_RoleInProcess",
    "hte_Type",
    "hte_Country",
    "vic_TypeOfExploitation",
    "vic_TypeOfSexExploitation",
    "vic_MethodsOfControl",
)
DECIDING_OF_VICTIMS: Final = ("prs_Birthdate", "prs_Gender", "prs_Citizenship")

# What stands in the narrative: the course of things. Presumed to identify the victim.
NARRATIVE: Final[Mapping[str, str]] = {
    "cco_CaseComment": "Comentario del caso",
    "prs_Deceased": "Fallecida",
    "vic_RelationshipToTrafficker": "Relación con el tratante",
    "vic_AgeWhenTrafficked": "Edad al momento de la trata",
    "vic_MethodOfRecruitment": "Método de captación",
    "vic_RecruitmentWebsitesAndApps": "Sitios y aplicaciones de captación",
    "vic_LocationOfRecruitment": "Lugar de captación",
    "vic_MethodsOfControl": "Métodos de control",
    "vic_TypeOfExploitation": "Tipo de explotación (HTCDS)",
    "vic_TypeOfSexExploitation": "Tipo de explotación sexual (HTCDS)",
    "vic_ForcedLabourIndustry": "Sector del trabajo forzoso",
    "vic_LocationOfExploitation": "Lugar de explotación",
    "vic_ExploitationWebsitesAndApps": "Sitios y aplicaciones de explotación",
    "per_RoleInProcess": "Papel en el proceso (HTCDS)",
    "per_RoleDetails": "Detalles del papel",
    "hte_Type": "Tipo de suceso",
    "hte_Date": "Fecha del suceso",
    "hte_City": "Ciudad del suceso",
    "hte_State": "Provincia del suceso",
    "hte_Street": "Calle del suceso",
    "hte_PostalCode": "Código postal del suceso",
    "hte_Latitude": "Latitud del suceso",
    "hte_Longitude": "Longitud del suceso",
    "hte_Description": "Descripción del suceso",
}
# What only those who assist need to know of a person: health, family, schooling.
NEEDS: Final[Mapping[str, str]] = {
    "prs_Salutation": "Tratamiento",
    "prs_Title": "Cargo",
    "prs_Gender": "Género (HTCDS)",
    "prs_Citizenship": "Ciudadanía",
    "prs_MaritalStatus": "Estado civil",
    "prs_NumberOfChildren": "Número de hijos",
    "prs_HighestLevelOfEducation": "Nivel educativo",
    "vic_Vulnerabilities": "Vulnerabilidades",
    "vic_DetailsOfVulnerabilities": "Detalles de las vulnerabilidades",
    "vic_AgreementToManagePersonalData": "Acuerdo sobre el manejo de datos (campo en desuso, no es consentimiento)",
}
ASSISTANCE: Final[Mapping[str, str]] = {
    "spl_Type": "Tipo de plan",
    "spl_Objectives": "Objetivos del plan",
    "spl_ActionPlan": "Plan de acción",
    "spl_PlannedEndDate": "Fin previsto",
    "spl_ActualEndDate": "Fin",
    "cas_ReferredOrganisation": "Remitida a",
    "cas_ReferredPrimaryCaseWorker": "Persona a cargo allí",
    "cas_ReasonForOutgoingReferral": "Motivo de la remisión",
    "cas_OutgoingReferralDate": "Fecha de la remisión",
    "cas_OutgoingReferralDetails": "Detalles de la remisión",
}
SUMMARY: Final[Mapping[str, str]] = {
    "cas_CaseOwner": "Responsable del caso",
    "cas_ReasonForCaseClosure": "Motivo del cierre",
}
# Who told, besides the name of the person: the organisation, when and why.
REFERRAL: Final[Mapping[str, str]] = {
    "cas_ReasonForIncomingReferral": "Motivo",
    "cas_IncomingReferralDate": "Fecha",
    "cas_IncomingReferralDetails": "Detalles",
}
