"""`enlace guidelines`: what stewards do with guidelines before they are in force: check, test, compare, preview, read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .output import BAD_INPUT, FAILURE, JsonFlag, fail, print_json
from .rules import bundle_of
from .settings import load_bundle, profile_folder

if TYPE_CHECKING:
    from hub.guidelines.bundle import Bundle
    from hub.guidelines.changes import Change, Difference
    from hub.guidelines.findings import Finding
    from hub.guidelines.profile import Problem
    from hub.model.core import Alert

app = typer.Typer(
    help="Sharing guidelines: check, test, compare, preview and read them before they are in force.",
    no_args_is_help=True,
)
ProfileArgument = Annotated[Path | None, typer.Argument(help="The profile's folder.")]
SideArgument = Annotated[Path, typer.Argument(help="A profile's folder, or a bundle's or draft's file.")]
LanguageOption = Annotated[str, typer.Option(help="es or en.")]
OnOption = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="The day that is looked at; today if none is named."),
]
LEVELS = ("error", "warning", "note")


@app.command("test")
def run_tests(profile: ProfileArgument = None, as_json: JsonFlag = False) -> None:
    """Run the lawyers' cases of a profile. Exit code 1 if one differs."""
    from hub.guidelines.cases import run_cases
    from hub.guidelines.profile import ProfileError

    bundle = load_bundle(profile)
    try:
        results = run_cases(bundle, profile_folder(profile))
    except ProfileError as error:
        fail(str(error), BAD_INPUT)
    failed = [result for result in results if result.differences]
    if as_json:
        print_json([{"id": each.id, "file": each.file, "differences": list(each.differences)} for each in results])
    else:
        for each in failed:
            typer.echo(f"{each.file}: {each.id}: {each.title.en}")
            for difference in each.differences:
                typer.echo(f"  {difference}")
        typer.echo(f"{len(results) - len(failed)} passed" + (f", {len(failed)} failed" if failed else ""))
    if failed:
        raise typer.Exit(FAILURE)


@app.command()
def check(
    profile: ProfileArgument = None,
    fail_on: Annotated[
        str, typer.Option(help="The least level that gives exit code 1: error, warning or note.")
    ] = "error",
    on: OnOption = None,
    language: LanguageOption = "en",
    as_json: JsonFlag = False,
) -> None:
    """Every problem of a profile with file, line and column; and if there is none, what is unwise in it: guidelines that
    never match, are overridden or implied, contradict; who and what is reached by nothing; what expires; how victims are
    named. Each finding has an example alert. docs/guideline-findings.md explains the codes. Exit code 2 if it does not load."""
    from hub.guidelines.analyse import analyse
    from hub.guidelines.profile import ProfileError, load_profile

    _known("--fail-on", fail_on, LEVELS)
    _known("--language", language, ("es", "en"))
    folder = profile_folder(profile)
    try:
        bundle = load_profile(folder)
    except ProfileError as error:
        _print_findings([_as_finding(each) for each in error.problems], language, as_json)
        raise typer.Exit(BAD_INPUT) from None
    findings = analyse(bundle, _day(on))
    _print_findings(findings, language, as_json)
    if not as_json:
        counted = ", ".join(_count(sum(each.level == level for each in findings), level) for level in LEVELS)
        typer.echo(
            f"{len(bundle.agencies)} agencies, {len(bundle.guidelines)} guidelines, bundle {bundle.name}: {counted}"
        )
    if any(LEVELS.index(each.level) <= LEVELS.index(fail_on) for each in findings):
        raise typer.Exit(FAILURE)


@app.command()
def diff(
    old: SideArgument,
    new: SideArgument,
    on: OnOption = None,
    language: LanguageOption = "en",
    as_json: JsonFlag = False,
) -> None:
    """Which decisions differ between two sets of guidelines, from today or `--on` a day: who now also receives what, and who
    no longer, with an example alert each."""
    from hub.guidelines.changes import diff as compare

    _known("--language", language, ("es", "en"))
    found = compare(bundle_of(old), bundle_of(new), _day(on))
    if as_json:
        print_json(found.model_dump(mode="json", exclude_none=True))
    else:
        _print_difference(found, language)


