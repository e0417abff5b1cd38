"""A schema registry with Confluent's REST API (Confluent, Apicurio's /apis/ccompat/v7, Karapace), asked once for ids.

Every locked record schema is registered, which is nothing where it was registered before, under the record's full name
(RecordNameStrategy). What the answers mean for a cluster is schema_ids.py's. Needs httpx, which is in the extra `hub`.

Source of the interface: Confluent Schema Registry API reference (`/subjects`, `/schemas`, `/config`; error objects).
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

import fastavro
import httpx
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

import schemas

T = TypeVar("T")

MEDIA_TYPE: Final = "application/vnd.schemaregistry.v1+json"
COMPATIBILITY: Final = "FULL_TRANSITIVE"
REQUEST_S: Final = 10.0  # one step of one request
ALL_S: Final = 60.0  # all that is asked at one start
ANSWER_MAX_BYTES: Final = 1 << 20
MAX_ID: Final = 2**31 - 1


class RegistryError(Exception):
    """The registry gave no usable ids. One line: what was asked, what came back, what to do."""


class Locked(NamedTuple):
    """One version of a record's schema, as lock.json has it."""

    name: str
    version: int
    schema: dict[str, Any]

    @property
    def subject(self) -> str:
        return f"{self.schema['namespace']}.{self.name}"


class RegistrySettings(BaseSettings):
    """Which registry, and how to get in: `ENLACE_SCHEMA_REGISTRY_URL` and so on."""

    model_config = SettingsConfigDict(
        env_prefix="ENLACE_SCHEMA_REGISTRY_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    url: str = Field(description="base address, as in https://registry.example/apis/ccompat/v7")
    username: str | None = Field(None, description="for HTTP Basic")
    password: SecretStr | None = Field(None, description="for HTTP Basic")
    cafile: str | None = Field(None, description="PEM file of the authorities to trust; else the system's")

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an address that begins with http:// or https://")
        if parts.username or parts.password:
            raise ValueError("must not hold a password: ENLACE_SCHEMA_REGISTRY_USERNAME and ..._PASSWORD are for that")
        if parts.query or parts.fragment:
            raise ValueError("must end with the path: no ? and no #")
        return url.rstrip("/")


def registered(settings: RegistrySettings, records: Sequence[Locked]) -> list[int]:
    """The id of every schema, in order; those that the registry does not have yet are registered.

    Follows no redirect, uses no proxy, and ends within ALL_S. Raises RegistryError.
    """
    return _answered(settings, _within(settings, records))


def levels(settings: RegistrySettings) -> dict[str, str]:
    """The compatibility level of each subject of the locked schemas, as the registry keeps it; `unknown` if it does not
    tell. Raises RegistryError."""
    subjects = {Locked(each["name"], each["version"], each["schema"]).subject for each in schemas.lock()["records"]}
    return _answered(settings, _levels(settings, sorted(subjects)))


def _answered(settings: RegistrySettings, asked: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(asked)
    except TimeoutError:
        raise RegistryError(f"{settings.url}: not done after {ALL_S:.0f} s: is it well?") from None
    except httpx.HTTPError as error:
        raise RegistryError(
            f"{settings.url}: {type(error).__name__}: is it running, and is this its address?"
        ) from None
    except OSError as error:  # of the file of authorities
        raise RegistryError(f"{settings.cafile or settings.url}: {type(error).__name__}") from None


async def _within(settings: RegistrySettings, records: Sequence[Locked]) -> list[int]:
    async with _open(settings) as registry:
        ids = [await registry.register(schema) for schema in records]
        if len(set(ids)) != len(ids):
            raise RegistryError(f"{settings.url}: gave one id to several schemas: it cannot be used")
        for subject in dict.fromkeys(schema.subject for schema in records):
            await registry.guard(subject)
        return ids


async def _levels(settings: RegistrySettings, subjects: Sequence[str]) -> dict[str, str]:
    async with _open(settings) as registry:
        return {subject: await registry.level(subject) for subject in subjects}


@asynccontextmanager
async def _open(settings: RegistrySettings) -> AsyncIterator[_Registry]:
    password = settings.password.get_secret_value() if settings.password else ""
    async with (
        asyncio.timeout(ALL_S),
        httpx.AsyncClient(
            auth=(settings.username, password) if settings.username else None,
            verify=ssl.create_default_context(cafile=settings.cafile),
            timeout=REQUEST_S,
            follow_redirects=False,
            trust_env=False,
            headers={"Accept": f"{MEDIA_TYPE}, application/json", "Content-Type": MEDIA_TYPE},
        ) as client,
    ):
        yield _Registry(client, settings.url)


class _Registry:
    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url

    async def register(self, locked: Locked) -> int:
        """The schema's id, which must lead back to the schema."""
        text = json.dumps(locked.schema, separators=(",", ":"))
        path = f"/subjects/{quote(locked.subject, safe='')}/versions"
        answer = await self._ask("POST", path, {"schema": text})
        number = answer.get("id")
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MAX_ID:
            raise RegistryError(f"{self._url}: no id for {locked.subject}: is this a registry with Confluent's API?")
        stored = (await self._ask("GET", f"/schemas/ids/{number}")).get("schema")
        if not isinstance(stored, str) or _canonical(stored) != _canonical(text):
            raise RegistryError(f"{self._url}: id {number} of {locked.subject} leads to another schema")
        return number

    async def guard(self, subject: str) -> None:
        """Has the registry itself refuse what would break readers; some allow everything unless told."""
        if await self.level(subject) != COMPATIBILITY:
            await self._ask("PUT", _config(subject), {"compatibility": COMPATIBILITY})

    async def level(self, subject: str) -> str:
        answer = await self._ask("GET", f"{_config(subject)}?defaultToGlobal=true", absent={})
        return str(answer.get("compatibilityLevel", "unknown"))[:40]

    async def _ask(
        self, method: str, path: str, body: dict[str, str] | None = None, absent: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The JSON object of an answer; `absent` in place of a 404, if given."""
        content = json.dumps(body).encode() if body is not None else None
        async with self._client.stream(method, self._url + path, content=content) as response:
            data = b""
            async for part in response.aiter_bytes():
                data += part
                if len(data) > ANSWER_MAX_BYTES:
                    raise RegistryError(f"{self._url}: its answer is over {ANSWER_MAX_BYTES} bytes")
        if response.status_code == 404 and absent is not None:
            return absent
        if response.status_code != 200:
            raise RegistryError(f"{self._url}: {method} {path}: {response.status_code}{_advice(response.status_code)}")
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise RegistryError(f"{self._url}: no JSON object came back: is this a registry with Confluent's API?")
        return answer


def _config(subject: str) -> str:
    return f"/config/{quote(subject, safe='')}"


def _advice(status: int) -> str:
    if status in (401, 403):
        return ": it does not let us in: ENLACE_SCHEMA_REGISTRY_USERNAME and ..._PASSWORD"
    if 300 <= status < 400:
        return ": it redirects, which is not followed: set the address that it leads to"
    return {
        404: ": nothing is there: is the path right? Apicurio's is /apis/ccompat/v7",
        409: ": it holds an older schema that does not go with ours, under the same name",
        422: ": it does not take this schema",
    }.get(status, "")


def _canonical(schema: str) -> str | None:
    """Avro's Parsing Canonical Form: equal for schemas whose data look alike, however they are written."""
    try:
        return fastavro.schema.to_parsing_canonical_form(fastavro.parse_schema(json.loads(schema)))
    except Exception:  # fastavro raises whatever the text provokes
        return None
