"""`enlace guidelines`: a profile's cases, and whether it is right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .output import FAILURE, JsonFlag, fail, print_json
from .settings import load_bundle, profile_folder

app = typer.Typer(help="Sharing guidelines: check a profile, run its lawyers' cases.", no_args_is_help=True)
ProfileArgument = Annotated[Path | None, typer.Argument(help="The profile's folder.")]


@app.command("test")
def run_tests(profile: ProfileArgument = None, as_json: JsonFlag = False) -> None:
    """Run the lawyers' cases of a profile. Exit code 1 if one differs."""
    from hub.guidelines.cases import run_cases
    from hub.guidelines.profile import ProfileError

    bundle = load_bundle(profile)
    try:
        results = run_cases(bundle, profile_folder(profile))
    except ProfileError as error:
        fail(str(error), 2)
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
def check(profile: ProfileArgument = None) -> None:
    """Read a profile and report every problem of it at once, with file, line and column."""
    bundle = load_bundle(profile)
    typer.echo(f"{len(bundle.agencies)} agencies, {len(bundle.guidelines)} guidelines, bundle {bundle.name}")
