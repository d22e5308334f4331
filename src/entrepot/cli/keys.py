"""`entrepot keys`: API keys of programs."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from entrepot.cli.failure import CommandFailed
from entrepot.cli.hub import merchant_of, open_hub

if TYPE_CHECKING:
    from entrepot.access.models import ApiKey

merchant_option = click.option("--merchant", "code", required=True, help="The merchant's code.")
json_option = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


@click.group()
def keys() -> None:
    """API keys, by which programs call in a merchant's name."""


@keys.command()
@click.argument("name")
@merchant_option
@click.option("--scope", "scopes", multiple=True, required=True, help="May be given repeatedly.")
@click.option("--test", "is_test", is_flag=True, help="A key for the test mode.")
@click.option("--address", "addresses", multiple=True, help="Only from this address or network.")
@click.option("--rate-limit", default=600, show_default=True, help="Calls in a minute.")
@click.option("--days", type=click.IntRange(1), help="The key expires after so many days.")
@json_option
def create(
    *,
    name: str,
    code: str,
    scopes: tuple[str, ...],
    is_test: bool,
    addresses: tuple[str, ...],
    rate_limit: int,
    days: int | None,
    is_json: bool,
) -> None:
    """Make a key and show it, once."""
    with open_hub():
        from django.utils import timezone  # noqa: PLC0415 -- app not ready

        from entrepot.access.keys import create_api_key  # noqa: PLC0415 -- app not ready
        from entrepot.access.permissions import UnknownScope  # noqa: PLC0415 -- app not ready
        from entrepot.database.rows import Mode  # noqa: PLC0415 -- app not ready

        merchant = merchant_of(code)
        try:
            issued = create_api_key(
                merchant_id=merchant.id,
                name=name,
                scopes=scopes,
                mode=Mode.TEST if is_test else Mode.LIVE,
                allowed_addresses=addresses,
                rate_limit_per_minute=rate_limit,
                expires_at=timezone.now() + timedelta(days=days) if days else None,
            )
        except (UnknownScope, ValueError) as error:
            raise CommandFailed(f"cannot make the key {name!r}: {error}") from error
    if is_json:
        click.echo(json.dumps({**_told(issued.key), "key": issued.secret}))
        return
    click.echo(issued.secret)
    click.echo("This is the only time that the key is shown.", err=True)


@keys.command("list")
@merchant_option
@json_option
def list_keys(*, code: str, is_json: bool) -> None:
    """Show a merchant's keys, the newest first, without their secrets."""
    with open_hub():
        from entrepot.access.queries import api_keys_of  # noqa: PLC0415 -- app not ready

        found = [_told(key) for key in api_keys_of(merchant_of(code).id)]
    if is_json:
        click.echo(json.dumps(found))
        return
    if not found:
        click.echo(f"{code} has no key yet.")
    for key in found:
        state = "revoked" if key["revoked_at"] else key["mode"]
        used = f"last used {key['last_used_at']}" if key["last_used_at"] else "never used"
        click.echo(
            f"{key['prefix']}  {state:<8} {key['name']}  ({', '.join(key['scopes'])}; {used})"
        )


@keys.command()
@click.argument("prefix")
@merchant_option
@click.option("--reason", default="", help="Kept in the journal.")
def revoke(*, prefix: str, code: str, reason: str) -> None:
    """Refuse a key from now on, named by its prefix."""
    with open_hub():
        from entrepot.access.keys import revoke_api_key  # noqa: PLC0415 -- app not ready
        from entrepot.access.queries import api_keys_of  # noqa: PLC0415 -- app not ready

        merchant = merchant_of(code)
        found = next((key for key in api_keys_of(merchant.id) if key.prefix == prefix), None)
        if found is None:
            raise CommandFailed(
                f"{code} has no key {prefix!r}: `entrepot keys list --merchant {code}` shows them"
            )
        revoke_api_key(found.id, merchant_id=merchant.id, reason=reason)
    click.echo(f"{prefix} is refused from now on.")


def _told(key: "ApiKey") -> dict[str, Any]:
    instants = ("created_at", "expires_at", "last_used_at", "revoked_at")
    return {
        "prefix": key.prefix,
        "name": key.name,
        "mode": key.mode,
        "scopes": key.scopes,
        "allowed_addresses": key.allowed_addresses,
        "rate_limit_per_minute": key.rate_limit_per_minute,
        **{name: at.isoformat() if (at := getattr(key, name)) else None for name in instants},
    }
