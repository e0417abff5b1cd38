"""The embassy's digest: each delivery about its nationals told once, nothing of a person in it. All persons are invented."""

from __future__ import annotations

import socket
import ssl
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import strategies as st

from connectors.embassy_canada import digest
from connectors.embassy_canada.connector import CONNECTOR, EmbassyOptions, EmbassySink
from connectors.sdk import Content, Delivery, Rejected, Trial
from connectors.sdk.contract import Statement
from connectors.transports.email import LINE_CHARS
from hub.model import sections as say
from hub.model.obligation import Obligation
from tests.connectors.deliveries import ALERT, record
from tests.connectors.generic.keeping import FOR_SINKS, keep
from tests.connectors.sdk.trials import rows_of
from tests.connectors.transports.servers import Certificates, certificates
from tests.connectors.transports.test_email import HOUR_MS, Clock, Mailbox

OTHER = uuid.UUID("01900000-0000-7000-8000-0000000000ff")
LABEL: Mapping[str, Any] = {"class": "victim-identified", "purposes": ["consular-assistance"]}
OBLIGATION = Obligation(acknowledge_hours=4, keep_days=180, onward="ask", caveats=("C3", "C6"))
PERSONAL = ("INVENTEDFAMILYQZ", "INVENTEDGIVENQZ", "1990-05-17", "INVENTEDDOCQZ9", "INVENTEDPLACEQZ", "INVENTEDTEXTQZ")


def described(*nationalities: str, person: str = "v1") -> Content:
    fields = {"person": person, "age_band": "9-17", "sex": "female", "nationalities": nationalities}
    return Content("victim.description", say.Description.model_validate(fields))


def everything(family: str, given_name: str, born: str, number: str, place: str, text: str) -> list[Content]:
    """All that a release could carry of a Canadian victim, whether it should or not."""
    person = {"person": "v1", "names": [{"family": family, "given": given_name}], "nationalities": ["CA"]}
    identity = {**person, "birth_date": born, "documents": [{"number": number}]}
    return [
        described("CA"),
        Content("victim.identity", say.Identity.model_validate(identity)),
        Content("victim.contact", say.Contact.model_validate({"person": "v1", "phones": [number]})),
        Content("victim.location", say.Location.model_validate({"person": "v1", "place": place})),
        Content("narrative", say.Narrative.model_validate({"text": text})),
        Content("case", say.Case.model_validate({"number": number, "authority": place[:200] or None})),
    ]


def release(*contents: Content, number: int = 1, label: Mapping[str, Any] = LABEL, **fields: Any) -> Delivery:
    given_fields = {"recipient": "embassy-canada", "originator": "commission", "obligation": OBLIGATION, **fields}
    made = record("release", contents, {**LABEL, **label}, number=number, **given_fields)
    return Delivery(made, tuple(contents))


def withdrawal(number: int = 2, **fields: Any) -> Delivery:
    made = record("withdrawal", number=number, recipient="embassy-canada", reason="cancelled", **fields)
    return Delivery(made)


# --- the line


def test_a_line_says_class_count_urgency_deadlines_and_the_short_reference() -> None:
    assert digest.line(release(described("CA"))) == (
        "[0000-0001] NEW; presumed victim; 1 person(s); commission; URGENT; acknowledge by 2026-11-18 15:06 UTC;"
        " keep until 2027-05-17; ask before passing on; caveats C3 C6"
    )


def test_with_french_the_labels_are_in_both_languages() -> None:
    said = digest.line(withdrawal(), french=True)
    assert said.startswith("[0000-0001] WITHDRAWN / RETIRÉ; delete all that you hold of it / supprimez tout")


def test_what_happened_is_told_by_the_kind_of_delivery_and_its_number() -> None:
    said = [digest.line(release(described("CA"), number=number)) for number in (1, 2)]
    said += [digest.line(Delivery(record(kind, number=3))) for kind in ("request", "feedback")]
    assert [line.split("] ")[1].split(";")[0] for line in said] == ["NEW", "UPDATED", "REQUEST", "FEEDBACK"]


def test_that_part_of_it_was_withdrawn_is_told_and_not_which() -> None:
    said = digest.line(release(described("CA"), number=2, withdrawn=("victim.identity",)))
    assert "UPDATED" in said and "part of it was withdrawn" in said and "identity" not in said


def test_a_drill_is_marked_as_one() -> None:
    assert "EXERCISE NEW" in digest.line(release(described("CA"), label={"exercise": "exercise"}))


words = st.text(st.characters(categories=["L"]), min_size=4, max_size=30).map(lambda text: f"QZ{text}QZ")


@given(words, words, st.dates().map(lambda day: day.isoformat()), words, words, words, st.booleans())
def test_nothing_of_a_person_ever_stands_in_a_line(
    family: str, given_name: str, born: str, number: str, place: str, text: str, french: bool
) -> None:
    said = digest.line(release(*everything(family, given_name, born, number, place, text)), french)
    keep_until, decided = "2027-05-17", "2026-11-18"
    assert not any(each in said for each in (family, given_name, number, place, text))
    assert born in (keep_until, decided) or born not in said
    assert "female" not in said and "9-17" not in said


def test_the_longest_line_has_its_deadlines() -> None:
    caveats = tuple(f"CAVEAT-{number:02}" for number in range(40))
    longest = Obligation(
        acknowledge_hours=24,
        keep_days=365,
        keep_events=("year-after-assistance", "person-of-age"),
        onward="accepted-consulate",
        caveats=caveats,
    )
    contents = [described("CA", person=f"v{number}") for number in range(1, 30)]
    said = digest.line(release(*contents, obligation=longest, label={"exercise": "exercise"}), french=True)[:LINE_CHARS]
    assert "accuser réception avant le 2026-11-19" in said and "2027-11-18" in said


