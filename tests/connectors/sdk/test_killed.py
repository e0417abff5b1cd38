"""A connector that is killed again and again, on a real Kafka, has published each record once."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from connectors.generic.trials import MAPPING
from hub.bus.local import LocalKafka
from hub.bus.settings import Connection
from hub.bus.topics import administration, create
from hub.cli.seen import records
from hub.model.avro import decode_as, decode_payload, unframe
from hub.model.core import Alert
from hub.model.sections import Narrative
from tests.cli.command import environment
from tests.connectors.sdk.killed import AGENCY, PARTITIONS

RECORDS = 10_000
KILLS = 20
PATIENCE_S = 600.0


def feed(folder: Path, count: int) -> None:
    (folder / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    person = {"name": "An Invented", "born": "05/02/1995", "sex": "F", "nationality": "CO", "passport": "ZZ1"}
    lines = [json.dumps({"id": str(number), "account": str(number), **person}) for number in range(count)]
    (folder / "feed.jsonl").write_text("\n".join(lines), encoding="utf-8")


def start(servers: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.connectors.sdk.killed", servers, str(folder)]
    cwd = Path(__file__).parents[3]
    return subprocess.Popen(command, cwd=cwd, env=environment({}), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def killed(servers: str, folder: Path, kills: int) -> None:
    """Starts the connector and kills it some batches on, `kills` times; then lets it end."""
    chance = random.Random(1)
    for _ in range(kills):
        process = start(servers, folder)
        assert process.stdout is not None
        for _ in range(2 + chance.randrange(3)):  # the first line comes before anything is read
            assert process.stdout.readline() == b"batch\n", "it ended before it was killed"
        time.sleep(chance.uniform(0, 0.03))  # anywhere in what comes next
        process.kill()
        process.communicate()
    last = start(servers, folder)
    last.communicate(timeout=PATIENCE_S)
    assert last.returncode == 0


@pytest.mark.kafka
@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("count", "kills"), [(RECORDS, KILLS)])
def test_killed_twenty_times_it_has_published_each_record_once(
    kafka: LocalKafka, tmp_path: Path, count: int, kills: int
) -> None:
    connection = Connection(bootstrap_servers=kafka.bootstrap_servers)
    with administration(connection) as admin:
        create(admin, [AGENCY], PARTITIONS, 1)
    feed(tmp_path, count)
    killed(kafka.bootstrap_servers, tmp_path, kills)
    alerts = [decode_as(Alert, unframe(each.value or b"")[1]) for each in records(connection, f"alerts.{AGENCY}")]
    told = []
    for alert in alerts:
        (section,) = [each for each in alert.sections if each.category == "narrative"]
        content = decode_payload("narrative", section.version, section.payload)
        assert isinstance(content, Narrative)
        told.append(int(content.text.get_secret_value()))
    assert sorted(told) == list(range(count)) and {alert.core.revision for alert in alerts} == {1}
