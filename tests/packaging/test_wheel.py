"""The wheel, installed clean, runs an agency's own connector from a folder that has a folder `connectors` of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
OFFLINE = ("--no-index", "--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check")

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "harbour-connector"
version = "1.0"

[project.entry-points."enlace.connectors"]
harbour = "harbour:CONNECTOR"

[tool.hatch.build.targets.wheel]
packages = ["harbour.py", "connectors"]
"""
HARBOUR = '''
"""An invented harbour office: a line is a tip, an empty line is nothing that can be used."""

from connectors.sdk import Alert, BadRecord, Connector, Content, Draft, Label, Options, Read
from hub.model.sections import Narrative


class HarbourOptions(Options):
    files: tuple = ()


class HarbourSource:
    def __init__(self, options):
        self.options = options

    def read(self, after):
        for path in self.options.files:
            for number, line in enumerate(path.read_text().splitlines(), start=1):
                if line:
                    yield Read(line, str(number), file=path.name, line=number)
                else:
                    yield BadRecord(path.name, "an empty line", line=number)

    def alerts(self, native):
        label = Label.model_validate({"class": "suspected-transit", "purposes": ["investigation"]})
        yield Alert(native, Draft(label=label), (Content("narrative", Narrative.model_validate({"text": native})),))

    def settled(self, position):
        pass


CONNECTOR = Connector(
    "harbour",
    "harbour",
    "An invented harbour office",
    HarbourOptions,
    source=HarbourSource,
    files=lambda paths, watchlist: HarbourOptions(files=tuple(paths)),
)
'''


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=CHECKOUT)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("enlace-*.whl"))


@pytest.fixture(scope="module")
def agency(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The agency's folder, and the `enlace` command of an environment of its own with the wheel and the agency's package.

    What the wheel depends on is taken from this environment, after its own packages: nothing is fetched.
    """
    folder = tmp_path_factory.mktemp("agency")
    venv.create(folder / "venv", with_pip=False)
    binaries = folder / "venv" / "bin"
    packages = next((folder / "venv" / "lib").glob("python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    office = folder / "office"
    (office / "connectors").mkdir(parents=True)
    (office / "connectors" / "__init__.py").write_text("raise ImportError('the wrong connectors')\n")
    (office / "harbour.py").write_text(HARBOUR)
    (office / "pyproject.toml").write_text(PYPROJECT)
    (office / "tips.txt").write_text("a boat at night\n\na second boat\n")
    pip = (sys.executable, "-m", "pip", "--python", binaries / "python", "install", *OFFLINE)
    done = run(*pip, wheel, "--editable", office, cwd=folder)
    assert done.returncode == 0, done.stderr
    yield office, binaries / "enlace"


def test_the_wheel_holds_the_four_packages_with_their_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"hub", "connectors", "schemas", "profiles"}
    for needed in ("schemas/lock.json", "profiles/panama/agencies.yaml", "hub/bus/kafka-jars.lock.json"):
        assert needed in names


def test_the_command_runs_the_code_of_the_wheel(agency: tuple[Path, Path]) -> None:
    office, enlace = agency
    where = run(enlace.parent / "python", "-c", "import hub, connectors; print(hub.__file__)", cwd=office.parent)
    assert where.stdout.startswith(str(office.parent)), where


def test_a_foreign_connector_is_listed_beside_ours(agency: tuple[Path, Path]) -> None:
    office, enlace = agency
    done = run(enlace, "connector", "list", "--json", cwd=office)
    assert done.returncode == 0, done.stderr
    listed = {row["name"]: row for row in json.loads(done.stdout)}
    assert {"attorney-general", "customs", "harbour", "interpol", "unodc-ropan"} <= set(listed)
    assert listed["harbour"] == {
        "name": "harbour",
        "agency": "harbour",
        "directions": ["source"],
        "title": "An invented harbour office",
    }
    assert "source" in listed["customs"]["directions"]  # loaded from our own folder, not from the agency's


def test_a_foreign_connector_converts_its_files(agency: tuple[Path, Path]) -> None:
    office, enlace = agency
    done = run(enlace, "convert", "harbour", "tips.txt", cwd=office)
    assert done.returncode == 2
    alerts = [json.loads(line) for line in done.stdout.splitlines()]
    assert [alert["core"]["originator"] for alert in alerts] == ["harbour", "harbour"]
    assert json.loads(done.stderr) == {"level": "bad", "file": "tips.txt", "line": 2, "reason": "an empty line"}


def test_processes_that_the_command_starts_are_not_misled_by_the_folder_they_start_in(
    agency: tuple[Path, Path],
) -> None:
    office, enlace = agency
    script = """
from pathlib import Path
from hub.cli.children import Child
child = Child("listing", ["connector", "list", "--json"], Path("logs"), {})
child._leash.wait(60)
print(child.ended, child.log_file.read_text())
"""
    done = run(enlace.parent / "python", "-P", "-c", script, cwd=office)
    assert done.stdout.startswith("0 ") and "harbour" in done.stdout and "source" in done.stdout, done
    assert "cannot be loaded" not in done.stdout
