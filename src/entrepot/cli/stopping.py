"""`entrepot pause` and `entrepot resume`: stop outside effects at once, and let them go on."""

import json

import click

from entrepot.cli.failure import CommandFailed
from entrepot.cli.hub import merchant_of, open_hub

merchant_option = click.option("--merchant", "code", required=True, help="The merchant's code.")
mode_option = click.option("--test", "is_test", is_flag=True, help="In test mode, not live.")
FLOWS = ("submissions", "refunds", "mails", "write_backs")


@click.command()
@click.argument("what", default="all")
@merchant_option
@mode_option
@click.option("--reason", required=True, help="Why; shown on every page until it ends.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def pause(*, what: str, code: str, is_test: bool, reason: str, is_json: bool) -> None:
    """Stop outside effects: of a connection (its code), of a flow, or (all) of everything.

    Nothing is lost: what would happen waits. Flows: submissions, refunds, mails, write_backs.
    """
    with open_hub():
        from entrepot.access import scope  # noqa: PLC0415 -- app not ready
        from entrepot.canon.orders import Mode  # noqa: PLC0415 -- app not ready
        from entrepot.connections import services  # noqa: PLC0415 -- app not ready
        from entrepot.connections.models import Connection  # noqa: PLC0415 -- app not ready

        merchant = merchant_of(code)
        mode = Mode.TEST if is_test else Mode.LIVE
        flow, connection_id = "", None
        if what in FLOWS:
            flow = what
        elif what != "all":
            with scope.merchant(merchant.id):
                found = Connection.objects.filter(code=what, mode=mode).first()
                known = list(Connection.objects.filter(mode=mode).values_list("code", flat=True))
            if found is None:
                raise CommandFailed(
                    f"cannot pause {what!r}: it is neither all, a flow ({', '.join(FLOWS)}) nor a"
                    f" {mode} connection ({', '.join(known) or 'none'})"
                )
            connection_id = found.id
        stop = services.pause_effects(
            merchant.id,
            mode=mode,
            connection_id=connection_id,
            flow=flow,
            reason=reason,
            by="command_line",
        )
    if is_json:
        click.echo(json.dumps({"id": stop.id, "what": what, "mode": mode, "reason": reason}))
        return
    again = f"entrepot resume --merchant {code}{' --test' if is_test else ''}"
    click.echo(f"Paused {what} ({mode}). `{again}` lets it go on.")


@click.command()
@merchant_option
@mode_option
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def resume(*, code: str, is_test: bool, is_json: bool) -> None:
    """End every stop of a mode; what waited goes on, paced."""
    with open_hub():
        from entrepot.access import scope  # noqa: PLC0415 -- app not ready
        from entrepot.canon.orders import Mode  # noqa: PLC0415 -- app not ready
        from entrepot.connections import queries, services  # noqa: PLC0415 -- app not ready

        merchant = merchant_of(code)
        mode = Mode.TEST if is_test else Mode.LIVE
        with scope.merchant(merchant.id):
            stops = queries.open_pauses(mode=mode)
        for stop in stops:
            services.resume_effects(stop.id, merchant_id=merchant.id, by="command_line")
    if is_json:
        click.echo(json.dumps({"resumed": [stop.id for stop in stops], "mode": mode}))
        return
    click.echo(f"{len(stops)} stops ended ({mode})." if stops else f"Nothing was paused ({mode}).")
