"""Invented records of every kind, for property tests of this room and of others.

Text is drawn from several scripts and lengths around the borders of Avro's one- and two-byte lengths. Alerts are made of
drawn parts and sealed as a connector seals them, so that digests and salts are right.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from hub.model import codes
from hub.model.base import Model
from hub.model.compose import digests, seal
from hub.model.core import Alert, Core, Label, Reference, Routing
from hub.model.sections import (
    CONTENTS,
    Care,
    Case,
    Cell,
    Circumstances,
    Contact,
    Content,
    Description,
    Document,
    Evidence,
    Exhibit,
    Finance,
    Good,
    Goods,
    HandlingWords,
    Identity,
    Image,
    Informant,
    Journey,
    Leg,
    Link,
    Links,
    Location,
    MissingIdentity,
    Name,
    Narrative,
    Organisation,
    Parent,
    Physical,
    Statistics,
    SuspectIdentity,
    Transfer,
    Warrant,
    Witness,
)

Draw = Callable[[SearchStrategy[Any]], Any]

KEY = b"an invented connector's key"
BARE_JPEG = b"\xff\xd8\xff\xe0\x00\x04JF\xff\xda\x00\x02x\xff\xd9"

# Borders of Avro's variable-length numbers, and what lies between.
LONGS = st.one_of(st.sampled_from([0, 1, 63, 64, 8191, 8192, 2**31 - 1]), st.integers(0, 2**31 - 1))
TIMES_MS = st.integers(0, 4_102_444_800_000)  # to the year 2100
ALERT_IDS = st.builds(lambda raw: uuid.UUID(bytes=raw), st.binary(min_size=16, max_size=16))
BYTES_16 = st.binary(min_size=16, max_size=16)
BYTES_32 = st.binary(min_size=32, max_size=32)
# Mostly drawn from lists: a property test lives by many examples, and drawing text by the letter is slow.
TEXTS = st.sampled_from(
    ["Pérez", "Ñandú 7", "李雷", "x", "y" * 63, "z" * 64, "\U0001f98b", "a\x00b\n", "w" * 130]
) | st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
CODES = st.sampled_from(["a", "G01", "case-closed", "ñ" * 31, "c" * 63, "c" * 64, "é" * 64])
SLUGS = st.sampled_from(["a", "customs", "attorney-general", "x9" * 20, "0"])
COUNTRIES = st.sampled_from(codes.COUNTRIES)
PARTIAL_DATES = st.dates().flatmap(
    lambda day: st.sampled_from([f"{day.year:04}", f"{day.year:04}-{day.month:02}", day.isoformat()])
)
PERSONS = st.sampled_from(["s1", "s2", "v1", "v2", "v10", "m1", "w1", "i1"])
SEX = st.sampled_from(codes.SEXES)
AGE_BAND = st.sampled_from(codes.AGE_BANDS)
LOCAL_TIMES = st.sampled_from(["2026-11-24", "2026-11-24T09:30"])


def some(values: SearchStrategy[Any], most: int = 3) -> SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=most).map(tuple)


def maybe(values: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.none() | values


labels = st.builds(
    Label,
    exercise=st.sampled_from(["none", "exercise", "test"]),
    class_=st.sampled_from(codes.CLASSES) | CODES,
    tlp=st.sampled_from(codes.TLP_NARROWEST_FIRST),
    handling=st.lists(st.sampled_from(["H0", "H1", "H2", "H3"]), min_size=1, max_size=4).map(tuple),
    purposes=st.lists(st.sampled_from(codes.PURPOSES) | CODES, min_size=1, max_size=4).map(tuple),
    reliability=st.sampled_from("ABCDEF"),
    credibility=st.sampled_from("123456"),
)
references = st.builds(Reference, alert=ALERT_IDS, revision=st.integers(1, 2**31 - 1))
counts = st.integers(0, 1_000_000)
# Most arrays of real alerts are empty, or have one item; now and then one needs a count of two bytes.
many_codes = some(CODES, 2) | st.integers(64, 70).map(lambda count: ("G01",) * count)


def routings(label: SearchStrategy[Label] = labels) -> SearchStrategy[Routing]:
    return st.builds(
        Routing,
        label=label,
        minor=st.sampled_from(["yes", "no", "unknown"]),
        consent=st.sampled_from(codes.CONSENT_STRICTEST_FIRST),
        victims=counts,
        suspects=counts,
        missing=counts,
        releasable_to=some(SLUGS, 2),
        not_releasable_to=some(SLUGS, 2),
        origin=some(COUNTRIES),
        transit=some(COUNTRIES),
        destination=some(COUNTRIES),
        nationality=some(COUNTRIES),
        act=some(CODES, 2),
        means=some(CODES, 2),
        exploitation=some(CODES, 2),
        indicators=many_codes,
        legal_basis=some(CODES, 2),
        derived_from=some(references, 2),
    )


def cores(label: SearchStrategy[Label] = labels) -> SearchStrategy[Core]:
    return st.builds(
        Core,
        id=ALERT_IDS,
        revision=st.integers(1, 2**31 - 1),
        created_ms=TIMES_MS,
        kind=st.just("alert"),
        originator=SLUGS,
        observed_ms=maybe(TIMES_MS),
        valid_until_ms=TIMES_MS,
        label=label,
        caveats=some(CODES),
        digests=some(BYTES_32),
    )


names = st.builds(
    Name, kind=st.sampled_from(["primary", "alias"]), family=maybe(TEXTS), given=maybe(TEXTS), full=maybe(TEXTS)
)
documents = st.builds(Document, number=TEXTS, type=maybe(CODES), issuer=maybe(COUNTRIES), expiry=maybe(PARTIAL_DATES))
physicals = st.builds(
    Physical,
    height_cm=maybe(st.integers(20, 260)),
    weight_kg=maybe(st.integers(1, 400)),
    eyes=some(CODES, 1),
    hair=some(CODES, 1),
    marks=maybe(TEXTS),
)
warrants = st.builds(Warrant, issuing_country=maybe(COUNTRIES), charge=maybe(TEXTS), charge_translation=maybe(TEXTS))
parents = st.builds(
    Parent, relation=st.sampled_from(["father", "mother", "guardian"]), family=maybe(TEXTS), given=maybe(TEXTS)
)
legs = st.builds(
    Leg,
    mode=st.sampled_from(["air", "sea", "road", "rail", "foot", "unknown"]),
    carrier=maybe(TEXTS),
    number=maybe(TEXTS),
    departure_place=maybe(TEXTS),
    departure_country=maybe(COUNTRIES),
    departure_time=maybe(LOCAL_TIMES),
    arrival_place=maybe(TEXTS),
    arrival_country=maybe(COUNTRIES),
    arrival_time=maybe(LOCAL_TIMES),
)
_IDENTITY: dict[str, SearchStrategy[Any]] = {
    "person": PERSONS,
    "names": some(names, 2),
    "birth_date": maybe(PARTIAL_DATES),
    "birth_place": maybe(TEXTS),
    "birth_country": maybe(COUNTRIES),
    "sex": SEX,
    "nationalities": some(COUNTRIES, 2),
    "documents": some(documents, 2),
    "physical": maybe(physicals),
    "languages": some(CODES, 1),
}

BY_MODEL: dict[type[Model], SearchStrategy[Any]] = {
    Circumstances: st.builds(
        Circumstances,
        origin=some(COUNTRIES),
        transit=some(COUNTRIES),
        destination=some(COUNTRIES),
        nationality=some(COUNTRIES),
        act=some(CODES),
        means=some(CODES),
        exploitation=some(CODES),
        indicators=some(CODES),
        victims=counts,
        suspects=counts,
        missing=counts,
    ),
    Narrative: st.builds(Narrative, text=TEXTS, language=st.sampled_from(["es", "en"])),
    HandlingWords: st.builds(HandlingWords, text=TEXTS),
    Links: st.builds(
        Links,
        links=st.lists(st.builds(Link, alert=ALERT_IDS.map(str), relation=CODES), min_size=1, max_size=2).map(tuple),
    ),
    Journey: st.builds(Journey, legs=some(legs), crossing_point=maybe(TEXTS)),
    Goods: st.builds(
        Goods,
        items=st.lists(
            st.builds(Good, description=TEXTS, quantity=maybe(st.floats(0, 1e12)), unit=maybe(TEXTS)),
            min_size=1,
            max_size=2,
        ).map(tuple),
        seized_ms=maybe(TIMES_MS),
    ),
    Finance: st.builds(
        Finance,
        transfers=some(
            st.builds(
                Transfer,
                amount=maybe(TEXTS),
                currency=maybe(st.sampled_from(["USD", "PAB"])),
                date=maybe(PARTIAL_DATES),
                sender=maybe(TEXTS),
                receiver=maybe(TEXTS),
                reference=maybe(TEXTS),
            ),
            2,
        ),
        accounts=some(TEXTS, 2),
    ),
    Organisation: st.builds(
        Organisation,
        name=TEXTS,
        kind=maybe(TEXTS),
        registration=maybe(TEXTS),
        address=maybe(TEXTS),
        country=maybe(COUNTRIES),
        online=some(TEXTS, 2),
    ),
    Description: st.builds(
        Description, person=PERSONS, age_band=AGE_BAND, sex=SEX, nationalities=some(COUNTRIES, 2), role=maybe(CODES)
    ),
    Identity: st.builds(Identity, **_IDENTITY),
    Witness: st.builds(Witness, **_IDENTITY),
    SuspectIdentity: st.builds(SuspectIdentity, **_IDENTITY, warrants=some(warrants, 2)),
    MissingIdentity: st.builds(
        MissingIdentity,
        **_IDENTITY,
        parents=some(parents, 2),
        event_date=maybe(PARTIAL_DATES),
        event_place=maybe(TEXTS),
        event_country=maybe(COUNTRIES),
    ),
    Contact: st.builds(
        Contact,
        person=PERSONS,
        addresses=some(TEXTS, 2),
        phones=some(TEXTS, 2),
        emails=some(TEXTS, 2),
        online=some(TEXTS, 2),
    ),
    Location: st.builds(Location, person=PERSONS, place=TEXTS, country=maybe(COUNTRIES), since=maybe(PARTIAL_DATES)),
    Care: st.builds(Care, person=PERSONS, needs=some(TEXTS, 2), assistance=some(TEXTS, 2), provider=maybe(TEXTS)),
    Image: st.builds(Image, person=PERSONS, jpeg=st.just(BARE_JPEG)),
    Informant: st.builds(Informant, person=PERSONS, name=maybe(TEXTS), contact=maybe(TEXTS), note=maybe(TEXTS)),
    Case: st.builds(
        Case,
        number=maybe(TEXTS),
        authority=maybe(TEXTS),
        country=maybe(COUNTRIES),
        status=maybe(CODES),
        outcome=maybe(CODES),
        summary=maybe(TEXTS),
    ),
    Evidence: st.builds(
        Evidence,
        exhibits=st.lists(
            st.builds(Exhibit, digest=BYTES_32, media_type=TEXTS, ask=TEXTS, reference=maybe(TEXTS)),
            min_size=1,
            max_size=2,
        ).map(tuple),
    ),
    Statistics: st.builds(
        Statistics,
        period=st.sampled_from(["2025", "2026-03"]),
        threshold=st.integers(2, 1000),
        cells=some(
            st.builds(
                Cell,
                exploitation=maybe(CODES),
                sex=maybe(SEX),
                age_band=maybe(AGE_BAND),
                country=maybe(COUNTRIES),
                count=maybe(counts),
            ),
        ),
    ),
}


def contents(category: str) -> SearchStrategy[Content]:
    """What a section of one category may say."""
    return BY_MODEL[CONTENTS[category]].map(lambda content: Content(category, content))


any_contents = st.sampled_from(codes.CATEGORIES).flatmap(contents)


@st.composite
def alerts(draw: Draw, most_sections: int = 4) -> Alert:
    """An alert as a connector seals it: one label, right digests. Its routing block need not fit its sections."""
    routing = draw(routings())
    core = draw(cores(st.just(routing.label)))
    sections = seal(draw(st.lists(any_contents, max_size=most_sections)), core.id, KEY)
    return Alert(routing=routing, core=core.model_copy(update={"digests": digests(sections)}), sections=sections)
