"""`entrepot doctor`: says in a sentence why an order stands still, with evidence and the repair."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import click

from entrepot.cli.failure import CommandFailed
from entrepot.cli.hub import merchant_of, open_hub


@click.command()
@click.argument("order", required=False)
@click.option("--merchant", "code", required=True, help="The merchant's code.")
@click.option("--test", "is_test", is_flag=True, help="In test mode, not live.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def doctor(*, order: str | None, code: str, is_test: bool, is_json: bool) -> None:
    """Explain an order by its number, id or reference; without one, all that stand still."""
    with open_hub():
        from django.utils import timezone  # noqa: PLC0415 -- slow import

        from entrepot.access import scope  # noqa: PLC0415 -- app not ready
        from entrepot.dashboard.reading import explaining  # noqa: PLC0415 -- app not ready

        merchant = merchant_of(code)
        mode = "test" if is_test else "live"
        with timezone.override(ZoneInfo(merchant.time_zone)), scope.merchant(merchant.id):
            if order is None:
                found = explaining.standing_still(mode)
            else:
                order_id = explaining.order_named(order, mode)
                if order_id is None:
                    raise CommandFailed(f"{code} has no {mode} order {order!r}")
                found = [explaining.explain(order_id)]
            told = [_told(explanation) for explanation in found]
    if is_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for one in told:
        click.echo(f"{one['number']} ({one['storefront']}): {one['sentence']}")
        for line in one["evidence"]:
            click.echo(f"    {line}")
        if one["repair"]:
            click.echo(f"    Repair: {one['repair']}")
        if one["choices"]:
            click.echo(f"    On its page: {', '.join(one['choices'])}")
    if not told:
        click.echo("No order stands still.")


def _told(explanation: Any) -> dict[str, Any]:
    return {
        "number": explanation.number,
        "storefront": explanation.storefront,
        "state": explanation.state,
        "sentence": explanation.sentence,
        "evidence": list(explanation.evidence),
        "repair": explanation.repair,
        "choices": list(explanation.choices),
    }
