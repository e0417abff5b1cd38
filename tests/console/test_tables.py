"""The console's own tables, on both databases: people, tries, sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from argon2 import PasswordHasher
from sqlalchemy import Engine, text

from hub.console import tables
from hub.console.access import Person
from hub.console.people import BadPerson, People
from hub.console.sessions import Lifetimes, Sessions, end_all
from hub.readmodel.database import NotUpgraded, open_database, upgrade, writing
from tests.console.world import NOW_MS, PASSWORD

WEAK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def lives(engine: Engine) -> None:
    """What people and sessions go through."""
    people, sessions = People(WEAK, tries=2), Sessions(Lifetimes(1_000, 5_000))
    with writing(engine) as db:
        people.add(db, "ariel", "auditor", "iom", PASSWORD, NOW_MS)
        with pytest.raises(BadPerson):
            people.add(db, "ariel", "auditor", "iom", PASSWORD, NOW_MS)
        assert people.signs_in(db, "ariel", "wrong") is None
        for _ in range(2):
            assert not people.too_often(db, "ariel", "10.0.0.1", NOW_MS)
            people.failed(db, "ariel", "10.0.0.1", NOW_MS)
        assert people.too_often(db, "ariel", "10.0.0.1", NOW_MS)
        assert not people.too_often(db, "ariel", "10.0.0.2", NOW_MS)
        people.succeeded(db, "ariel", PASSWORD, "10.0.0.1")
        assert not people.too_often(db, "ariel", "10.0.0.1", NOW_MS)
        people.prefer(db, "ariel", language="en", theme="dark")
        assert people.signs_in(db, "ariel", PASSWORD) == Person("ariel", "auditor", "iom", "en", "dark")
        one, two = sessions.begin(db, "ariel", NOW_MS), sessions.begin(db, "ariel", NOW_MS)
    with engine.connect() as db:
        found = sessions.find(db, one, NOW_MS + 999)
        assert found is not None and found.name == "ariel" and sessions.find(db, one, NOW_MS + 1_000) is None
        assert sessions.find(db, one[:-1], NOW_MS) is None
    with writing(engine) as db:
        sessions.touch(db, one, NOW_MS + 900)
        sessions.end(db, two)
        assert sessions.find(db, one, NOW_MS + 1_800) is not None and sessions.find(db, two, NOW_MS) is None
        end_all(db, "ariel")
        assert sessions.find(db, one, NOW_MS + 1_800) is None


def test_people_and_sessions_live_in_sqlite(tmp_path: Path) -> None:
    lives_in(f"sqlite:///{tmp_path / 'a.sqlite'}")


def test_people_and_sessions_live_in_postgresql(postgres_url: str) -> None:
    lives_in(postgres_url)


def lives_in(url: str) -> None:
    """Beside the read model; made twice, and as they are declared."""
    engine = open_database(url)
    tables.make(engine)
    with engine.connect() as db:
        context = MigrationContext.configure(db, opts={"version_table": tables.REVISIONS.table})
        assert compare_metadata(context, tables.METADATA) == []
    upgrade(engine)
    tables.make(engine)
    lives(engine)
    engine.dispose()


def test_tables_from_before_they_had_versions_are_taken_over_in_sqlite(tmp_path: Path) -> None:
    are_taken_over(f"sqlite:///{tmp_path / 'a.sqlite'}")


def test_tables_from_before_they_had_versions_are_taken_over_in_postgresql(postgres_url: str) -> None:
    are_taken_over(postgres_url)


def are_taken_over(url: str) -> None:
    """With whom they have; one that is missing is made."""
    engine = open_database(url)
    tables.METADATA.create_all(engine, [tables.PEOPLE, tables.SESSIONS])
    with writing(engine) as db:
        People(WEAK).add(db, "olga", "operator", None, PASSWORD, NOW_MS)
    tables.make(engine)
    with writing(engine) as db:
        assert People(WEAK).signs_in(db, "olga", PASSWORD) is not None
        People(WEAK).failed(db, "olga", "10.0.0.1", NOW_MS)
        assert db.scalar(text("SELECT version_num FROM console_version")) == "0001"
        db.execute(text("UPDATE console_version SET version_num = '9999'"))
    with pytest.raises(NotUpgraded, match="newer"):
        tables.make(engine)
    engine.dispose()


def test_what_was_typed_as_a_name_is_kept_as_a_hash(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'a.sqlite'}")
    tables.make(engine)
    with writing(engine) as db:
        People(WEAK).failed(db, "my password by mistake", "10.0.0.1", NOW_MS)
        rows: list[Any] = list(db.execute(text("SELECT * FROM console_failed_sign_ins")))
    assert len(rows) == 1 and "mistake" not in repr(rows)
    engine.dispose()


def test_a_hash_of_older_strength_is_renewed_at_sign_in(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'a.sqlite'}")
    tables.make(engine)
    stronger = People(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    with writing(engine) as db:
        People(WEAK).add(db, "olga", "operator", None, PASSWORD, NOW_MS)
        before = db.scalar(text("SELECT password FROM console_people"))
        stronger.succeeded(db, "olga", PASSWORD, "10.0.0.1")
        after = db.scalar(text("SELECT password FROM console_people"))
        assert before != after and "t=2" in str(after)
        assert stronger.signs_in(db, "olga", PASSWORD) is not None
    engine.dispose()
