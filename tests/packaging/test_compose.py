"""docker-compose.yml and Dockerfile, held against what can be known without Docker: the specification and a real broker."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import kafka.admin
import pytest
from ruamel.yaml import YAML

from hub.bus.kafka_jars import WANTED
from hub.bus.local import SETTINGS, LocalKafka
from hub.cli.pages import commands, rooms
from hub.console.settings import ConsoleSettings, NotSafe
from hub.metrics import Progress, RecorderMetrics, serving
from tests.packaging.tls_console import answering

TOP = Path(__file__).parents[2]
KafkaAdminClient: Any = kafka.KafkaAdminClient
ConfigResource: Any = kafka.admin.ConfigResource

# Where it is and who it is: these differ between a container and this machine.
OF_THE_PLACE = {
    "advertised.listeners",
    "controller.listener.names",
    "controller.quorum.voters",
    "inter.broker.listener.name",
    "listener.security.protocol.map",
    "listeners",
    "log.dirs",
}
SECRET_NAME = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|PRIVATE|API_?KEY|_KEY$", re.IGNORECASE)
NOT_IN_THE_FILE = re.compile(r"\$\{[A-Z_]+:\?[^}]+\}|/run/secrets/[a-z_]+")
KEPT_ELSEWHERE = re.compile(r"\$\{[A-Z_]+:-\./var/[a-z/.]+\}")  # var/ is in no commit and in no image
LOOKS_SECRET = re.compile(  # a password in an address, a key, or a long word that mixes cases and digits
    r"://[^/\s:]+:[^/\s@]+@|-----BEGIN|\b(?=\w*[a-z])(?=\w*[A-Z])(?=\w*\d)[A-Za-z0-9+/_-]{24,}"
)


@pytest.fixture(scope="module")
def compose() -> Any:
    return YAML(typ="safe", pure=True).load((TOP / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def schema() -> Any:
    return json.loads((TOP / "tests/packaging/compose-spec.json").read_text())


def kafka_settings(compose: Mapping[str, Any]) -> dict[str, str]:
    """The image's rule: KAFKA_A_B is a.b (`__` would be a `_`, `___` a `-`; no setting used has one)."""
    found = {}
    for name, value in compose["services"]["kafka"]["environment"].items():
        assert name.startswith("KAFKA_")
        assert "__" not in name
        found[name.removeprefix("KAFKA_").lower().replace("_", ".")] = value
    return found


