"""A scene about authorized money: an operator takes it, or lets it go.

It notes what must be true afterwards.
"""

from decimal import Decimal
from typing import Any

from entrepot.connect.errors import ConnectorError
from rehearsal.acting import QUIET, still_to_strike
from rehearsal.evidence import Senders
from rehearsal.selling import own_site, units_of
from rehearsal.speaking import SceneFailed, until
from rehearsal.stage import Stage

MINE = ("capture.", "void.")
ROUNDS = 14
AT_ONCE = 6
TRIES = 20
REASON = "what was promised is ready"


def capture_and_void(stage: Stage, senders: Senders) -> None:
    """The merchant's gateway captures by hand for a while: a person decides, order by order.

    Again until each crash point around these two effects has struck, where any is to strike.
    Whoever else pays in this while has the money taken.
    """
    (mount,) = stage.merchant["gateways"]
    gateway = stage.merchant["connections"][mount]
    voided: set[str] = set()
    for number in range(ROUNDS):
        stage.api.patch(f"connections/{gateway}", settings={"capture": "manual"})
        try:
            paid = _pay_some(stage, senders, number)
        finally:
            stage.api.patch(f"connections/{gateway}", settings={"capture": "automatic"})
        voided |= {name for turn, name in enumerate(paid) if turn % 2}
        _wait_for_half(stage, gateway, paid)
        for order in _authorized(stage, gateway):
            _decide(stage, senders, order, f"{mount}/{order['external_id']}", voided)
        if number and not still_to_strike(stage, MINE):
            break
    until(lambda: not _undecided(stage, senders, gateway, mount), "captures and voids that ended")


def _pay_some(stage: Stage, senders: Senders, number: int) -> list[str]:
    """Let customers pay at so many pages; the pages' ids."""
    site = own_site(stage)
    paid: list[str] = []
    for attempt in range(TRIES):
        seed = stage.seed + 1000 + 50 * number + attempt
        drawn = stage.sandbox.tell("draw", count=100, seed=seed)["sales"]
        carts = [row["cart"] for row in drawn if row["cart"] and row["cart"]["turn"] in QUIET]
        for cart in carts[: AT_ONCE - len(paid)]:
            try:
                url = site.open_page(cart)
            except ConnectorError:
                continue  # the customer walks away
            told = stage.sandbox.tell("pay", number=cart["number"], url=url)
            senders.units[told["external_id"]] = units_of(cart)
            paid.append(told["external_id"])
        if len(paid) >= AT_ONCE:
            return paid
    raise SceneFailed(f"{len(paid)} of {AT_ONCE} pages could be paid")


def _authorized(stage: Stage, gateway: int) -> list[dict[str, Any]]:
    rows = stage.api.every("orders", connection_id=gateway, payment_status="authorized")
    return [row for row in rows if row["status"] == "open"]


def _wait_for_half(stage: Stage, gateway: int, paid: list[str]) -> None:
    """What the gateway's lost news brings later is decided about in the next round."""
    enough = len(paid) // 2
    until(
        lambda: sum(_is_known(stage, gateway, name) for name in paid) >= enough,
        f"orders of {enough} of {len(paid)} authorized payments",
    )


def _is_known(stage: Stage, gateway: int, name: str) -> bool:
    found = stage.api.every("orders", connection_id=gateway, find=name)
    return any(row["external_id"] == name for row in found)


def _decide(
    stage: Stage, senders: Senders, order: dict[str, Any], name: str, voided: set[str]
) -> None:
    """Ask for one end of an authorization."""
    if name in senders.captures or name in senders.voids:
        return
    if order["external_id"] in voided:
        what = "voids"
        senders.voids.add(name)
    else:
        what = "captures"
        senders.captures[name] = Decimal(order["total"]["amount"])
    stage.api.post(f"orders/{order['id']}/{what}", f"{what}-{name}", reason=REASON)


def _undecided(stage: Stage, senders: Senders, gateway: int, mount: str) -> list[str]:
    """Orders of which an end was asked for that has not come."""
    asked = senders.captures.keys() | senders.voids
    names = [f"{mount}/{row['external_id']}" for row in _authorized(stage, gateway)]
    return [name for name in names if name in asked]
