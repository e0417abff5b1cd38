"""What the pages say and do: words, the night's troubles, holds, quarantine, reasons, audit. And what they never say."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.requests import Request

from hub.console.app import DOORS, create_app
from hub.console.ask import Ask, as_text, environment
from hub.console.browse import browsed, lists_of
from hub.console.pages.auditing import to_csv
from hub.console.pages.now import _events
from hub.guidelines.explain import Explanation, Withheld
from hub.guidelines.language import Language
from hub.model.avro import LOCAL_IDS
from hub.readmodel import queries
from tests.console.visitor import Visitor, visitor
from tests.console.world import NOW_MS, PLANTED, WANTED, World

DOCS = Path(__file__).parents[2] / "docs"
CONSOLE = Path(str(files("hub.console")))
TROUBLED = "alerts.customs/0/8"


def text_of(answer: Any) -> str:
    """What is read: without marks, on one line."""
    page = answer.text[answer.text.find("<main") :]
    return " ".join(re.sub(r"<[^>]+>", " ", page).replace("&#39;", "'").split())


# --- the night


def test_a_chosen_language_and_theme_stay(night: World) -> None:
    someone = visitor(night, "olga", "en")
    assert "agencies need attention" in someone.get("/now").text
    someone.post("/account/preferences", language="es", theme="dark", back="/now")
    page = visitor(night, "olga", "en").get("/now").text
    assert "agencias necesitan atención" in page and 'data-theme="dark"' in page and 'lang="es"' in page


def test_now_names_what_is_wrong_first_in_words_with_what_to_do(night: World) -> None:
    page = text_of(visitor(night, "olga").get("/now"))
    assert "4 agencies need attention" in page
    places = [page.index(each) for each in ("International Organization", "INTERPOL National", "National Customs")]
    assert places == sorted(places)
    assert "It has received nothing for 15 min: 4 deliveries wait." in page and "Call the agency" in page
    assert "3 in quarantine" in page and "Confirm the lift" in page


def test_the_sum_is_in_sight_on_every_page_and_says_so_when_it_is_wrong(night: World) -> None:
    someone = visitor(night, "olga")
    for path in ("/now", "/alerts", "/topics", "/guidelines", "/account"):
        assert "Everything adds up" in someone.get(path).text


def test_every_page_says_so_when_the_recorder_is_silent_and_what_is_shown_is_old(night: World) -> None:
    assert "recorder is silent" not in visitor(night, "olga").get("/now").text
    night.now_ms[0] += 4 * 60_000
    assert "The recorder is silent" in visitor(night, "olga").get("/alerts").text


def test_now_is_kept_fresh_and_ends_with_the_session(night: World) -> None:
    someone = visitor(night, "olga")
    session = str(someone.client.cookies["enlace"])
    request = Request({"type": "http", "method": "GET", "path": "/now/stream", "headers": [], "query_string": b""})
    with night.engine.connect() as db:
        person = night.house.people.find(db, "olga")
    ask = Ask(night.house, request, environment(), person, session, "en", "auto", NOW_MS)
    told: list[tuple[str | None, str]] = []

    async def follow() -> None:
        async for event in _events(ask, 0):
            told.append((event.event, str(event.data)))
            if len(told) == 1:
                night.history.tell("interpol")
                night.now_ms[0] += 1_000
                night.record()
            if len(told) == 2:
                night.now_ms[0] += 3_600_000

    anyio.run(follow)
    assert [event for event, _ in told] == ["fresh", "fresh", "ended"]
    assert "says that it failed" in told[0][1] and "says that it failed" not in told[1][1]
    assert night.house.metrics.open_streams == 0


def test_the_handover_tells_what_is_open_and_what_was_done(night: World) -> None:
    someone = visitor(night, "olga")
    someone.post("/holds/set", kind="intake", agency="customs", why="it writes badly")
    page = text_of(someone.get("/handover"))
    assert "27 Nov 2026, 22:00:00" in page and "pedro asked to lift it" in page
    assert "olga · set a hold intake/customs it writes badly" in page
    assert someone.get("/handover", since="yesterday").status_code == 400


# --- holds


def test_one_person_sets_a_hold_and_it_takes_a_second_one_to_lift_it(night: World) -> None:
    olga, pedro = visitor(night, "olga"), visitor(night, "pedro")
    assert olga.post("/holds/set", kind="deliveries", agency="iom", why="a leak").headers["location"] == (
        "/holds?done=hold.set"
    )
    assert night.cluster.standing().holds["deliveries/iom"]
    olga.post("/holds/lift", scope="deliveries/iom")
    alone = olga.post("/holds/lift", scope="deliveries/iom")
    assert alone.status_code == 400 and "another person must confirm" in text_of(alone)
    assert "deliveries/iom" in night.cluster.standing().holds
    assert pedro.post("/holds/lift", scope="deliveries/iom").headers["location"].endswith("hold.lifted")
    assert "deliveries/iom" not in night.cluster.standing().holds
    assert pedro.post("/holds/lift", scope="deliveries/iom").status_code == 400
    with night.engine.connect() as db:
        found = [(each.who, each.action) for each in queries.audit_log(db, action="hold.").entries]
    assert found == [("pedro", "hold.lifted"), ("olga", "hold.asked"), ("olga", "hold.set")]


@pytest.mark.parametrize("fields", [
    {"kind": "deliveries", "agency": "nobody", "why": "x"}, {"kind": "deliveries", "agency": "iom"},
    {"kind": "all", "agency": "iom", "why": "x"}, {"kind": "intake", "agency": "../x", "why": "x"},
])  # fmt: skip
def test_a_hold_that_would_stop_nothing_is_refused(night: World, fields: dict[str, str]) -> None:
    before = dict(night.cluster.standing().holds)
    assert visitor(night, "olga").post("/holds/set", **fields).status_code == 400
    assert dict(night.cluster.standing().holds) == before


# --- quarantine


def test_quarantine_is_grouped_by_reason_with_its_runbook(night: World) -> None:
    someone = visitor(night, "olga")
    page = text_of(someone.get("/quarantine"))
    assert "A value stands outside its list, in the field named 3" in page
    assert (
        "add it to the vocabularies by a new bundle and replay"
        in text_of(someone.get("/reasons/unknown-value")).lower()
    )
    assert someone.get("/reasons/made-up").status_code == 404


def test_an_order_has_a_dry_run_first_and_a_reason(night: World) -> None:
    someone = visitor(night, "olga")
    tried = someone.post("/quarantine/dry-run", kind="replay", place=[TROUBLED, "alerts.customs/0/7"])
    assert "2 would wait again: mend the cause first." in text_of(tried) and "routing.indicators" in tried.text
    assert night.cluster.ordered == []
    order = {"kind": "replay", "place": TROUBLED}
    assert someone.post("/quarantine/order", **order, why="mended").status_code == 400
    assert someone.post("/quarantine/order", **order, tried="yes").status_code == 400
    assert night.cluster.ordered == []
    assert someone.post("/quarantine/order", **order, tried="yes", why="mended").status_code == 303
    assert night.cluster.ordered == [(TROUBLED, "replay", "olga")]


def test_a_replay_after_the_cause_was_mended_would_be_decided(night: World) -> None:
    vocabularies = dict(night.history.bundle.vocabularies)
    known = tuple(sorted({*vocabularies["indicators"], "XEN-98", "XEN-99"}))
    mended = night.history.bundle.model_copy(update={"vocabularies": {**vocabularies, "indicators": known}})
    night.history.bundle = type(mended).model_validate(
        {name: getattr(mended, name) for name in type(mended).model_fields}
    )
    standing = night.cluster.standing()
    night.cluster.standing = lambda: replace(standing, bundle=night.history.bundle)  # type: ignore[method-assign]
    someone = visitor(night, "olga")
    tried = someone.post("/quarantine/dry-run", kind="replay", place=TROUBLED)
    assert "1 would be decided." in text_of(tried)
    assert re.search(r"[1-9] agencies would receive it", text_of(tried))


def test_a_return_tells_the_originator_and_the_record_waits_no_more(night: World) -> None:
    someone = visitor(night, "olga")
    tried = someone.post("/quarantine/dry-run", kind="return", place=TROUBLED)
    assert "1 would go back to the originator." in text_of(tried)
    someone.post("/quarantine/order", kind="return", place=TROUBLED, tried="yes", why="not a code")
    night.record()
    assert TROUBLED not in someone.get("/quarantine/unknown-value").text
    assert "alerts.customs/0/7" in someone.get("/quarantine/unknown-value").text


def test_what_is_no_place_or_gone_or_too_much_is_refused(night: World) -> None:
    someone = visitor(night, "olga")
    many = [f"alerts.customs/0/{number}" for number in range(201)]
    wrong: list[dict[str, Any]] = [
        {"place": "x"},
        {"place": "alerts.customs/0/8/1"},
        {},
        {"place": many},
        {"kind": "delete", "place": TROUBLED},
    ]
    for fields in wrong:
        assert someone.post("/quarantine/dry-run", "/account", **{"kind": "replay", **fields}).status_code == 400
    gone = someone.post("/quarantine/dry-run", kind="replay", place="alerts.customs/0/4000")
    assert "1 are not there any more." in text_of(gone)


# --- alerts


def test_why_somebody_did_not_receive_it_is_a_sentence_with_the_guideline_linked(night: World) -> None:
    answer = visitor(night, "olga").get(f"/alerts/{WANTED}/why", agency="iom")
    page = text_of(answer)
    assert "Why does International Organization for Migration not receive this?" in page
    assert "it has no competence for any of its purposes (search, consular assistance)" in page
    assert re.search(r"the alert comes from Attorney General.* or .*Commission.* \(here: Embassy of Canada", page)
    link = re.search(r'href="(/guidelines/[0-9a-f]{64})#PA-G09"', answer.text)
    assert link and 'id="PA-G09"' in visitor(night, "olga").get(link[1]).text


def test_why_somebody_received_it_names_guidelines_what_was_withheld_and_duties(night: World) -> None:
    page = text_of(visitor(night, "olga", "es").get(f"/alerts/{WANTED}/why", agency="attorney-general"))
    assert "¿Por qué la recibe Procuraduría General de la Nación?" in page and "Lo decide" in page


def test_a_guideline_that_a_sentence_names_is_linked_and_its_title_is_text(
    night: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = Withheld(category="narrative", guidelines=("S1", "S10"), text="withheld by “A <b>” (S1) and “B” (S10)")
    given = dict.fromkeys(("released", "obligations", "guidelines", "nearest"), ())
    found = Explanation(agency="iom", outcome="permitted", text="x", withheld=(taken,), obligation=None, **given)
    monkeypatch.setattr("hub.console.pages.alerts.explain", lambda *_: found)
    page = visitor(night, "olga").get(f"/alerts/{WANTED}/why", agency="iom").text
    links = re.findall(r'“(.*?)” \(<a href="/guidelines/[0-9a-f]{64}#(S\d+)">(S\d+)</a>\)', page)
    assert links == [("A &lt;b&gt;", "S1", "S1"), ("B", "S10", "S10")]


def test_alerts_are_searched_and_an_id_leads_to_its_alert(night: World) -> None:
    someone = visitor(night, "olga")
    assert someone.get("/alerts", id=str(WANTED)).headers["location"] == f"/alerts/{WANTED}"
    assert someone.get("/alerts", id="x").status_code == 400
    assert str(WANTED) in someone.get("/alerts", country="ca", agency="embassy-canada").text
    assert "No such alert." in text_of(someone.get("/alerts", country="ZZ"))
    assert someone.get("/alerts", after="nonsense").status_code == 400
    assert someone.get("/alerts", **{"from": "nonsense"}).status_code == 400


def test_an_alerts_life_is_told_in_order_with_sizes_and_no_content(night: World) -> None:
    page = text_of(visitor(night, "olga").get(f"/alerts/{WANTED}"))
    life = page[page.index("Its life") :]
    assert life.index("Decided") < life.index("Release") < life.index("received and recorded")
    assert re.search(r"the narrative [0-9]+ B", life)


# --- guidelines


def test_guidelines_are_read_compared_checked_and_previewed(night: World) -> None:
    someone = visitor(night, "sonia")
    history = someone.get("/guidelines/history")
    assert "in force" in text_of(history) and "ana; luis" in text_of(history)
    link = re.search(r'href="(/guidelines/compare[^"]+)"', history.text)
    assert link
    compared = text_of(someone.get(link[1].replace("&amp;", "&")))
    assert "guideline PA-G09 added" in compared and "International Organization for Migration" in compared
    assert "PA-G" in text_of(someone.get("/guidelines/findings"))
    asked = {
        "originator": "customs",
        "class": "suspected-transit",
        "purposes": "investigation",
        "sections": "narrative",
    }
    answer = text_of(someone.get("/guidelines/preview", **asked))
    assert "Attorney General's Office receives it" in answer and "has no competence" in answer
    strange = someone.get("/guidelines/preview", **{**asked, "nationality": "XX1"})
    assert strange.status_code == 400
    assert someone.get("/guidelines/" + "0" * 64).status_code == 404


# --- audit


def test_a_delivery_is_recomputed_and_compared(night: World) -> None:
    auditor = visitor(night, "aurora")
    link = re.search(r'href="(/audit/delivery\?id=[0-9a-f]{32})"', auditor.get(f"/alerts/{WANTED}").text)
    assert link and "It is the same" in text_of(auditor.get(link[1]))
    assert auditor.get("/audit/delivery", id="0" * 32).status_code == 404


def test_an_export_holds_no_formula_and_no_words_of_people() -> None:
    row = {"at": "t", "who": "=cmd|'/c calc'!A0", "role": "+1", "action": "@SUM(1)", "subject": "-2", "outcome": "\tx"}
    read = list(csv.DictReader(io.StringIO(to_csv([row]))))
    assert all(value is None or not value.startswith(("=", "+", "-", "@", "\t")) for value in read[0].values())


def test_an_export_leaves_out_what_people_wrote(night: World) -> None:
    visitor(night, "olga").post("/holds/set", kind="intake", agency="customs", why="María Pérez writes badly")
    for form in ("csv", "json"):
        answer = visitor(night, "aurora").get("/audit/export", form=form)
        assert "intake/customs" in answer.text and "María" not in answer.text
        assert "attachment" in answer.headers["content-disposition"]


# --- personal data


def pages_of(night: World) -> Iterator[tuple[str, str]]:
    """Every page with an answer for each role, and the fragments and files beside them."""
    for name in ("olga", "ariel"):
        someone = visitor(night, name)
        for door in DOORS:
            if door.method == "GET" and door.path not in ("/now/stream", "/topics/{topic}/records"):
                path = door.path.format(
                    topic="alerts.customs",
                    id=WANTED,
                    reason="unknown-value",
                    digest=night.history.bundle.name,
                    agency="iom",
                )
                query = {"form": "csv", "agency": "attorney-general"} if door.path.endswith(("why", "export")) else {}
                yield f"{name} {path}", answered(someone.get(path, **query))
    someone = visitor(night, "aurora")
    for at, log in sorted(night.history.logs.items()):
        for offset in range(0, len(log), 20):
            yield f"{at} {offset}", answered(someone.get(f"/topics/{at.topic}/records", offset=offset))
    yield "metrics", night.house.metrics.text().decode()


def answered(answer: Any) -> str:
    assert answer.status_code < 500, answer.url
    return str(answer.text)


def test_planted_personal_data_is_on_no_page(night: World) -> None:
    values = b"".join(record.value or b"" for log in night.history.logs.values() for record in log)
    assert values.count(PLANTED.encode()) > 50, "nothing was planted"
    assert [place for place, page in pages_of(night) if PLANTED in page] == []


def test_no_section_is_decoded_for_whoever_browses(night: World) -> None:
    from hub.console.access import Person

    for at, log in night.history.logs.items():
        for record in log:
            shown = browsed(at.topic, record, LOCAL_IDS, Person("x", "auditor", "attorney-general"), lists_of(None))
            assert PLANTED not in repr(shown) and PLANTED not in as_text(dict(shown.parts))


# --- machines


def test_health_and_readiness(night: World) -> None:
    nobody = visitor(night)
    assert nobody.get("/health").json() == {"status": "ok"}
    assert nobody.get("/ready").status_code == 200
    night.cluster.away = True
    assert nobody.get("/ready").json() == {"status": "failed", "checks": {"database": "ok", "cluster": "failed"}}


def test_when_the_cluster_is_away_pages_say_so_and_what_to_do(night: World) -> None:
    someone = visitor(night, "olga")
    night.cluster.away = True
    for path in ("/topics", "/holds"):
        answer = someone.get(path)
        assert answer.status_code == 503 and "enlace doctor" in answer.text
    assert someone.get("/now").status_code == 200 and someone.get("/guidelines").status_code == 200


def test_metrics_name_pages_and_no_ids_and_are_for_named_addresses(night: World) -> None:
    someone = visitor(night, "olga")
    someone.get(f"/alerts/{WANTED}")
    assert someone.get("/metrics").status_code == 404
    settings = night.settings.model_copy(update={"metrics_from": "testclient"})
    told = Visitor(create_app(replace(night.house, settings=settings))).get("/metrics").text
    assert 'enlace_console_requests_total{page="/alerts/{id}",status="200"} 1.0' in told
    assert str(WANTED) not in told


def test_a_fault_is_a_page_without_a_trace(night: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError(PLANTED)

    someone = visitor(night, "olga")
    monkeypatch.setattr(night.cluster, "topics", broken)
    answer = someone.get("/topics")
    assert answer.status_code == 500 and PLANTED not in answer.text and "Traceback" not in answer.text


def test_a_fault_of_the_page_that_says_so_is_no_trace_either(
    night: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    someone = visitor(night, "olga")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(PLANTED)

    monkeypatch.setattr(Ask, "rendered", broken)
    answer = someone.get("/now")
    assert (answer.status_code, "cannot answer" in answer.text) == (500, True)
    assert PLANTED not in answer.text + capsys.readouterr().out


LANGUAGES: tuple[Language, ...] = ("es", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_lacks_a_title_a_heading_or_a_label(night: World, language: str) -> None:
    someone = visitor(night, "olga", language)
    for path in (
        "/now",
        "/alerts",
        "/quarantine/unknown-value",
        "/holds/new",
        "/guidelines/preview",
        "/account",
        "/sign-in",
    ):
        page = someone.get(path).text
        if not page:
            continue
        assert (
            re.search(r"<title>[^<]+ · Enlace</title>", page)
            and page.count("<h1") >= 1
            and f'lang="{language}"' in page
        )
        for field in re.findall(r"<(?:input|select)\b[^>]*>", page):
            identifier = re.search(r'\bid="([^"]+)"', field)
            labelled = (
                "hidden" in field or "aria-label" in field or 'type="radio"' in field or 'type="checkbox"' in field
            )
            assert labelled or (identifier and f'for="{identifier[1]}"' in page), (path, field)