@app.command()
def preview(
    alerts: Annotated[list[Path], typer.Argument(help="Alerts as `convert` prints them; - is input.")],
    profile: Annotated[Path | None, typer.Option(help="The profile's folder.")] = None,
    language: LanguageOption = "en",
    as_json: JsonFlag = False,
) -> None:
    """Who would receive an alert, and exactly what each would see: core, released sections with their content, obligations.
    This shows personal data. Nothing is sent. Exit code 2 if an alert cannot be decided."""
    from .decide import CannotDecide, alert_of, alerts_of

    _known("--language", language, ("es", "en"))
    bundle, bad = load_bundle(profile), 0
    for place, read in alerts_of(alerts):
        try:
            alert = alert_of(read)
            seen = _seen(alert, bundle)
        except CannotDecide as error:
            typer.echo(json.dumps({"level": "bad", "file": place, "reason": str(error)}, ensure_ascii=False), err=True)
            bad += 1
            continue
        if as_json:
            print_json(seen)
        else:
            _print_seen(alert, bundle, seen, language)
    if bad:
        raise typer.Exit(BAD_INPUT)


@app.command()
def show(
    profile: Annotated[Path | None, typer.Argument(help="A profile's folder, or a bundle's or draft's file.")] = None,
    language: LanguageOption = "es",
    form: Annotated[str, typer.Option("--format", help="markdown or html.")] = "markdown",
    output: Annotated[Path | None, typer.Option(help="The file to write instead of standard output.")] = None,
    serial: Annotated[int | None, typer.Option(min=1, help="Under which serial number it was published.")] = None,
) -> None:
    """The guidelines as a document that their parties can read and sign, made from the text that decides."""
    from hub.guidelines.render import to_html, to_markdown

    _known("--language", language, ("es", "en"))
    _known("--format", form, ("markdown", "html"))
    bundle = bundle_of(profile) if profile else load_bundle(None)
    text = (to_html if form == "html" else to_markdown)(bundle, "es" if language == "es" else "en", serial)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{output.name} cannot be written: {error.strerror}", BAD_INPUT)


@app.command()
def schema() -> None:
    """The JSON Schema of the files of guidelines, for editors: profiles/guidelines.schema.json is this."""
    from hub.guidelines.schema import guidelines_schema

    typer.echo(json.dumps(guidelines_schema(), ensure_ascii=False, indent=2))


# --- what the commands share


def _known(option: str, value: str, values: tuple[str, ...]) -> None:
    if value not in values:
        fail(f"{option} is {', '.join(values[:-1])} or {values[-1]}", BAD_INPUT)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _day(on: datetime | None) -> date:
    return on.date() if on else datetime.now(UTC).date()


# --- findings


def _as_finding(problem: Problem) -> Finding:
    """What keeps a profile from loading, as a finding of the gravest level."""
    from hub.guidelines.findings import finding

    field = problem.field.split(".")
    code = "unknown-value" if field[0] == "when" and len(field) > 3 else "does-not-load"
    return finding(code, [problem.entry] if problem.entry else [], detail=str(problem))


def _print_findings(findings: Iterable[Finding], language: str, as_json: bool) -> None:
    if as_json:
        print_json([each.model_dump(mode="json", exclude_none=True) for each in findings])
        return
    words = {
        "en": ("to do", "example", "sampled: {0} regions looked at, none says otherwise"),
        "es": ("qué hacer", "ejemplo", "por muestreo: {0} regiones examinadas, ninguna lo contradice"),
    }[language]
    for each in findings:
        typer.echo(f"{each.level} {each.code}: {getattr(each.text, language)}")
        if each.sampled is not None:
            typer.echo(f"    ({words[2].format(each.sampled)})")
        typer.echo(f"    {words[0]}: {getattr(each.advice, language)}")
        if each.case:
            typer.echo(f"    {words[1]}: {_one_line(each.case)}")


def _one_line(case: dict[str, Any]) -> str:
    """An example's alert as YAML on one line, to be pasted into `cases/*.yaml`."""
    return json.dumps(case["alert"], ensure_ascii=False)


