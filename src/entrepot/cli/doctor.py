"""`entrepot doctor`: says in a sentence why an order stands still, with evidence and the repair."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import click

from entrepot.cli.failure import CommandFailed
from entrepot.cli.hub import merchant_or_only, open_hub


@click.command()
@click.argument("order", required=False)
@click.option("--merchant", "code", help="The merchant's code; not needed while there is only one.")
@click.option("--test", "is_test", is_flag=True, help="In test mode only.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def doctor(*, order: str | None, code: str | None, is_test: bool, is_json: bool) -> None:
    """Explain an order by its number, id or reference; without one, all live ones that stand still.

    Where several orders have that number, each is explained.
    """
    with open_hub():
        from django.utils import timezone  # noqa: PLC0415 -- slow import

        from entrepot.access import scope  # noqa: PLC0415 -- app not ready
        from entrepot.dashboard.reading import explaining  # noqa: PLC0415 -- app not ready

        merchant = merchant_or_only(code)
        elsewhere = 0
        with timezone.override(ZoneInfo(merchant.time_zone)), scope.merchant(merchant.id):
            if order is None:
                found = explaining.standing_still("test" if is_test else "live")
                if not (found or is_test):
                    elsewhere = len(explaining.standing_still("test"))
            else:
                ids = explaining.orders_named(order, "test" if is_test else None)
                if not ids:
                    kind = "test order" if is_test else "order"
                    raise CommandFailed(f"{merchant.code} has no {kind} {order!r}")
                found = [explaining.explain(order_id) for order_id in ids]
            told = [_told(explanation) for explanation in found]
    if is_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for one in told:
        _show(one)
    if not told:
        more = f" In test mode {elsewhere} do: add --test." if elsewhere else ""
        click.echo(f"No {'test' if is_test else 'live'} order stands still.{more}")


def _show(told: dict[str, Any]) -> None:
    where = told["storefront"] if told["mode"] == "live" else f"{told['storefront']}, test"
    click.echo(f"{told['number']} ({where}): {told['sentence']}")
    for line in told["evidence"]:
        click.echo(f"    {line}")
    if told["repair"]:
        click.echo(f"    Repair: {told['repair']}")
    if told["choices"]:
        click.echo(f"    On its page: {', '.join(told['choices'])}")


def _told(explanation: Any) -> dict[str, Any]:
    return {
        "number": explanation.number,
        "mode": explanation.mode,
        "storefront": explanation.storefront,
        "state": explanation.state,
        "sentence": explanation.sentence,
        "evidence": list(explanation.evidence),
        "repair": explanation.repair,
        "choices": list(explanation.choices),
    }
