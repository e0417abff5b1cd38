"""Who gets in, how long, and what each role may see and do."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from hub.console.access import ALLOWED, ROLES, Person, may_see
from hub.console.access import RESTRICTED as RESTRICTED_CLASS
from hub.console.app import DOORS, create_app
from hub.console.doors import Door
from hub.console.guard import POLICY
from hub.console.settings import ConsoleSettings, NotSafe
from hub.console.tables import SESSIONS
from hub.readmodel import queries
from hub.readmodel.database import writing
from hub.readmodel.results import Scope
from hub.readmodel.tables import Alert
from tests.console.visitor import ORIGIN, Visitor, visitor
from tests.console.world import PASSWORD, RESTRICTED, WANTED, World

ONE_OF = {"operator": "olga", "steward": "sonia", "auditor": "aurora"}


def path_of(door: Door, world: World) -> str:
    """A place behind a door where there is something to see."""
    return door.path.format(
        topic="alerts.customs",
        id=WANTED,
        reason="unknown-value",
        digest=world.history.bundle.name,
        agency="iom",
    )


def asked(someone: Visitor, door: Door, world: World) -> Any:
    path = path_of(door, world)
    if door.method == "POST":
        return someone.post(path)
    query = {"agency": "iom"} if path.endswith("/why") else {"form": "json"} if path.endswith("/export") else {}
    return someone.get(path, **query)


PAGES = [door for door in DOORS if door.path != "/now/stream" and door.path != "/sign-out"]


@pytest.mark.parametrize("role", ROLES)
def test_each_role_passes_exactly_the_doors_that_are_its_own(night: World, role: str) -> None:
    someone = visitor(night, ONE_OF[role])
    for door in PAGES:
        if door.action is None:
            continue
        answer = asked(someone, door, night)
        refused = answer.status_code == 403
        assert refused == (role not in ALLOWED[door.action]), f"{role} {door.method} {door.path}: {answer.status_code}"
        if door.method == "GET" and not refused:
            assert answer.status_code in (200, 303), f"{door.path}: {answer.status_code}"


def test_nobody_passes_a_door_without_signing_in(night: World) -> None:
    nobody = visitor(night)
    for door in DOORS:
        if door.action is None:
            continue
        path = path_of(door, night)
        answer = nobody.get(path) if door.method == "GET" else nobody.client.post(path, data={"token": "0" * 64})
        assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in"), door.path


def test_a_refusal_is_noted_in_the_audit_log(night: World) -> None:
    visitor(night, "sonia").get("/audit")
    with night.engine.connect() as db:
        found = queries.audit_log(db, "sonia", "page.refused").entries
    assert [(each.subject, each.outcome) for each in found] == [("GET /audit", "refused")]


def test_each_look_at_an_alert_is_noted(night: World) -> None:
    someone = visitor(night, "olga")
    someone.get(f"/alerts/{WANTED}")
    someone.get(f"/alerts/{WANTED}/why", agency="iom")
    someone.get("/topics/alerts.embassy-canada/records")
    with night.engine.connect() as db:
        found = queries.audit_log(db, "olga", subject=str(WANTED)).entries
    assert [each.action for each in found] == ["alert.seen", "alert.explained", "alert.seen"]


# --- a restricted alert


@pytest.mark.parametrize(("name", "sees"), [
    ("ariel", True), ("aurora", False), ("irene", False), ("olga", False), ("sonia", False),
])  # fmt: skip
def test_a_legal_assistance_alert_exists_for_its_parties_auditors_only(night: World, name: str, sees: bool) -> None:
    someone = visitor(night, name)
    with night.engine.connect() as db:
        life = queries.alert_life(db, Scope(frozenset({"attorney-general"})), RESTRICTED)
    assert life is not None
    delivery = next(each.id for each in life.deliveries)
    for path in (f"/alerts/{RESTRICTED}", f"/alerts/{RESTRICTED}/why?agency=foreign-affairs"):
        assert someone.get(path).status_code == (200 if sees else 404), path
    if name in ("ariel", "aurora", "irene"):
        assert someone.get(f"/audit/delivery?id={delivery}").status_code == (200 if sees else 404)
    for path in (
        "/now", "/handover", "/alerts", f"/alerts?id={RESTRICTED}", "/alerts?class=mutual-legal-assistance",
        "/agencies/foreign-affairs", "/topics/alerts.attorney-general/records?offset=0", "/topics/decisions/records?offset=24",
        "/topics/deliveries.foreign-affairs/records", "/topics/receipts.foreign-affairs/records", "/audit",
    ):  # fmt: skip
        answer = someone.get(path)
        shown = str(RESTRICTED) in re.sub(r'value="[^"]*"', "", answer.text)
        assert sees or not shown, path
        assert shown or not sees or path != "/alerts"


def test_that_a_partys_auditor_looked_at_a_restricted_alert_tells_other_auditors_no_id(night: World) -> None:
    visitor(night, "ariel").get(f"/alerts/{RESTRICTED}")
    other = visitor(night, "aurora")
    page = other.get("/audit").text
    assert "ariel" in page and "restricted" in page and str(RESTRICTED) not in page
    assert "ariel" not in re.sub(r"<option.*?</option>", "", other.get("/audit", subject=str(RESTRICTED)).text)
    assert str(RESTRICTED) not in other.get("/audit/export", form="json").text
    assert str(RESTRICTED) in visitor(night, "ariel").get("/audit/export", form="json").text


def test_only_an_auditor_of_a_party_may_see_a_restricted_alert() -> None:
    parties = ("attorney-general", "foreign-affairs")
    assert may_see(Person("x", "auditor", "attorney-general"), RESTRICTED_CLASS, parties)
    assert not may_see(Person("x", "auditor", "iom"), RESTRICTED_CLASS, parties)
    assert not may_see(Person("x", "auditor"), RESTRICTED_CLASS, parties)
    assert not may_see(Person("x", "operator", "attorney-general"), RESTRICTED_CLASS, parties)
    assert may_see(Person("x", "operator"), "seizure", parties)


def test_a_record_of_an_alert_that_another_revision_restricted_is_not_shown(night: World) -> None:
    with writing(night.engine) as db:
        db.execute(update(Alert).where(Alert.id == WANTED.bytes).values(restricted=True))
    page = visitor(night, "olga").get("/topics/alerts.embassy-canada/records").text
    assert str(WANTED) not in page and "restricted" in page


def test_who_typed_a_password_as_the_name_finds_it_nowhere(night: World) -> None:
    visitor(night).sign_in(PASSWORD, "x")
    with night.engine.connect() as db:
        found = queries.audit_log(db, action="session.refused").entries
    assert [(each.who, each.subject, each.detail) for each in found] == [("-", "", "")]


# --- sessions


def cookie(someone: Visitor) -> str:
    return str(someone.client.cookies["enlace"])


def gets_in(someone: Visitor) -> bool:
    return bool(someone.get("/").headers["location"] == "/now")


def test_a_forged_session_is_none(night: World) -> None:
    for forged in ("", "x", "A" * 43, "' OR 1=1 --", "A" * 5_000):
        someone = visitor(night)
        someone.client.headers["cookie"] = f"enlace={forged}"
        assert not gets_in(someone)


def test_a_session_ends_by_rest_and_by_age(night: World) -> None:
    someone = visitor(night, "olga")
    night.now_ms[0] += 29 * 60_000
    assert gets_in(someone)
    night.now_ms[0] += 29 * 60_000
    assert gets_in(someone)
    night.now_ms[0] += 30 * 60_000
    assert not gets_in(someone)
    busy = visitor(night, "olga")
    for _ in range(12 * 3):
        night.now_ms[0] += 20 * 60_000 - 1_000
        assert gets_in(busy)
    night.now_ms[0] += 60_000
    assert not gets_in(busy)


def test_a_page_that_keeps_itself_fresh_does_not_keep_the_session_alive(night: World) -> None:
    stream = next(door for door in DOORS if door.path == "/now/stream")
    assert not stream.touch
    someone = visitor(night, "olga")
    for _ in range(3):
        night.now_ms[0] += 11 * 60_000
        someone.get("/health")
    assert not gets_in(someone)


def test_signing_in_begins_a_new_session_and_signing_out_ends_it_for_whoever_copied_it(night: World) -> None:
    someone = visitor(night)
    someone.client.cookies.set("enlace", "chosen-by-somebody-else", domain="127.0.0.1")
    someone.client.cookies.delete("enlace")
    someone.sign_in("olga")
    first = cookie(someone)
    assert first != "chosen-by-somebody-else"
    thief = visitor(night)
    thief.client.cookies.set("enlace", first, domain="127.0.0.1")
    assert gets_in(thief)
    assert someone.post("/sign-out").status_code == 303
    assert not gets_in(thief) and not gets_in(someone)


def test_a_new_password_ends_all_sessions_of_the_person(night: World) -> None:
    here, there = visitor(night, "olga"), visitor(night, "olga")
    before = cookie(here)
    fields = {"old": PASSWORD, "new": "another long sentence", "again": "another long sentence"}
    assert here.post("/account/password", **fields).status_code == 303
    assert cookie(here) != before and gets_in(here)
    assert not gets_in(there)
    assert visitor(night).sign_in("olga").status_code == 401
    assert visitor(night).sign_in("olga", "another long sentence").status_code == 303


def test_somebody_who_is_shut_out_is_out_at_once(night: World) -> None:
    someone = visitor(night, "olga")
    with writing(night.engine) as db:
        night.house.people.set_active(db, "olga", False)
    assert not gets_in(someone)
    assert visitor(night).sign_in("olga").status_code == 401


def test_the_database_holds_no_session_id_and_no_password(night: World) -> None:
    someone = visitor(night, "olga")
    night.engine.dispose()
    data = b"".join(path.read_bytes() for path in _files(night))
    assert cookie(someone).encode() not in data and PASSWORD.encode() not in data
    assert b"$argon2id$" in data


def _files(world: World) -> list[Path]:
    database = Path(world.engine.url.database or "")
    return [path for path in database.parent.iterdir() if path.name.startswith(database.name)]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(night: World) -> None:
    answer = visitor(night).sign_in("olga")
    line = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("enlace="))
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in line.split(";")}


def test_over_tls_the_cookie_is_bound_to_host_and_tls(night: World) -> None:
    settings = ConsoleSettings(trusted_proxy="10.0.0.1", origin="https://console.example")
    app = create_app(replace(night.house, settings=settings))
    someone = Visitor(app)
    someone.client.base_url = "https://console.example"
    someone.client.headers["origin"] = "https://console.example"
    answer = someone.sign_in("olga")
    assert answer.status_code == 303, answer.text
    lines = answer.headers.get_list("set-cookie")
    assert any(each.startswith("__Host-enlace=") and "Secure" in each for each in lines)
    assert "max-age=" in answer.headers["strict-transport-security"]


def test_who_comes_past_the_proxy_is_refused(night: World) -> None:
    settings = ConsoleSettings(host="0.0.0.0", trusted_proxy="10.0.0.1", origin="https://console.example")
    someone = Visitor(create_app(replace(night.house, settings=settings)))
    someone.client.base_url = "http://console.example"
    assert someone.get("/sign-in").status_code == 421
    someone.client.base_url = "https://console.example"
    assert someone.get("/sign-in").status_code == 200


# --- forms


def test_a_form_without_its_token_or_from_elsewhere_does_nothing(night: World) -> None:
    someone, other = visitor(night, "olga"), visitor(night, "pedro")
    good = someone.token("/holds/new")
    order = {"kind": "deliveries", "agency": "iom", "why": "a test"}
    strange: list[tuple[dict[str, str], dict[str, str]]] = [
        ({}, {}),
        ({"token": "0" * 64}, {}),
        ({"token": other.token("/holds/new")}, {}),
        ({"token": good}, {"origin": "https://elsewhere.example"}),
        ({"token": good}, {"origin": "null"}),
        ({"token": good}, {"sec-fetch-site": "cross-site"}),
    ]
    for token, headers in strange:
        answer = someone.client.post("/holds/set", data={**order, **token}, headers=headers)
        assert answer.status_code == 403, (token, headers)
    del someone.client.headers["origin"]
    assert someone.client.post("/holds/set", data={**order, "token": good}).status_code == 403
    assert "deliveries/iom" not in night.cluster.standing().holds
    answer = someone.client.post("/holds/set", data={**order, "token": good}, headers={"origin": ORIGIN})
    assert answer.status_code == 303 and "deliveries/iom" in night.cluster.standing().holds


def test_a_sign_in_form_has_a_token_too(night: World) -> None:
    someone = visitor(night)
    fields = {"name": "olga", "password": PASSWORD}
    assert someone.client.post("/sign-in", data=fields).status_code == 403
    assert someone.client.post("/sign-in", data={**fields, "token": someone.token("/sign-in")}).status_code == 303


def test_forms_have_a_size(night: World) -> None:
    someone = visitor(night, "olga")
    assert someone.client.post("/holds/set", data={"why": "x" * 70_000}).status_code == 413
    endless = (b"why=x" for _ in range(3))
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert someone.client.post("/holds/set", content=endless, headers=headers).status_code == 411


@pytest.mark.parametrize("wanted", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", "x"])
def test_signing_in_leads_to_no_other_site(night: World, wanted: str) -> None:
    answer = visitor(night).post("/sign-in", "/sign-in", name="olga", password=PASSWORD, next=wanted)
    assert answer.headers["location"] == "/now"


# --- tries


def test_a_user_can_be_tried_five_times_from_one_address_in_a_quarter_of_an_hour(night: World) -> None:
    someone = visitor(night)
    for _ in range(5):
        assert someone.sign_in("olga", "wrong password").status_code == 401
    assert someone.sign_in("olga").status_code == 429
    assert someone.sign_in("pedro").status_code == 303
    night.now_ms[0] += 15 * 60_000
    assert visitor(night).sign_in("olga").status_code == 303


def test_an_address_can_try_so_many_names_only(night: World) -> None:
    someone = visitor(night)
    answers = [someone.sign_in(f"nobody{number}", "wrong password").status_code for number in range(21)]
    assert answers == [401] * 20 + [429]


def test_an_unknown_user_and_a_wrong_password_have_one_answer(night: World) -> None:
    unknown = visitor(night).sign_in("nobody", "wrong password")
    wrong = visitor(night).sign_in("olga", "wrong password")
    plain = [re.sub(r'value="[^"]*"', "", each.text) for each in (unknown, wrong)]
    assert plain[0] == plain[1] and unknown.status_code == wrong.status_code == 401


# --- the way in


def test_every_answer_has_the_headers_and_no_page_has_script_or_style_of_its_own(night: World) -> None:
    someone = visitor(night, "olga")
    for path in ("/now", "/nothing", "/static/enlace.css", "/health", "/guidelines", f"/alerts/{WANTED}"):
        answer = someone.get(path)
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
        if "html" in answer.headers["content-type"]:
            assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?! src=\"/static/)|javascript:", answer.text), (
                path
            )
            assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', answer.text), path
    assert "unsafe" not in POLICY


def test_another_hosts_name_is_not_answered(night: World) -> None:
    answer = visitor(night).client.get("/sign-in", headers={"host": "elsewhere.example"})
    assert answer.status_code == 421


@pytest.mark.parametrize(("fields", "safe"), [
    ({}, True), ({"host": "::1"}, True), ({"host": "localhost"}, True), ({"host": "0.0.0.0"}, False),
    ({"host": "10.1.2.3"}, False), ({"host": "console.example"}, False),
    ({"host": "0.0.0.0", "tls_certfile": "a.pem", "tls_keyfile": "b.pem"}, True),
    ({"host": "0.0.0.0", "tls_certfile": "a.pem"}, False), ({"host": "0.0.0.0", "trusted_proxy": "10.0.0.1"}, False),
    ({"host": "0.0.0.0", "trusted_proxy": "10.0.0.1", "origin": "http://console.example"}, False),
    ({"host": "0.0.0.0", "trusted_proxy": "10.0.0.1", "origin": "https://console.example"}, True),
])  # fmt: skip
def test_it_is_bound_to_loopback_or_stands_behind_tls(fields: dict[str, Any], safe: bool) -> None:
    settings = ConsoleSettings(**fields)
    if safe:
        settings.check()
    else:
        with pytest.raises(NotSafe):
            settings.check()


def test_a_session_row_that_was_begun_in_the_past_is_swept_away(night: World) -> None:
    visitor(night, "olga")
    with writing(night.engine) as db:
        db.execute(update(SESSIONS).values(begun_ms=1, used_ms=1))
    visitor(night, "pedro")
    with night.engine.connect() as db:
        assert list(db.scalars(select(SESSIONS.c.name))) == ["pedro"]
