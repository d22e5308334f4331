"""`entrepot connections`: a merchant's accounts on platforms."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from entrepot.cli.failure import CommandFailed
from entrepot.cli.hub import merchant_of, open_hub

if TYPE_CHECKING:
    from entrepot.connections.models import Connection

merchant_option = click.option("--merchant", "code", required=True, help="The merchant's code.")
json_option = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


@click.group()
def connections() -> None:
    """Accounts on platforms: shops, payment gateways, providers, carriers."""


@connections.command()
@click.argument("platform")
@merchant_option
@click.option("--name", default="", help="What people call it.")
@click.option("--test", "is_test", is_flag=True, help="A test account.")
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the platform; NAME=- reads the value from standard input.",
)
@json_option
def add(
    *, platform: str, code: str, name: str, is_test: bool, given: tuple[str, ...], is_json: bool
) -> None:
    """Connect an account; it observes until it goes live."""
    settings: dict[str, object] = dict(_setting(text) for text in given)
    with open_hub():
        from entrepot.canon.orders import Mode  # noqa: PLC0415 -- app not ready
        from entrepot.connections import pings  # noqa: PLC0415 -- app not ready

        connection = pings.connect(
            merchant_of(code).id,
            platform=platform,
            mode=Mode.TEST if is_test else Mode.LIVE,
            name=name,
            settings=settings,
        )
    _tell(connection, is_json=is_json)


@connections.command("list")
@merchant_option
@json_option
def list_connections(*, code: str, is_json: bool) -> None:
    """Show a merchant's connections."""
    with open_hub():
        from entrepot.access import scope  # noqa: PLC0415 -- app not ready
        from entrepot.connections.models import Connection  # noqa: PLC0415 -- app not ready

        with scope.merchant(merchant_of(code).id):
            found = [_told(row) for row in Connection.objects.order_by("mode", "code")]
    if is_json:
        click.echo(json.dumps(found))
        return
    if not found:
        click.echo(f"{code} has no connection yet.")
    for row in found:
        click.echo(
            f"{row['code']:<24} {row['platform']:<14} {row['mode']:<5} {row['status']:<14}"
            f" {row['account']}"
        )


@connections.command("test")
@click.argument("connection_code")
@merchant_option
@json_option
def test_connection(*, connection_code: str, code: str, is_json: bool) -> None:
    """Prove that the credentials of a connection and their scopes work."""
    with open_hub():
        from entrepot.connections import pings  # noqa: PLC0415 -- app not ready

        connection = _found(code, connection_code)
        result = pings.ping_connection(
            connection.id, merchant_id=connection.merchant_id, is_person=True
        )
    told = {
        "code": connection_code,
        "identity": result.identity,
        "name": result.name,
        "mode": result.mode,
        "api_version": result.api_version,
        "warnings": list(result.warnings),
    }
    if is_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"{connection_code} answers as {result.identity or result.name}.")
    for warning in result.warnings:
        click.echo(f"Warning: {warning}", err=True)


@connections.command("go-live")
@click.argument("connection_code")
@merchant_option
@click.option("--reason", default="", help="Kept in the journal.")
@json_option
def go_live(*, connection_code: str, code: str, reason: str, is_json: bool) -> None:
    """Let effects reach outside, for orders placed from now on."""
    with open_hub():
        from entrepot.connections import services  # noqa: PLC0415 -- app not ready

        found = _found(code, connection_code)
        connection = services.go_live(found.id, merchant_id=found.merchant_id, reason=reason)
    _tell(connection, is_json=is_json)


def _setting(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise click.UsageError(f"--set {text!r} lacks a value: write NAME=VALUE")
    if value == "-":
        value = sys.stdin.read().strip()
    return name.strip(), value


def _found(code: str, connection_code: str) -> "Connection":
    from entrepot.access import scope  # noqa: PLC0415 -- app not ready
    from entrepot.connections.models import Connection  # noqa: PLC0415 -- app not ready

    with scope.merchant(merchant_of(code).id):
        found = Connection.objects.filter(code=connection_code).first()
        known = ", ".join(Connection.objects.values_list("code", flat=True)) or "none"
    if found is None:
        raise CommandFailed(f"{code} has no connection {connection_code!r} (known: {known})")
    return found


def _told(connection: "Connection") -> dict[str, Any]:
    return {
        "code": connection.code,
        "platform": connection.platform,
        "mode": connection.mode,
        "status": connection.status,
        "account": connection.account,
        "name": connection.name,
        "live_since": connection.live_since.isoformat() if connection.live_since else None,
    }


def _tell(connection: "Connection", *, is_json: bool) -> None:
    if is_json:
        click.echo(json.dumps(_told(connection)))
        return
    click.echo(f"{connection.code} is {connection.status}.")
