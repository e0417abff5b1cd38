"""Sistema de la Integración Centroamericana: patterns by STIX 2.1 in and out, and no circle between the two.

What comes back of what we wrote is not published again (ours.py). What SICA adds to it, or builds upon it, is an alert of its
own that names ours as its source and inherits its limits. What a pattern is: pattern.py; how one is written: bundles.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Literal

from pydantic import Field

from connectors.formats import stix
from connectors.formats.stix_record import BadObject
from connectors.sdk import Alert, BadNative, BadRecord, Cancel, Connector, Note, Options, Original, Read
from connectors.sdk.effects import metadata, open_engine
from connectors.sdk.terms import load_words
from connectors.transports.files import Complete, Files
from hub.model.codes import Reliability, Tlp

from .bundles import BundleSink
from .ours import Received, received
from .pattern import Persons, Rules, pattern, says_something, sent_as
from .trial import trial_bundles

Class = Literal["recruitment-offer", "document-fraud", "financial-flow", "suspected-transit"]
ASK: Final = "Secretaría General del SICA"


class BadOptions(ValueError):
    """The options do not fit what is asked for."""


class BundleOptions(Options):
    files: tuple[Path, ...] = Field((), description="STIX 2.1 files")
    folder: Path | None = Field(None, description="a folder into which such files are put")
    complete: Complete = Field("quiet", description="when a file in the folder is complete: see transports/files.py")
    quiet_s: float = Field(2.0, ge=0, le=3600, description="seconds without writing after which a file is complete")
    classes: dict[str, Class] = Field(
        default_factory=dict, max_length=200, description="the partner's own labels or report types, to classes"
    )
    purposes: tuple[str, ...] = Field(("prevention",), min_length=1, description="purposes of every alert")
    persons: Persons = Field(
        "set-aside",
        description="what becomes of a bundle that names persons: `set-aside`, or `publish` them as sections",
    )
    reliability: Reliability = Field("F", description="of the sender as a source, by the Admiralty code")
    valid_days: int = Field(60, ge=1, le=89, description="how long a pattern is valid")
    bundles: Path | None = Field(None, description="the folder into which bundles for SICA are put")
    database: str | None = Field(
        None, description="memory of what was written, as an SQLAlchemy URL; by it what comes back is known to be ours"
    )
    agencies: tuple[str, ...] = Field(
        (),
        max_length=200,
        description="ids of the hub's agencies: what one of them made is ours, whatever else is known",
    )
    max_tlp: Tlp = Field(
        "GREEN", description="the narrowest label that SICA may be trusted with: what is narrower is refused"
    )
    profile: Path | None = Field(None, description="the profile's folder: names of agencies, words of caveats")


class BundleSource:
    """Units of STIX files, one alert each."""

    def __init__(self, options: BundleOptions) -> None:
        self._options = options
        self._files = Files(options.files, options.folder, options.quiet_s, options.complete)
        self._engine = open_engine(options.database) if options.database else None
        if self._engine is not None:
            metadata.create_all(self._engine)
        self._rules = Rules(
            purposes=options.purposes,
            classes={label.lower(): found for label, found in options.classes.items()},
            persons=options.persons,
            reliability=options.reliability,
            valid_days=options.valid_days,
        )

    def check(self) -> None:
        """Looks at the folder. Raises OSError."""
        if self._options.folder is not None:
            next(self._options.folder.iterdir(), None)

    def read(self, after: str | None) -> Iterator[Read[Received | None] | BadRecord]:
        return self._files.read(after, self._units)

    def alerts(self, native: Received | None) -> Iterable[Alert | Cancel | Note]:
        if native is None:
            return
        root = native.unit.root
        if root.id in native.own:
            items = [each for each in native.unit.members if each.id not in native.own]
            key = f"answer/{root.id}"
        else:
            items = [each for each in (root, *native.unit.members) if each.id not in native.own]
            key = root.id
        if native.unit.revoked:
            yield Cancel(key)
            return
        if not any(says_something(each) for each in items):
            yield Note("made of an alert of this hub, with nothing added: not published again", "id", "ours")
            return
        if native.unknown:
            raise BadNative("it rests on an alert of this hub whose limits are not known here (option database)", "id")
        found = pattern(native.unit, items, self._rules)
        yield from found.notes
        yield Alert(key, found.draft, found.contents, native.rests_on)

    def settled(self, position: str) -> None:
        self._files.settled(position)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()

    def _units(self, stream: BinaryIO, file: str) -> Iterator[Read[Received] | BadRecord]:
        for item in stix.read(stream):
            if isinstance(item, BadObject):
                yield BadRecord(file, item.reason, line=item.line, field=item.field, code=item.code)
            else:
                known = received(item, self._engine, self._options.agencies)
                yield Read(known, "", file, item.line, original=Original(sent_as(item), "application/stix+json", ASK))


def _sink(options: BundleOptions) -> BundleSink:
    if options.bundles is None or options.database is None:
        raise BadOptions("bundles, database: where bundles are put, and where they are remembered, is not named")
    if options.folder is not None and options.folder.resolve() == options.bundles.resolve():
        raise BadOptions("bundles: the folder that is read may not be the one that is written: name another")
    return BundleSink(options.bundles, options.database, options.max_tlp, load_words(options.profile))


def _options_of_files(paths: Sequence[Path], watchlist: Path | None) -> BundleOptions:
    if watchlist is not None:
        raise BadNative("this connector screens nothing and takes no watch list", "watchlist")
    return BundleOptions(files=tuple(paths))


CONNECTOR = Connector(
    name="sica",
    agency="sica",
    title="Sistema de la Integración Centroamericana: patterns (STIX 2.1)",
    options=BundleOptions,
    source=BundleSource,
    sink=_sink,
    files=_options_of_files,
    trial=lambda folder: trial_bundles(folder, BundleOptions),
)
