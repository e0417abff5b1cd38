"""Change control, under `enlace guidelines`: draft, keygen, approve, publish, history. docs/change-control.md is the walk."""

from __future__ import annotations

import base64
import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cluster import reached, schema_ids
from .output import BAD_INPUT, JsonFlag, fail, print_json, table
from .rules import bundle_of, from_file, publisher, read, read_topic

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from hub.guidelines.draft import Draft

    from .rules import Entry

app = typer.Typer()
DraftArgument = Annotated[Path, typer.Argument(metavar="DRAFT", help="The draft's file.")]


@app.command()
def draft(
    source: Annotated[
        Path, typer.Argument(metavar="PROFILE", help="The profile's folder, or a bundle's or draft's file.")
    ],
    out: Annotated[Path, typer.Option(help="The file to write.")],
) -> None:
    """Write a profile as a draft: the next serial, after the bundle that is in force now. To roll back, draft an old one."""
    from hub.guidelines.approval import NotApproved, bad_keys, check_stewards, following
    from hub.guidelines.draft import draft_of, draft_to_text

    bundle = bundle_of(source)
    if bad := bad_keys(bundle):
        fail(f"a steward's key of {', '.join(bad)} is none: `enlace guidelines keygen` makes them", BAD_INPUT)
    try:
        check_stewards(bundle)
    except NotApproved as error:
        fail(f"{error.detail}; write them as `stewards` of their agencies, or nothing could ever follow it", BAD_INPUT)
    with reached() as connection:
        book, _ = read_topic(connection, schema_ids(connection))
    made = draft_of(bundle, *following(book.in_force))
    out.write_text(draft_to_text(made), encoding="utf-8")
    typer.echo(f"{out.name}: {_about(made)}")


