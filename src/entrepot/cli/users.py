"""`entrepot users`: people who sign in."""

import json
import sys

import click

from entrepot.cli.failure import CommandFailed
from entrepot.cli.hub import merchant_of, open_hub

ROLES = ("owner", "operator", "warehouse", "support", "viewer")


@click.group()
def users() -> None:
    """People who sign in, and what they may do for a merchant."""


@users.command()
@click.argument("email")
@click.option("--name", required=True, help="How pages and the journal call the person.")
@click.option("--merchant", "code", required=True, help="The merchant's code.")
@click.option("--merchant-name", help="Set the merchant up under this name if there is none yet.")
@click.option("--role", type=click.Choice(ROLES), default="operator", show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def create(
    *,
    email: str,
    name: str,
    code: str,
    merchant_name: str | None,
    role: str,
    password_stdin: bool,
    is_json: bool,
) -> None:
    """Let a person sign in, with a role at one merchant."""
    password = _password(from_stdin=password_stdin)
    with open_hub():
        from django.core.exceptions import ValidationError  # noqa: PLC0415 -- app not ready
        from django.core.validators import validate_email  # noqa: PLC0415 -- likewise
        from django.db import IntegrityError  # noqa: PLC0415 -- app not ready

        from entrepot.access import scope, services  # noqa: PLC0415 -- app not ready
        from entrepot.access.states import Role  # noqa: PLC0415 -- app not ready

        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandFailed(f"cannot create {email}: it is no e-mail address") from error
        try:
            with scope.system():
                merchant_id = _merchant_id(code, merchant_name=merchant_name)
                user = services.create_user(email=email, name=name, password=password)
                services.grant_role(user.id, merchant_id=merchant_id, role=Role(role))
        except ValidationError as error:
            raise CommandFailed(f"cannot take this password: {' '.join(error.messages)}") from error
        except IntegrityError as error:
            raise CommandFailed(
                f"cannot create {email}: somebody has that address; an owner of {code} lets them in"
                " by a link, under Settings"
            ) from error
    if is_json:
        click.echo(json.dumps({"id": user.id, "email": user.email, "merchant": code, "role": role}))
    else:
        click.echo(f"{user.email} may sign in, as {role} of {code}.")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise CommandFailed("cannot ask for a password without a terminal: use --password-stdin")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


def _merchant_id(code: str, *, merchant_name: str | None) -> int:
    from entrepot.access import services  # noqa: PLC0415 -- app not ready
    from entrepot.access.queries import merchant_by_code  # noqa: PLC0415 -- app not ready

    if merchant_name is not None and merchant_by_code(code) is None:
        return services.create_merchant(name=merchant_name, code=code).id
    try:
        return merchant_of(code).id
    except CommandFailed as error:
        raise CommandFailed(f"{error}: --merchant-name sets it up") from error
