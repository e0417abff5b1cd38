"""The words of caveats, which whoever reads a case is shown: from the profile's file (`caveats: [{id, text: {es, en}}]`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hub.model.base import Code, Model, ShortText

MAX_BYTES: Final = 1 << 20


class Words(Model):
    es: ShortText
    en: ShortText


class Caveat(Model):
    id: Code
    text: Words


class _File(Model):
    caveats: Annotated[tuple[Caveat, ...], Field(max_length=1_000)]


class BadCaveats(ValueError):
    """The file is not a list of caveats."""


def load(path: Path | None) -> Mapping[str, Words]:
    """The words by code; none without a file, then the codes stand for themselves. Raises BadCaveats."""
    if path is None:
        return {}
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise BadCaveats(f"{path.name}: over {MAX_BYTES} bytes")
        file = _File.model_validate(YAML(typ="safe", pure=True).load(data))
    except (OSError, YAMLError, ValidationError, UnicodeDecodeError) as error:
        raise BadCaveats(f"{path.name}: not a file of caveats ({type(error).__name__})") from None
    return {each.id: each.text for each in file.caveats}


def words(codes: tuple[str, ...], known: Mapping[str, Words], language: str) -> str:
    """The caveats of a case in one language, one a line; a code without words stands for itself."""
    return "\n".join(str(getattr(known[code], language)) if code in known else code for code in codes)
