"""`enlace convert`: native input to alerts, one JSON a line, and what could not be used beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub.bus.bus import Record, lane
from hub.model.avro import LOCAL_IDS, encode, frame
from hub.model.text import alert_from_json
from hub.routing.opening import open_alert
from tests.cli.command import ENLACE, Answer, enlace, enlace_process, environment
from tests.connectors.customs.test_screening import Segments, traveller
from tests.connectors.formats import lists
from tests.connectors.interpol.test_notices_as_alerts import RED, YELLOW

SAMPLES = Path(__file__).parents[1] / "connectors" / "formats" / "samples"
HEADER = "document_number,name,birth_date\n"
PARTITIONS = 6
MEASURED = """
import atexit, pathlib, re, resource
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
# Of this process alone: the kernel's ru_maxrss goes on from what the parent had before the exec.
peak = lambda: re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]
atexit.register(lambda: pathlib.Path("peak").write_text(str(peak())))
import hub.cli
hub.cli.main()
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def people(path: Path, *persons: Segments) -> Path:
    return write(path, lists.interchange(lists.message(persons)))


def convert(*arguments: str | Path) -> Answer:
    answer = enlace("convert", *arguments)
    for line in answer.lines:
        routable(line)
    assert all(trouble["level"] in ("bad", "warning") for trouble in answer.troubles)
    return answer


def routable(line: Any) -> None:
    """What is printed reads back as an alert that the router would decide upon."""
    alert = alert_from_json(line)
    key = alert.core.id.bytes
    number = LOCAL_IDS.by_name["Alert"]
    record = Record(0, alert.core.created_ms, key, frame(number, encode(alert)))
    opened = open_alert(f"alerts.{alert.core.originator}", lane(key, PARTITIONS), record, number, PARTITIONS)
    assert len(opened.section_digests) == len(line["sections"])


def payload(line: Any, category: str) -> Any:
    (found,) = [each["payload"] for each in line["sections"] if each["category"] == category]
    return found


@pytest.mark.parametrize("name", ["two_legs.edi", "grouped_interchange.edi", "typeb_telegram.txt"])
def test_a_list_in_which_nobody_is_sought_gives_no_alert_and_no_error(tmp_path: Path, name: str) -> None:
    answer = convert("customs", SAMPLES / name)
    assert (answer.code, answer.out) == (0, "")
    assert all(trouble["level"] == "warning" for trouble in answer.troubles)


def test_everybody_of_the_samples_can_be_found_by_document(tmp_path: Path) -> None:
    from connectors.formats import paxlst

    for name in ("grouped_interchange.edi", "typeb_telegram.txt"):  # the third has no document numbers
        found = lists.passengers(paxlst.read((SAMPLES / name).open("rb"), today=lists.TODAY))
        numbers = {document.number for each in found for document in each.documents if document.number}
        watch = write(tmp_path / "watch.csv", HEADER + "".join(f"{number},,\n" for number in sorted(numbers)))
        answer = convert("customs", SAMPLES / name, "--watchlist", watch)
        hits = [payload(line, "suspect.identity") for line in answer.lines if line["routing"]["suspects"]]
        seen = {document["number"] for hit in hits for document in hit["documents"]}
        assert answer.code == 0 and numbers and seen == numbers


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("X1234567,,", True),
        ("x-123 4567,Somebody Else,", True),
        (",Michael CLARK,1972-09-07", True),
        (',"Clark, Michael",1972-09-07', True),
        (",Michael CLARK,1972-09-08", False),
        (",Clark,1972-09-07", False),
        ("X1234568,Michael CLARK,1972", False),
    ],
)
def test_a_person_is_found_by_document_or_by_name_and_birth_date(tmp_path: Path, row: str, found: bool) -> None:
    answer = convert(
        "customs",
        people(tmp_path / "a.edi", traveller()),
        "--watchlist",
        write(tmp_path / "w.csv", HEADER + row),
    )
    assert answer.code == 0 and len(answer.lines) == found
    for line in answer.lines:
        assert payload(line, "suspect.identity")["documents"][0]["number"] == "X1234567"