def test_a_reference_is_of_the_end_of_the_id_since_its_beginning_is_the_time() -> None:
    assert digest.reference(ALERT) != digest.reference(OTHER)


# --- whose nationals


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        ([described("CA")], None),
        ([described("CA", "HT")], None),
        ([described("CA"), described(person="v2")], None),
        ([described("CO")], digest.NOT_OURS),
        ([described("CA"), described("CO", person="v2")], digest.NOT_OURS),
        ([described()], digest.NOTHING_TO_TELL_BY),
        ([], digest.NOTHING_TO_TELL_BY),
    ],
)
def test_a_release_that_is_not_about_nationals_is_rejected(contents: list[Content], reason: str | None) -> None:
    if reason is None:
        digest.must_be_about_nationals(release(*contents))
    else:
        with pytest.raises(Rejected) as rejected:
            digest.must_be_about_nationals(release(*contents))
        assert rejected.value.reason == reason


def test_a_suspect_s_nationality_does_not_count() -> None:
    suspect = Content("suspect.description", say.Description.model_validate({"person": "s1", "nationalities": ["CA"]}))
    with pytest.raises(Rejected):
        digest.must_be_about_nationals(release(suspect))


# --- the mail


def options(folder: Path, port: int, authority: Path | None = None, **fields: Any) -> EmbassyOptions:
    email = {
        "database": f"sqlite:///{folder / 'digest.db'}",
        "host": "127.0.0.1",
        "port": port,
        "ca_file": authority,
        "sender": "enlace@hub.example",
        "recipients": ["consul@embassy.example"],
        "subject": "Enlace",
        "window_s": 3600,
        "closing": "Ask the originator, by the reference.",
    }
    caveats = {"C6": "Child. Best interests come first.", "C3": "Ask before contacting family."}
    return EmbassyOptions.model_validate({"email": email, "folder": folder, "caveats": caveats, **fields})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


@contextmanager
def server(made: Certificates) -> Iterator[tuple[Mailbox, int]]:
    mailbox = Mailbox()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True)
    controller.start()
    try:
        yield mailbox, port
    finally:
        controller.stop()


def mail(folder: Path, made: Certificates, *deliveries: Delivery, **fields: Any) -> str:
    """The text of the one digest of these deliveries, each delivered twice; those that are rejected are not in it."""
    clock = Clock()
    with server(made) as (mailbox, port):
        sink = EmbassySink(options(folder, port, made.authority, **fields), clock, watch=False)
        for delivery in deliveries:
            clock.now_ms += 1
            for _ in range(2):
                try:
                    sink.deliver(delivery)
                except Rejected:
                    continue
        clock.now_ms += HOUR_MS
        sink.digest.flush()
        sink.close()
    (message,) = mailbox.messages()
    assert mailbox.encrypted == [True]
    return str(message.get_content()).replace("\r\n", "\n")


def test_a_digest_has_each_delivery_once_and_the_words_of_the_caveats(tmp_path: Path, made: Certificates) -> None:
    text = mail(tmp_path, made, release(*everything(*PERSONAL)), release(described("CA"), number=2))
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert len(lines) == 2 and "NEW" in lines[0] and "UPDATED" in lines[1]
    assert text.rstrip().endswith(
        "C3: Ask before contacting family.\nC6: Child. Best interests come first.\n\nAsk the originator, by the reference."
    )
    assert not any(value in text for value in PERSONAL)


def test_a_withdrawal_is_announced_in_the_next_digest(tmp_path: Path, made: Certificates) -> None:
    clock = Clock()
    with server(made) as (mailbox, port):
        sink = EmbassySink(options(tmp_path, port, made.authority), clock, watch=False)
        sink.deliver(release(described("CA")))
        clock.now_ms += HOUR_MS
        sink.digest.flush()
        sink.deliver(withdrawal())
        clock.now_ms += HOUR_MS
        sink.digest.flush()
        sink.close()
    first, second = (str(each.get_content()) for each in mailbox.messages())
    assert "[0000-0001] NEW" in first and "[0000-0001] WITHDRAWN; delete all" in second


def test_of_an_alert_that_was_rejected_not_even_the_withdrawal_is_told(tmp_path: Path, made: Certificates) -> None:
    rejected, own = release(described("CO"), alert=OTHER), release(described("CA"))
    text = mail(tmp_path, made, rejected, withdrawal(alert=OTHER), own)
    assert "0000-00FF" not in text and "0000-0001" in text


def test_an_update_that_says_less_is_told_of_an_alert_that_was_told(tmp_path: Path, made: Certificates) -> None:
    assert "UPDATED" in mail(tmp_path, made, release(described("CA")), release(number=2))


@pytest.mark.parametrize("statement", FOR_SINKS, ids=lambda each: each.__name__)
def test_it_keeps_the_contract(statement: Statement, tmp_path: Path) -> None:
    def trying(folder: Path) -> Trial:
        tables = ("enlace_digest_line", "enlace_effects", "embassy_told")
        return Trial(options(folder, 9), effects=rows_of(f"sqlite:///{folder / 'digest.db'}", *tables))

    keep(statement, CONNECTOR, trying, tmp_path)


def test_without_a_mail_server_it_does_not_take_deliveries(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="email: say where"):
        EmbassySink(EmbassyOptions(folder=tmp_path))