@app.command()
def keygen(
    out: Annotated[Path, typer.Option(help="The file to write the private key to. It must not exist.")],
    unprotected: Annotated[
        bool, typer.Option("--unprotected", help="Without a passphrase: for tests and demos.")
    ] = False,
) -> None:
    """Make a steward's key pair. The public key, printed, goes into agencies.yaml; the file stays with the steward."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if not unprotected:
        passphrase = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True)
        protection = serialization.BestAvailableEncryption(passphrase.encode())
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
    except OSError as error:
        fail(f"{out.name}: cannot be written: {error.strerror}", BAD_INPUT)
    typer.echo(base64.b64encode(key.public_key().public_bytes_raw()).decode())


@app.command()
def approve(
    draft: DraftArgument,
    key: Annotated[Path, typer.Option(help="The steward's private key, as `keygen` wrote it.")],
    steward: Annotated[str, typer.Option(help="Who approves.")],
    out: Annotated[Path | None, typer.Option(help="The file to write; beside the draft otherwise.")] = None,
) -> None:
    """Sign a draft. It needs no cluster; read what it changes first (`enlace guidelines replay`)."""
    from hub.guidelines.approval import agency_of_key
    from hub.guidelines.approval import approve as sign
    from hub.guidelines.draft import approval_file, draft_from_text

    read_draft = from_file(draft, draft_from_text)
    private = _private_key(key)
    agency = agency_of_key(read_draft.bundle, private.public_key().public_bytes_raw())
    previous, digest = bytes.fromhex(read_draft.previous), bytes.fromhex(read_draft.digest)
    approval = sign(private, read_draft.serial, previous, digest, steward, agency)
    name = "".join(each if each.isalnum() else "-" for each in steward.lower())
    target = out or draft.with_name(f"{draft.stem}.{name}.approval.json")
    target.write_text(approval_file(read_draft, approval).model_dump_json(indent=1) + "\n", encoding="utf-8")
    typer.echo(f"{steward} approves {_about(read_draft)}\n{target.name}")


@app.command()
def publish(
    draft: DraftArgument, approvals: Annotated[list[Path], typer.Argument(help="Two stewards' approvals of it.")]
) -> None:
    """Put an approved draft into force. It is verified as every router will, and not published otherwise."""
    from hub.bus.bus import Outgoing
    from hub.guidelines import approval, rulebook
    from hub.guidelines.draft import approval_from_text, draft_from_text
    from hub.inforce import PLACE
    from hub.model.avro import encode, frame

    made = from_file(draft, draft_from_text)
    signed = [from_file(path, approval_from_text) for path in approvals]
    for path, each in zip(approvals, signed, strict=True):
        if (each.serial, each.previous, each.digest) != (made.serial, made.previous, made.digest):
            fail(f"{path.name}: approves serial {each.serial}, {each.digest[:16]}: that is not this draft", BAD_INPUT)
    with reached() as connection:
        ids, writer = schema_ids(connection), publisher(connection)
        try:
            book, _ = read([record for _, record in writer.table(PLACE.topic)], ids)
            record = approval.publication(
                made.serial, bytes.fromhex(made.previous), made.bundle, [each.approval() for each in signed]
            )
            value = frame(ids.by_name["Publication"], encode(record))
            book.take(rulebook.bundle_key(made.serial), value)
            writer.publish([Outgoing(*PLACE, rulebook.bundle_key(made.serial), value)])
        except approval.NotApproved as error:
            fail(f"not published: {error}", BAD_INPUT)
        finally:
            writer.close()
    typer.echo(f"in force: {_about(made)}, approved by {' and '.join(each.steward for each in signed)}")


@app.command()
def history(as_json: JsonFlag = False) -> None:
    """Every bundle that was published, and what was refused and why. The last one in force is marked."""
    with reached() as connection:
        book, entries = read_topic(connection, schema_ids(connection))
    in_force = book.in_force.serial if book.in_force else None
    rows = [_row(entry, in_force) for entry in entries if (entry.record.key or b"").startswith(b"bundle/")]
    if as_json:
        print_json(rows)
        return
    columns = ("serial", "state", "digest", "previous", "published", "approved_by")
    shown = ([_cell(row[name]) for name in columns] for row in rows)
    table("Published bundles", columns, shown)


def _row(entry: Entry, in_force: int | None) -> dict[str, Any]:
    from hub.model.base import to_rfc3339
    from hub.model.publication import Publication

    row: dict[str, Any] = {
        "serial": (entry.record.key or b"").decode("utf-8", errors="replace").removeprefix("bundle/")[:20],
        "state": f"refused: {entry.refused}" if entry.refused else "repeated",
        "digest": None,
        "previous": None,
        "published": to_rfc3339(entry.record.timestamp_ms),
        "approved_by": [],
    }
    if isinstance(entry.taken, Publication):
        state = "in force" if entry.taken.serial == in_force else "replaced"
        row |= {"serial": entry.taken.serial, "state": state}
        row |= {"digest": entry.taken.digest.hex(), "previous": entry.taken.previous.hex()}
        row["approved_by"] = [
            f"{each.steward} ({each.agency})" if each.agency else each.steward for each in entry.taken.approvals
        ]
    return row


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    text = "" if value is None else str(value)
    return text[:16] if len(text) == 64 else text


def _about(draft: Draft) -> str:
    follows = draft.previous[:16] if int(draft.previous, 16) else "nothing"
    return (
        f"serial {draft.serial}, bundle {draft.digest[:16]}, {len(draft.bundle.guidelines)} guidelines, after {follows}"
    )


def _private_key(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        text = path.read_bytes()
        try:
            key = serialization.load_pem_private_key(text, None)
        except TypeError:  # it is protected
            key = serialization.load_pem_private_key(text, getpass.getpass("Passphrase: ").encode())
    except (OSError, ValueError, TypeError) as error:
        fail(f"{path.name}: no private key, or the wrong passphrase ({type(error).__name__})", BAD_INPUT)
    if not isinstance(key, Ed25519PrivateKey):
        fail(f"{path.name}: a key of another kind; Ed25519 is needed", BAD_INPUT)
    return key