@pytest.mark.parametrize("row", [",Michael CLARK,", ",Michael CLARK,1972", ",Michael CLARK,1972-09"])
def test_a_name_alone_or_with_a_part_of_a_date_is_no_entry_and_finds_nobody(tmp_path: Path, row: str) -> None:
    answer = convert(
        "customs",
        people(tmp_path / "a.edi", traveller()),
        "--watchlist",
        write(tmp_path / "w.csv", HEADER + row),
    )
    assert (answer.code, answer.out) == (2, "")
    assert [(each["file"], each["line"]) for each in answer.troubles] == [("w.csv", 2)]


def test_bad_rows_of_the_watch_list_are_told_and_the_others_used(tmp_path: Path) -> None:
    watch = write(tmp_path / "w.csv", HEADER + "X1234567,,17.05.1990\n,PLANTEDNAME,\nX1234567,,\n")
    answer = convert("customs", people(tmp_path / "a.edi", traveller()), "--watchlist", watch)
    assert answer.code == 2 and len(answer.lines) == 1
    assert [each["line"] for each in answer.troubles] == [2, 3]
    assert "PLANTED" not in answer.err and "1990" not in answer.err


def test_the_indicators_ask_about_children(tmp_path: Path) -> None:
    child: dict[str, Any] = {"birth": "150310"}
    alone = people(tmp_path / "alone.edi", traveller("ROE", "KID", booking="B1", **child), traveller(booking="B2"))
    group = people(
        tmp_path / "group.edi",
        traveller("ROE", "KID", "K11", booking="B1", **child),
        traveller("DOE", "KIM", "K12", booking="B1", **child),
        traveller(booking="B1"),
    )
    answer = convert("customs", alone, group)
    assert answer.code == 0
    assert [line["routing"]["indicators"] for line in answer.lines] == [["C10"], ["C11"]]
    assert [line["routing"]["minor"] for line in answer.lines] == ["yes", "yes"]
    assert [line["routing"]["victims"] for line in answer.lines] == [1, 2]


def test_a_file_that_was_cut_short_is_used_as_far_as_it_goes_and_reported(tmp_path: Path) -> None:
    whole = lists.interchange(lists.message([traveller(), traveller("STONE", "JO", "S12")]))
    cut = write(tmp_path / "cut.edi", whole[: whole.index("STONE") + 20])
    watch = write(tmp_path / "w.csv", HEADER + "X1234567,,\n")
    answer = convert("customs", cut, "--watchlist", watch)
    assert answer.code == 2 and len(answer.lines) == 1
    (bad,) = [each for each in answer.troubles if each["level"] == "bad"]
    assert bad["file"] == "cut.edi" and bad["code"] == "truncated" and bad["segment"]


@pytest.mark.parametrize("text", ["", "nothing of the kind", "UNB", "\x00\xff" * 500])
def test_a_file_that_is_no_passenger_list_is_an_error(tmp_path: Path, text: str) -> None:
    answer = convert("customs", write(tmp_path / "a.edi", text))
    assert (answer.code, answer.out) == (2, "")
    assert [each for each in answer.troubles if each["level"] == "bad" and each["file"] == "a.edi" and each["reason"]]


def test_troubles_tell_where_and_why_and_never_what(tmp_path: Path) -> None:
    odd: list[Segments] = [
        traveller(
            "PLANTEDSURNAME", "PLANTEDGIVEN", "PLANTEDDOC1", birth="PLANTEDBIRTH", places=("PLANTEDPLACE", "PTY")
        ),
        traveller("", "", None),
        [("NAD", ("QQ", "", "", ("PLANTEDPARTY", "X")))],
        [("ATT", ("2", "", "PLANTEDSEX")), ("NAT", ("2", "PLANTEDNATION"))],
    ]
    files = [
        people(tmp_path / "odd.edi", *odd, traveller()),
        write(tmp_path / "cut.edi", lists.interchange(lists.message(odd))[:-60]),
        write(tmp_path / "free.txt", "PLANTEDTEXT\nNAD+FL+++PLANTEDLOOSE:X'"),
    ]
    answer = convert("customs", *files)
    assert answer.code == 2 and answer.troubles
    assert "PLANTED" not in answer.err
    for trouble in answer.troubles:
        assert trouble["file"] in {path.name for path in files} and trouble["reason"]
        assert trouble["level"] == "warning" or trouble.get("line") or trouble.get("segment")

    broken = [{**RED, "name": {"PLANTED": "PLANTEDNAME"}}, {"name": "PLANTEDNAME"}, {**RED, "date_of_birth": "PLANTED"}]
    notices = write(tmp_path / "n.json", json.dumps([*broken, "PLANTED"]) + "PLANTEDTAIL")
    answer = convert("interpol", notices)
    assert answer.code == 2 and len([each for each in answer.troubles if each["level"] == "bad"]) >= 3
    assert "PLANTED" not in answer.err


