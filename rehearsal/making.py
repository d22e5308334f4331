"""Scenes between a merchant and who makes the goods: second thoughts, void labels, dear prices.

Each scene is a function of the stage and the senders' notes; it notes what must be true afterwards.
"""

from typing import Any

from rehearsal.acting import EUR, order_of, place, still_to_strike
from rehearsal.evidence import Senders
from rehearsal.speaking import until
from rehearsal.stage import Stage

HOUSE = "prodigi"
MINE = ("cancel.", "change_recipient.", "change_shipping.")
# Of sandbox time: how long an order can be changed, and how long it usually waits for a lab.
QUEUE_MIN, USUAL_MIN = 60, 1
ROUNDS = 10
AT_ONCE, MOST = 9, 6
# What the house calls methods that no storefront of the rehearsal sells.
OTHER_METHODS = ("Overnight", "Budget")
LABELS = 3
BELOW_COST = 200
COLUMNS = (
    "external_id,currency,payment,sku,title,quantity,unit_price,name,line1,city,postal_code,country"
)
ELSEWHERE = {
    "name": "Zoë D’Amboise",
    "line1": "12 rue de l’Île",
    "city": "Nantes",
    "postal_code": "44000",
    "country": "FR",
}


def have_second_thoughts(stage: Stage, senders: Senders) -> None:
    """Customers cancel, or want it sent elsewhere or otherwise, when it was handed over already.

    Again until each crash point around these effects has struck, where any is to strike. Some
    of the wishes come too late: a lab has begun.
    """
    stage.sandbox.act(HOUSE, "be_busy", minutes=QUEUE_MIN)
    try:
        for number in range(ROUNDS):
            sold = place(stage, count=AT_ONCE, mount=EUR)
            handed_over = _once_handed_over(stage, sold)
            for turn, order in enumerate(handed_over):
                match turn % 3:
                    case 0:
                        _cancel(stage, order)
                    case 1:
                        _send_elsewhere(stage, order, number)
                    case _:
                        _ship_otherwise(stage, senders, order, OTHER_METHODS[number % 2])
            if number and not still_to_strike(stage, MINE):
                break
    finally:
        stage.sandbox.act(HOUSE, "be_busy", minutes=USUAL_MIN)


def void_labels(stage: Stage, _: Senders) -> None:
    """Parcels that were told as gone never left; they leave again, with other labels."""
    until(lambda: len(_gone(stage)) >= LABELS, "orders that have left")
    for work in _gone(stage)[:LABELS]:
        stage.sandbox.act(HOUSE, "void_label", order_id=work["external_id"], index=0)


def sell_below_cost(stage: Stage, senders: Senders) -> None:
    """Somebody sells a canvas for the price of a sticker, two hundred times; none is made."""
    rows = [
        f"dear-{number},EUR,paid,FYR-CANVAS,Leinwand „Fyr i storm“,{1 + number % 3},0.30,"
        "Änne Ørsted-Łukasik,Straße der Möwen 7,Köln,50667,DE"
        for number in range(BELOW_COST)
    ]
    stage.api.upload("order-imports", "below-cost", text="\n".join([COLUMNS, *rows]))
    store = until(lambda: _own_store(stage), "the merchant's own store")
    stage.api.put(
        "shipping-maps",
        storefront_id=store["id"],
        provider_connection_id=stage.merchant["connections"][HOUSE],
        method_code="*",
        provider_method="Standard",
    )

    def held() -> list[dict[str, Any]]:
        return list(stage.api.every("orders", hold="cost", connection_id=store["id"]))

    until(lambda: len(held()) == BELOW_COST, f"{BELOW_COST} orders held for what they cost")
    mount = store["code"].removesuffix(f"-{stage.merchant['run']}")
    senders.never_made |= {f"{mount}/{row['external_id']}": "sold below its cost" for row in held()}


def _own_store(stage: Stage) -> dict[str, Any] | None:
    """Where orders are that no storefront told; made with the first of them."""
    rows = stage.api.every("connections")
    return next((row for row in rows if row["platform"] == "direct"), None)


def _once_handed_over(stage: Stage, sold: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Wait until the house has most of these sales; their orders.

    One whose answer was lost may take longer than anybody changes their mind.
    """

    def there() -> list[dict[str, Any]]:
        references = [work["reference"] for work in _works(stage)]
        found = [one for one in sold if any(f"/{one['external_id']}/" in ref for ref in references)]
        return found if len(found) >= MOST else []

    arrived = until(there, f"{MOST} of {len(sold)} orders handed over")
    return [order for one in arrived if (order := order_of(stage, one)) is not None]


def _cancel(stage: Stage, order: dict[str, Any]) -> None:
    stage.api.post(
        f"orders/{order['id']}/cancel", f"cancel-{order['id']}", reason="the customer wants it not"
    )


def _send_elsewhere(stage: Stage, order: dict[str, Any], number: int) -> None:
    address = {**ELSEWHERE, "line2": f"Bâtiment {number}"}
    stage.api.put(f"orders/{order['id']}/address", address=address, reason="they moved")


def _ship_otherwise(stage: Stage, senders: Senders, order: dict[str, Any], method: str) -> None:
    """Choose another method for each share that has not left, which it may any moment."""
    for share in stage.api.get(f"orders/{order['id']}")["fulfillment_orders"]:
        if share["is_by_hand"]:
            continue
        chosen = stage.api.try_to_put(
            f"fulfillment-orders/{share['id']}/shipping-method",
            shipping_method=method,
            reason="they are in a hurry, or not any more",
        )
        if chosen is not None:
            senders.methods[share["id"]] = method


def _gone(stage: Stage) -> list[dict[str, Any]]:
    """What has left the house wholly and lives, the oldest first."""
    return [work for work in _works(stage) if work["has_left"] and work["is_live"]]


def _works(stage: Stage) -> list[dict[str, Any]]:
    return list(stage.sandbox.ask("books")[HOUSE]["works"])
