"""`entrepot pause` and `entrepot resume`: stop outside effects at once, and let them go on."""

import json
from typing import TYPE_CHECKING

import click

from entrepot.cli.failure import CommandFailed
from entrepot.cli.hub import merchant_of, open_hub

if TYPE_CHECKING:
    from entrepot.canon.orders import Mode

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
        from entrepot.canon.orders import Mode  # noqa: PLC0415 -- app not ready
        from entrepot.connections import services  # noqa: PLC0415 -- app not ready

        merchant = merchant_of(code)
        mode = Mode.TEST if is_test else Mode.LIVE
        flow, connection_id = _aim(merchant.id, what, mode=mode)
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
    again = f"entrepot resume {what} --merchant {code}{' --test' if is_test else ''}"
    click.echo(f"Paused {what} ({mode}). `{again}` lets it go on.")


@click.command()
@click.argument("what", default="all")
@merchant_option
@mode_option
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def resume(*, what: str, code: str, is_test: bool, is_json: bool) -> None:
    """End the stops of a connection (its code), of a flow, or (all) every stop of a mode.

    What waited goes on, paced.
    """
    with open_hub():
        from entrepot.access import scope  # noqa: PLC0415 -- app not ready
        from entrepot.canon.orders import Mode  # noqa: PLC0415 -- app not ready
        from entrepot.connections import queries, services  # noqa: PLC0415 -- app not ready

        merchant = merchant_of(code)
        mode = Mode.TEST if is_test else Mode.LIVE
        with scope.merchant(merchant.id):
            stops = queries.open_pauses(mode=mode)
        if what != "all":
            aim = _aim(merchant.id, what, mode=mode)
            stops = [stop for stop in stops if (stop.flow, stop.connection_id) == aim]
        for stop in stops:
            services.resume_effects(stop.id, merchant_id=merchant.id, by="command_line")
    if is_json:
        click.echo(json.dumps({"resumed": [stop.id for stop in stops], "mode": mode}))
        return
    ended = "1 stop" if len(stops) == 1 else f"{len(stops)} stops"
    click.echo(f"{ended} ended ({mode})." if stops else f"Nothing was paused ({mode}).")


def _aim(merchant_id: int, what: str, *, mode: "Mode") -> tuple[str, int | None]:
    """The flow and the connection that somebody named; neither for all."""
    from entrepot.access import scope  # noqa: PLC0415 -- app not ready
    from entrepot.connections.models import Connection  # noqa: PLC0415 -- app not ready

    if what in FLOWS:
        return what, None
    if what == "all":
        return "", None
    with scope.merchant(merchant_id):
        codes = dict(Connection.objects.filter(mode=mode).values_list("code", "id"))
    if what not in codes:
        raise CommandFailed(
            f"there is no {what!r} to stop or to let go on: it is neither all, a flow"
            f" ({', '.join(FLOWS)}) nor a {mode} connection ({', '.join(codes) or 'none'})"
        )
    return "", codes[what]