def test_notices_become_alerts_and_other_colours_are_set_aside(tmp_path: Path) -> None:
    silver = {**RED, "_links": {"self": {"href": "https://notices.example/notices/v1/silver/1"}}}
    nameless = {**RED, "entity_id": "2020/9", "name": None, "forename": None, "date_of_birth": "1980"}
    path = write(tmp_path / "n.json", json.dumps([RED, silver, YELLOW, nameless]))
    answer = convert("interpol", path)
    assert answer.code == 2
    assert [line["core"]["label"]["class"] for line in answer.lines] == [
        "wanted-person",
        "missing-person",
        "wanted-person",
    ]
    assert payload(answer.lines[1], "missing.identity")["birth_date"] == "2015"
    assert payload(answer.lines[2], "suspect.identity")["names"] == []
    (bad,) = [each for each in answer.troubles if each["level"] == "bad"]
    assert bad["field"] == "kind" and bad["file"] == "n.json"


def test_the_same_record_has_the_same_content_at_every_run(tmp_path: Path) -> None:
    path = write(tmp_path / "n.json", json.dumps([RED]))
    first, second = (convert("interpol", path).lines[0] for _ in range(2))
    assert first["sections"][0]["payload"] == second["sections"][0]["payload"]
    assert first["core"]["id"].split("-")[3:] == second["core"]["id"].split("-")[3:]


def test_a_missing_file_is_told_and_the_others_are_converted(tmp_path: Path) -> None:
    path = write(tmp_path / "n.json", json.dumps([RED]))
    answer = convert("interpol", tmp_path / "gone.json", path, tmp_path)
    assert answer.code == 2 and len(answer.lines) == 1
    assert [each["file"] for each in answer.troubles] == ["gone.json", tmp_path.name]


def test_without_its_watch_list_nothing_is_screened(tmp_path: Path) -> None:
    answer = convert("customs", people(tmp_path / "a.edi", traveller()), "--watchlist", tmp_path / "gone.csv")
    assert (answer.code, answer.out) == (2, "")
    assert [each["file"] for each in answer.troubles] == ["gone.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody", "a.json"), "no connector nobody; installed are: attorney-general, cap, commission"),
        (("attorney-general", "a.json"), "reads no files"),
        (("interpol", "a.json", "--watchlist", "w.csv"), "no watch list"),
    ],
)
def test_what_cannot_be_converted_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.json", "[]")
    write(tmp_path / "w.csv", HEADER)
    answer = enlace("convert", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert words in answer.err and answer.err.count("\n") == 1


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    notices = [{**RED, "entity_id": f"2020/{number}"} for number in range(400)]
    path = write(tmp_path / "n.json", json.dumps(notices))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", '"$@" | head -n 1', "bash", *ENLACE, "convert", "interpol", str(path)],
        cwd=tmp_path,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    routable(json.loads(done.stdout))


def test_a_list_of_five_thousand_passengers_is_screened_in_bounded_memory(tmp_path: Path) -> None:
    crowd = (
        traveller(f"NAME{chr(65 + n % 26)}{chr(65 + n // 26 % 26)}", "PAT", f"D{n}Z", booking=None)
        for n in range(5_000)
    )
    path = people(tmp_path / "crowd.edi", *crowd)
    watch = write(tmp_path / "w.csv", HEADER + "".join(f"D{n}Z,,\n" for n in range(0, 5_000, 500)))
    done = subprocess.run(
        [sys.executable, "-P", "-c", MEASURED, "convert", "customs", str(path), "--watchlist", str(watch)],
        cwd=tmp_path,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 10
    assert int((tmp_path / "peak").read_text()) < 300 << 10  # KiB


def test_the_command_itself_converts_without_cluster_or_home(tmp_path: Path) -> None:
    write(tmp_path / "n.json", json.dumps([RED]))
    answer = enlace_process("convert", "interpol", "n.json", cwd=tmp_path)
    assert answer.code == 0 and answer.err == ""
    routable(answer.lines[0])
    assert [each.name for each in tmp_path.iterdir()] == ["n.json"]
