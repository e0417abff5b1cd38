"""A generic connector that is ended by SIGKILL again and again, on a real Kafka, has published each record once."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import create_engine, text

from connectors.generic.trials import MAPPING
from hub.bus.local import LocalKafka
from hub.bus.settings import Connection
from hub.bus.topics import administration, create
from hub.cli.seen import records
from hub.model.avro import decode_as, unframe
from hub.model.core import Alert
from tests.cli.command import environment
from tests.connectors.generic.keeping import told
from tests.connectors.generic.process import PARTITIONS

PATIENCE_S: Final = 600.0
PERSON: Final = {"name": "An Invented", "born": "05/02/1995", "sex": "F", "nationality": "CO", "passport": "ZZ1"}


def lines(folder: Path, count: int) -> None:
    said = [json.dumps({"id": str(number), "account": str(number), **PERSON}) for number in range(count)]
    (folder / "feed.jsonl").write_text("\n".join(said), encoding="utf-8")


def rows(folder: Path, count: int) -> None:
    """Many rows share a change marker, and a batch may end between them."""
    engine = create_engine(f"sqlite:///{folder / 'feed.db'}")
    columns = ("id", "account", *PERSON)
    with engine.begin() as connection:
        connection.execute(
            text(f"CREATE TABLE feed ({', '.join(f'{name} TEXT' for name in columns)}, changed INTEGER)")
        )
        statement = text(f"INSERT INTO feed VALUES ({', '.join(f':{name}' for name in columns)}, :changed)")
        said = [{"id": str(n), "account": str(n), **PERSON, "changed": n // 70} for n in range(count)]
        connection.execute(statement, said)
    engine.dispose()


FEEDS: Final[dict[str, Callable[[Path, int], None]]] = {"json-lines": lines, "sql": rows}


def start(servers: str, folder: Path, agency: str, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.connectors.generic.process", servers, str(folder), agency, name]
    cwd = Path(__file__).parents[2]
    return subprocess.Popen(command, cwd=cwd, env=environment({}), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("name", "count", "kills"),
    [
        ("json-lines", 1_000, 3),
        pytest.param("sql", 10_000, 20, marks=[pytest.mark.long, pytest.mark.timeout(1_800)]),
    ],
)
def test_killed_in_the_middle_again_and_again_it_has_published_each_record_once(
    kafka: LocalKafka, tmp_path: Path, name: str, count: int, kills: int
) -> None:
    agency = f"often-{name}"
    connection = Connection(bootstrap_servers=kafka.bootstrap_servers)
    with administration(connection) as admin:
        create(admin, [agency], PARTITIONS, 1)
    (tmp_path / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "batch").write_text(str(count // (5 * kills)))
    FEEDS[name](tmp_path, count)
    chance = random.Random(7)
    for _ in range(kills):
        process = start(kafka.bootstrap_servers, tmp_path, agency, name)
        assert process.stdout is not None
        # The first lines come before anything is read. Five batches for each kill: the last comes before the end.
        for _ in range(2 + chance.randrange(3)):
            assert process.stdout.readline() == b"batch\n", "it ended before it was killed"
        process.kill()
        process.communicate()
    last = start(kafka.bootstrap_servers, tmp_path, agency, name)
    last.communicate(timeout=PATIENCE_S)
    assert last.returncode == 0
    alerts = [decode_as(Alert, unframe(each.value or b"")[1]) for each in records(connection, f"alerts.{agency}")]
    assert sorted(int(told(alert)) for alert in alerts) == list(range(count))
    assert {alert.core.revision for alert in alerts} == {1}
