"""`enlace alert`: one alert's life, and why each agency receives it or not."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .output import BAD_INPUT, FAILURE, JsonFlag, fail, print_json, table
from .recorded import note, read_model

if TYPE_CHECKING:
    from hub.guidelines.language import Language
    from hub.readmodel.results import AlertLife, Event, Scope

ScopeOption = Annotated[
    list[str] | None, typer.Option("--auditor-of", help="An agency that you audit: shows its restricted alerts, too.")
]
HAS_ENDED = {
    "es": "Terminó su vigencia y nadie debe tenerla ya. Esto se decidió antes:",
    "en": "Its validity has passed, and nobody is to hold it any more. This was decided before:",
}


def alert(
    alert_id: Annotated[str, typer.Argument(metavar="ID", help="The alert's id.")],
    why: Annotated[str | None, typer.Option(help="An agency: why does it (not) receive this alert?")] = None,
    auditor_of: ScopeOption = None,
    profile: Annotated[Path | None, typer.Option(help="The profile, if its bundle was never published.")] = None,
    english: Annotated[bool, typer.Option("--english", help="Explain in English.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """One alert's life as a timeline; with --why, what decided about one agency. Looking is written to the audit log."""
    from hub.readmodel.evidence import alert_id as parsed
    from hub.readmodel.queries import alert_life
    from hub.readmodel.results import Scope

    wanted = parsed(alert_id)
    if wanted is None:
        fail("an alert's id is a UUID", BAD_INPUT)
    scope = Scope(frozenset(auditor_of or ()))
    with read_model() as connection:
        life = alert_life(connection, scope, wanted)
    note("alert.seen", str(wanted), "done" if life else "refused", _seen(scope, why))
    if life is None:
        fail(f"no alert {wanted} is recorded, or it is restricted to its parties' auditors", FAILURE)
    if why is not None:
        _explain(life, why, profile, "en" if english else "es", as_json)
    elif as_json:
        print_json(_plain(life))
    else:
        _show(life)


def _seen(scope: Scope, why: str | None) -> str:
    parts = [f"auditor of {', '.join(sorted(scope.agencies))}"] if scope.agencies else []
    return "; ".join([*parts, *([f"why {why}"] if why else [])])


def _show(life: AlertLife) -> None:
    from hub.model.base import to_rfc3339

    row = life.alert
    typer.echo(f"{row.id}: {row.alert_class} of {row.originator}, {row.tlp}, revision {row.revision}, {row.state}")
    rows = [(to_rfc3339(each.at_ms or each.authorised_ms or 0), *_line(each)) for each in life.events()]  # type: ignore[union-attr]
    table("Timeline", ("time", "what", "agency", "detail"), rows)
    newest = next((each for each in reversed(life.decisions) if each.verdicts), None)
    if newest is not None:
        verdicts = ((each.agency, each.reason, ", ".join(each.categories)) for each in newest.verdicts)
        table(f"Revision {newest.revision}", ("agency", "reason", "released"), verdicts)


def _line(event: Event) -> tuple[str, str, str]:
    from hub.readmodel.results import DecisionEntry, DeliveryEntry, EndEntry

    if isinstance(event, DecisionEntry):
        permitted = [each.agency for each in event.verdicts if each.reason == "permitted"]
        return (
            event.outcome,
            "",
            f"revision {event.revision}, bundle {event.bundle[:12]}, to {', '.join(permitted) or 'nobody'}",
        )
    if isinstance(event, EndEntry):
        holders = [each.agency for each in event.verdicts if each.delivery]
        withdrawn = f", withdrawn from {', '.join(holders)}" if holders else ""
        return event.outcome, "", f"revision {event.revision}{withdrawn}"
    if isinstance(event, DeliveryEntry):
        reason = f" ({event.reason})" if event.reason else ""
        return event.kind or "ordered, not seen", event.recipient, f"{event.id} number {event.number or '?'}{reason}"
    return event.state, event.recipient, f"{event.delivery}{f' ({event.reason})' if event.reason else ''}"


def _plain(life: AlertLife) -> dict[str, Any]:
    found = asdict(life)
    found["alert"]["id"] = str(life.alert.id)
    for each in found["deliveries"]:
        each["alert"] = str(each["alert"])
    return found


def _explain(life: AlertLife, agency: str, profile: Path | None, language: Language, as_json: bool) -> None:
    """The newest decision that told anything of agencies."""
    from hub.bus.bus import BusError
    from hub.readmodel.evidence import NoEvidence, bundle_of, decision_at, explained

    from .cluster import reached, schema_ids
    from .settings import load_bundle

    entry = next((each for each in reversed(life.decisions) if each.verdicts), None)
    if entry is None:
        fail(f"no decision on {life.alert.id} names an agency", FAILURE)
    local = load_bundle(profile) if profile is not None else None
    try:
        with read_model() as database:
            bundle = bundle_of(database, entry.bundle, local)
        with reached() as connection:
            decision = decision_at(connection, schema_ids(connection), entry)
        found = explained(decision, bundle, agency, language)
    except (NoEvidence, BusError) as error:
        fail(str(error), FAILURE)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    if life.has_ended:
        typer.echo(HAS_ENDED[language])
    for line in found.lines():
        typer.echo(line)