def strings(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from strings(value, f"{path}.{key}")
    elif isinstance(node, list):
        for value in node:
            yield from strings(value, path)
    elif node is not None:
        yield path, str(node)


def test_the_file_is_what_the_specification_allows(compose: Any, schema: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    errors = jsonschema.Draft202012Validator(schema).iter_errors(compose)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


@pytest.mark.parametrize(("where", "wrong"), [("restart", 5), ("helthcheck", {}), ("ports", "9092")])
def test_a_mistake_in_the_file_would_be_found(compose: Any, schema: Any, where: str, wrong: object) -> None:
    broken = copy.deepcopy(compose)
    broken["services"]["kafka"][where] = wrong
    assert not jsonschema.Draft202012Validator(schema).is_valid(broken)


def test_what_a_service_refers_to_is_declared(compose: Any) -> None:
    services = compose["services"]
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services, name
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[needed], needed
            else:
                assert services[needed]["restart"].startswith("on-failure"), needed
        assert {volume.split(":")[0] for volume in service.get("volumes", [])} <= compose["volumes"].keys()
        assert set(service.get("secrets", [])) <= compose.get("secrets", {}).keys()


def test_every_image_has_a_version_and_kafka_the_one_that_is_tested(compose: Any) -> None:
    images = {name: service["image"] for name, service in compose["services"].items()}
    assert all(re.fullmatch(r"[a-z/-]+:\d+(\.\d+)*", image) for image in images.values()), images
    assert images["kafka"].split(":")[1] == WANTED[0].split(":")[2]


def test_ports_are_open_to_this_machine_only(compose: Any) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_data_and_state_are_in_volumes(compose: Any) -> None:
    kept = {name: service.get("volumes", []) for name, service in compose["services"].items()}
    assert kept["kafka"] == [f"kafka:{kafka_settings(compose)['log.dirs']}"]
    assert kept["postgres"] == ["postgres:/var/lib/postgresql/data"]


def test_the_settings_that_the_hub_relies_on_are_the_local_broker_s(compose: Any) -> None:
    found = kafka_settings(compose)
    both = found.keys() & SETTINGS.keys() - OF_THE_PLACE
    assert {name: found[name] for name in both} == {name: SETTINGS[name] for name in both}
    assert both >= {
        "auto.create.topics.enable",
        "offsets.retention.minutes",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        "transaction.max.timeout.ms",
        "unclean.leader.election.enable",
    }


@pytest.mark.kafka
def test_every_kafka_setting_exists_and_takes_its_value(compose: Any, tmp_path: Path) -> None:
    wanted = kafka_settings(compose)
    given = {name: value for name, value in wanted.items() if name not in OF_THE_PLACE}
    with (
        LocalKafka(tmp_path, settings=given) as broker,
        KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers) as admin,
    ):
        found = admin.describe_configs([ConfigResource("BROKER", "1")], config_filter="all")["broker"]["1"]
    assert wanted.keys() <= found.keys()
    assert {name: found[name]["value"] for name in given} == given


def test_listeners_are_advertised_and_mapped(compose: Any) -> None:
    settings = kafka_settings(compose)
    names = {listener.split("://")[0] for listener in settings["listeners"].split(",")}
    assert {pair.split(":")[0] for pair in settings["listener.security.protocol.map"].split(",")} == names
    advertised = {listener.split("://")[0] for listener in settings["advertised.listeners"].split(",")}
    assert advertised == names - {settings["controller.listener.names"]}
    assert settings["inter.broker.listener.name"] in advertised


def test_no_value_is_a_secret(compose: Any) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if SECRET_NAME.search(name):
                assert NOT_IN_THE_FILE.fullmatch(value), name
    for path, text in strings(compose):
        assert not LOOKS_SECRET.search(text), path
    for secret in compose["secrets"].values():
        (where,) = secret
        assert where == "environment" or (where == "file" and KEPT_ELSEWHERE.fullmatch(secret[where]))


def services_of_the_hub(compose: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in compose["services"].items() if each["image"].startswith("enlace:")}


def settings_of(compose: Mapping[str, Any], service: str) -> dict[str, str]:
    """What the service finds in its environment if nothing else was set outside."""
    given = compose["services"][service]["environment"]
    return {name: re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", value) for name, value in given.items()}


def test_every_setting_of_the_hub_that_is_given_exists(compose: Any) -> None:
    known = {
        f"{model.model_config.get('env_prefix', '')}{name}".upper()
        for model in rooms().values()
        for name in model.model_fields
    }
    for name in services_of_the_hub(compose):
        ours = {each for each in settings_of(compose, name) if each.startswith("ENLACE_")}
        assert ours <= known, name


def test_every_service_of_the_hub_runs_a_command_that_exists(compose: Any) -> None:
    services = services_of_the_hub(compose)
    assert services.keys() == {"topics", "router", "scheduler", "recorder", "console"}
    for each in services.values():
        assert f"## `{' '.join(each['command'])}`\n" in commands()


def test_recorder_and_console_have_one_database(compose: Any) -> None:
    urls = {settings_of(compose, name)["ENLACE_DATABASE_URL"] for name in ("recorder", "console")}
    assert urls == {"postgresql://enlace@postgres/enlace"}
    assert all("postgres" in compose["services"][name]["depends_on"] for name in ("recorder", "console"))


def console_settings(compose: Mapping[str, Any]) -> ConsoleSettings:
    prefix = "ENLACE_CONSOLE_"
    given = settings_of(compose, "console").items()
    return ConsoleSettings(
        **{name.removeprefix(prefix).lower(): value for name, value in given if name.startswith(prefix)}  # type: ignore[arg-type]
    )


def test_the_console_ends_tls_itself_and_would_refuse_to_start_without(compose: Any) -> None:
    chosen = console_settings(compose)
    chosen.check()
    assert chosen.tls and not chosen.loopback
    with pytest.raises(NotSafe):
        chosen.model_copy(update={"tls_certfile": None, "tls_keyfile": None}).check()


def test_the_console_answers_where_it_is_published(compose: Any) -> None:
    chosen = console_settings(compose)
    assert compose["services"]["console"]["ports"] == [f"127.0.0.1:{chosen.port}:{chosen.port}"]
    assert chosen.hosts(chosen.port) == {f"localhost:{chosen.port}"}


def checked(compose: Mapping[str, Any], service: str, port: int, **settings: str) -> int:
    """The exit code of a service's health check, asked of something on this machine."""
    *command, code = compose["services"][service]["healthcheck"]["test"]
    assert command == ["CMD", "python", "-c"]
    inside = settings_of(compose, service)["ENLACE_CONSOLE_PORT" if service == "console" else "ENLACE_METRICS_PORT"]
    assert inside in code
    here = [sys.executable, "-c", code.replace(inside, str(port))]
    return subprocess.run(here, env=settings, check=False, capture_output=True).returncode


def test_the_recorder_s_health_check_tells_a_loop_that_turns_from_one_that_stands(compose: Any) -> None:
    now_s = [0.0]
    metrics = RecorderMetrics(Progress(lambda: now_s[0]))
    with serving(metrics.registry, metrics.progress, 0) as port:
        assert port is not None
        assert checked(compose, "recorder", port) == 0
        now_s[0] = 31.0
        assert checked(compose, "recorder", port) != 0


def test_the_console_s_health_check_reaches_it_by_the_name_that_people_type(compose: Any, tmp_path: Path) -> None:
    with answering(tmp_path) as port:
        assert checked(compose, "console", port, ENLACE_CONSOLE_ORIGIN=f"https://localhost:{port}") == 0
        assert checked(compose, "console", port, ENLACE_CONSOLE_ORIGIN=f"https://elsewhere:{port}") != 0


@pytest.mark.parametrize(
    "leak", ["postgresql://enlace:hunter2@postgres/enlace", "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"]
)
def test_a_secret_in_the_file_would_be_found(leak: str) -> None:
    assert LOOKS_SECRET.search(leak)


def instructions() -> list[list[str]]:
    text = (TOP / "Dockerfile").read_text().replace("\\\n", " ")
    return [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def test_the_image_runs_as_a_user_without_rights() -> None:
    last = max(index for index, words in enumerate(instructions()) if words[0] == "FROM")
    users = [words[1] for words in instructions()[last:] if words[0] == "USER"]
    assert users
    assert all(user not in {"root", "0"} for user in users)


def test_the_image_is_made_from_locked_versions_only() -> None:
    installs = [part for words in instructions() for part in " ".join(words).split("&&") if "pip install" in part]
    assert installs
    assert all("--require-hashes" in part or "--no-deps" in part for part in installs)
    assert not any("dev.txt" in part for part in installs)


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    ignored = (TOP / ".dockerignore").read_text().split()
    assert ignored[0] == "*"
    for words in instructions():
        if words[0] == "COPY" and not words[1].startswith("--from"):
            for source in words[1:-1]:
                assert (TOP / source).exists(), source
                assert f"!{source.split('/')[0]}" in ignored, source