# --- differences


def _print_difference(found: Difference, language: str) -> None:
    es = language == "es"
    typer.echo(f"{found.old} -> {found.new}")
    for edit in found.edits:
        fields = f": {', '.join(edit.fields)}" if edit.fields else ""
        typer.echo(f"  {edit.what} {edit.id} {edit.how}{fields}")
    typer.echo("")
    for change in found.changes:
        typer.echo(f"* {getattr(change.text, language)}")
        typer.echo(f"    {'ejemplo' if es else 'example'}: {_one_line(change.case)}")
        typer.echo(f"    {_both(change, es)}")
    typer.echo(_count(len(found.changes), "cambio" if es else "change"))
    if found.sampled is not None:
        said = "por muestreo: puede haber más" if es else "sampled: there may be more"
        typer.echo(f"({said}; {found.sampled})")


def _both(change: Change, es: bool) -> str:
    then, now = ("antes", "ahora") if es else ("before", "after")
    return f"{then}: {_part(change.before)}; {now}: {_part(change.after)}"


def _part(part: Any) -> str:
    by = f" [{', '.join(part.guidelines)}]" if part.guidelines else ""
    released = f" (core{''.join(f', {each}' for each in part.released)})" if part.reason == "permitted" else ""
    return f"{part.reason}{released}{by}"


# --- previews


def _seen(alert: Alert, bundle: Bundle) -> list[dict[str, Any]]:
    """For each recipient what its delivery would hold, payloads decoded."""
    from hub.guidelines.decide import decide
    from hub.guidelines.outcome import UnknownValue
    from hub.model.core import categories
    from hub.model.text import section_to_json, to_json

    from .decide import CannotDecide

    now_ms = time.time_ns() // 1_000_000
    try:
        decision = decide(alert.routing, alert.core, categories(alert.sections), bundle, now_ms)
    except UnknownValue as unknown:
        raise CannotDecide(f"{unknown}: it would wait in quarantine") from None
    return [
        {
            "agency": outcome.agency,
            "guidelines": list(outcome.guidelines),
            "obligation": to_json(outcome.obligation),
            "core": to_json(alert.core),
            "sections": [section_to_json(each) for each in alert.sections if each.category in outcome.released],
        }
        for outcome in decision.permitted
    ]


def _print_seen(alert: Alert, bundle: Bundle, seen: list[dict[str, Any]], language: str) -> None:
    core = alert.core
    typer.echo(f"Alert {core.id} · {core.label.class_} · from {core.originator} · TLP:{core.label.tlp}")
    if not seen:
        typer.echo("nadie la recibe" if language == "es" else "nobody receives it")
    for each in seen:
        agency = bundle.agency(each["agency"])
        name = getattr(agency.name, language) if agency else each["agency"]
        typer.echo(f"\n{name} ({each['agency']}) [{', '.join(each['guidelines'])}]")
        typer.echo("  core")
        for line in _lines({name: value for name, value in each["core"].items() if name != "digests"}, "    "):
            typer.echo(line)
        for section in each["sections"]:
            typer.echo(f"  {section['category']}")
            for line in _lines(section["payload"], "    "):
                typer.echo(line)
        typer.echo("  obligation")
        for line in _lines(each["obligation"], "    "):
            typer.echo(line)


def _lines(value: Any, indent: str) -> Iterator[str]:
    """A JSON value as indented text; what is empty is left out."""
    items: Iterable[tuple[str, Any]]
    if isinstance(value, dict):
        items = ((f"{name}:", each) for name, each in value.items())
    elif isinstance(value, list):
        items = (("-", each) for each in value)
    else:
        items = [("", value)]
    for name, each in items:
        if each in (None, [], {}, ""):
            continue
        if isinstance(each, dict) or (isinstance(each, list) and any(isinstance(item, dict | list) for item in each)):
            yield f"{indent}{name}"
            yield from _lines(each, f"{indent}  ")
        else:
            yield f"{indent}{name} {', '.join(map(str, each)) if isinstance(each, list) else each}"
