"""Any agency's table in a database by a mapping file, on SQLite and PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from connectors.generic import sql, trials
from connectors.sdk import Trial
from connectors.sdk.contract import Statement
from connectors.sdk.contract_world import World
from tests.connectors.generic.keeping import FOR_SOURCES, alerts, closing, keep, told
from tests.postgres_fixture import new_database

MAPPING = """
name: cases
key: [case_id]
label: {class: victim-identified, purposes: [investigation]}
observed: {from: seen}
persons:
  - role: victim
    names: {full: {from: name}}
    birth_date: {from: born}
sections: {narrative: {text: {from: account}}}
original: {ask: the desk, media_type: text/plain}
"""


@pytest.mark.parametrize("statement", FOR_SOURCES, ids=lambda each: each.__name__)
def test_it_keeps_the_contract(statement: Statement, tmp_path: Path) -> None:
    assert sql.CONNECTOR.trial is not None
    keep(statement, sql.CONNECTOR, sql.CONNECTOR.trial, tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'agency.db'}"
    else:
        with new_database(request.getfixturevalue("postgres")) as url:
            yield url


def test_a_changed_row_is_the_next_revision_and_a_withdrawn_one_ends_its_alert(database: str, tmp_path: Path) -> None:
    engine = create_engine(database)
    types = (
        "case_id UUID, seen TIMESTAMP, name TEXT, born DATE, account TEXT, secret TEXT, changed INTEGER, gone BOOLEAN"
    )
    names = [
        uuid.UUID(int=number).hex if engine.dialect.name == "sqlite" else uuid.UUID(int=number) for number in (1, 2)
    ]

    def put(case: Any, account: str, changed: int, gone: bool = False) -> None:
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM cases WHERE case_id = :case"), {"case": case})
            values = "(:case, '2026-11-01 10:00:00', 'An Invented', '1990-05-17', :account, 'never', :changed, :gone)"
            connection.execute(
                text(f"INSERT INTO cases VALUES {values}"),
                {"case": case, "account": account, "changed": changed, "gone": gone},
            )

    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE cases ({types})"))
    (tmp_path / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    options = sql.SqlFeedOptions.model_validate(
        {
            "mapping": tmp_path / "mapping.yaml",
            "database": database,
            "table": "cases",
            "key": ["case_id"],
            "changed": "changed",
            "deleted": "gone",
            "overlap": 5,
        }
    )
    with closing(sql.CONNECTOR) as connector:
        world = World(connector)
        put(names[0], "first", 1)
        put(names[1], "second", 2)
        world.published(Trial(options))
        put(names[0], "first, changed", 3)
        put(names[1], "second", 4, gone=True)
        world.published(Trial(options))
        world.published(Trial(options))
    engine.dispose()
    said = sorted((alert.core.kind, alert.core.revision, told(alert)) for alert in alerts(world))
    assert said == [
        ("alert", 1, "first"),
        ("alert", 1, "second"),
        ("alert", 2, "first, changed"),
        ("cancel", 2, ""),
    ]
    assert world.bad == []


def test_a_bad_row_is_told_by_its_change_marker_and_its_column(tmp_path: Path) -> None:
    assert sql.CONNECTOR.trial is not None
    with closing(sql.CONNECTOR) as connector:
        world = World(connector)
        world.published(sql.CONNECTOR.trial(tmp_path))
    told_of = {(bad.file, bad.field) for bad in world.bad}
    assert ("feed, changed 995", "born") in told_of and len(told_of) == 3


def test_a_column_of_the_mapping_that_the_table_lacks_is_told(tmp_path: Path) -> None:
    assert sql.CONNECTOR.trial is not None
    options = sql.CONNECTOR.trial(tmp_path).options
    (tmp_path / "mapping.yaml").write_text(trials.MAPPING.replace("{from: account}", "{from: tale}"), encoding="utf-8")
    with closing(sql.CONNECTOR) as connector, pytest.raises(ValueError, match="the column tale is missing"):
        World(connector).published(Trial(options))
