"""What a demo tells at its end: the count, what stands still and why, and where to look."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from entrepot.cli.hub import data_folder

if TYPE_CHECKING:
    from entrepot.sandbox.counting import Still, Tally
    from entrepot.sandbox.setting_up import Demo


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An order that stands still, in the words of `entrepot doctor` and of the order's page."""

    number: str
    storefront: str
    state: str
    reason: str
    repair: str
    reference: str


def standing(tally: "Tally", merchant: "Demo") -> list[Standing]:
    """Every order that stands still, each with its reason."""
    from django.utils import timezone  # noqa: PLC0415 -- slow import

    from entrepot.access import scope  # noqa: PLC0415 -- app not ready

    with timezone.override(merchant.zone), scope.merchant(merchant.merchant_id):
        return [_standing(still, merchant) for still in tally.still]


def _standing(still: "Still", merchant: "Demo") -> Standing:
    from entrepot.dashboard.reading import explaining  # noqa: PLC0415 -- app not ready

    told = explaining.explain(still.order_id) if still.order_id is not None else None
    return Standing(
        number=still.number,
        storefront=merchant.names[still.mount],
        state=still.state,
        reason=told.sentence if told else still.reason,
        repair=told.repair if told else "",
        reference=still.reference,
    )


def figures(
    tally: "Tally", stands: Sequence[Standing], *, deliveries: dict[str, Any], seconds: float
) -> dict[str, Any]:
    """The one JSON object of a run."""
    from entrepot.sandbox.counting import CLASSES, percentile  # noqa: PLC0415 -- app not ready

    return {
        "orders_placed": tally.placed,
        **{name: tally.classes[name] for name in CLASSES},
        "orders_in_hub": tally.in_hub,
        "submitted": tally.submitted,
        "shipped": tally.shipped,
        "written_back": tally.written_back,
        "standing_still": [asdict(one) for one in stands],
        "lost": tally.lost,
        "doubled": tally.doubled,
        "mails": tally.mails,
        "seconds": round(seconds, 1),
        "latency_ms": {
            "ack_p50": _milliseconds(deliveries["acknowledged_ms_p50"]),
            "ack_p99": _milliseconds(deliveries["acknowledged_ms_p99"]),
            "paid_to_accepted_p50": percentile(tally.waits_ms, 0.5),
            "paid_to_accepted_p99": percentile(tally.waits_ms, 0.99),
        },
    }


def _milliseconds(value: object) -> float | None:
    return None if value is None else float(str(value))


def show(tally: "Tally", stands: Sequence[Standing], *, console: Console) -> None:
    """The same for people."""
    from entrepot.sandbox.counting import CLASSES  # noqa: PLC0415 -- app not ready

    parts = " + ".join(
        f"{tally.classes[name]} {name.replace('_', ' ')}" for name in CLASSES if tally.classes[name]
    )
    console.print(f"\n[bold]{tally.placed} orders placed[/bold] = {parts}")
    for text in (*tally.lost, *tally.doubled):
        console.print(f"[red]{text}[/red]", highlight=False, soft_wrap=True)
    if not (tally.lost or tally.doubled):
        console.print("Nothing lost, nothing doubled, by the books of every simulator.")
    if stands:
        console.print(_table(stands))
        _tell_how_to_ask(stands, console)


def _tell_how_to_ask(stands: Sequence[Standing], console: Console) -> None:
    """The command that gives the evidence and the repair of one of them, ready to be copied."""
    named = next((one.number for one in stands if one.repair), None)
    if named is None:
        return
    folder = data_folder()
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    command = shlex.join([sys.argv[0], "doctor", named])
    console.print(
        f"\nThe evidence and the repair: ENTREPOT_DATA={shlex.quote(str(shown))} {command}",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def _table(stands: Sequence[Standing]) -> Table:
    table = Table(box=None, title="\nStanding still, and why", title_justify="left", pad_edge=False)
    table.add_column("order", no_wrap=True, max_width=16)
    table.add_column("storefront", no_wrap=True)
    table.add_column("reason", overflow="fold", ratio=1)
    for one in stands:
        table.add_row(Text(one.number), Text(one.storefront), Text(one.reason))
    return table


def show_addresses(
    hub: dict[str, Any], merchant: "Demo", *, tracked_order_id: int | None, console: Console
) -> None:
    """Where to look, and how to get in."""
    from entrepot.notifications.links import tracking_page, tracking_token  # noqa: PLC0415 -- app not ready

    rows = {
        "Dashboard": f"{hub['address']}/test/",
        "  sign in as": f"{merchant.email}  {merchant.password}",
        "Sandbox page": f"{hub['address']}/test/sandbox/",
    }
    if tracked_order_id is not None:
        token = tracking_token(merchant.merchant_id, tracked_order_id)
        rows["Tracking page"] = tracking_page(token)
    for name, value in rows.items():
        console.print(f"{name:<15} {value}", soft_wrap=True, highlight=False, markup=False)
