"""Lets the sandbox's customers buy, a few at a time, in shops and on the merchant's own site."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from entrepot.connect.errors import ConnectorError
from entrepot.sandbox.own_site import OwnSite
from rehearsal.stage import Stage

SLICE = 10
# Customers that stand at the merchant's own site at the same time. A page that does not open is
# tried for half a minute, and others do not wait for that.
CUSTOMERS = 16
USUAL_PER_SECOND = 10.0
ALL_WITHIN_S = 90.0
# While crash points are still to strike, for so long at the most: what is seldom is not reached by
# a hub that is killed every second and has thousands of orders before it.
AT_FIRST_PER_SECOND, AT_FIRST_S = 3.0, 80.0


@dataclass(slots=True)
class Sales:
    """What was sold. `units` are those of carts, by the payment page's id: its books lack them."""

    placed: int = 0
    pages_refused: int = 0
    units: dict[str, dict[str, int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sell(self, stage: Stage, *, orders: int, seed: int, per_second: float) -> None:
        """Place so many sales at an even pace; those whose page does not open walk away.

        Without a pace: few until each crash point has struck, where any is to strike, and then the
        usual one, or a quicker that places thousands within a minute and a half.
        """
        site = own_site(stage)
        drawn = stage.sandbox.tell("draw", count=orders, seed=seed)["sales"]
        pace = per_second or max(USUAL_PER_SECOND, orders / ALL_WITHIN_S)
        pause = threading.Event()
        slow_until = 0.0 if per_second else time.monotonic() + AT_FIRST_S
        with ThreadPoolExecutor(CUSTOMERS) as customers:
            paying = []
            for start in range(0, len(drawn), SLICE):
                some = drawn[start : start + SLICE]
                numbers = [sale["number"] for sale in some if sale["mount"]]
                stage.sandbox.tell("place", numbers=numbers)
                self._count(placed=len(numbers))
                carts = [sale["cart"] for sale in some if not sale["mount"]]
                paying += [customers.submit(self._pay, stage, site, cart) for cart in carts]
                is_slow = stage.to_strike and time.monotonic() < slow_until
                pause.wait(SLICE / (AT_FIRST_PER_SECOND if is_slow else pace))
            for one in paying:
                one.result()

    def _pay(self, stage: Stage, site: OwnSite, cart: dict[str, Any]) -> None:
        try:
            url = site.open_page(cart)
        except ConnectorError:
            self._count(refused=1)
            return
        told = stage.sandbox.tell("pay", number=cart["number"], url=url)
        self.units[told["external_id"]] = units_of(cart)
        self._count(placed=1)

    def _count(self, *, placed: int = 0, refused: int = 0) -> None:
        with self._lock:
            self.placed += placed
            self.pages_refused += refused


def own_site(stage: Stage) -> OwnSite:
    """The merchant's own site, which sells through the gateway."""
    (gateway,) = stage.merchant["gateways"]
    return OwnSite(
        hub=stage.web,
        key=stage.merchant["site_key"],
        gateway_id=stage.merchant["connections"][gateway],
        run=stage.merchant["run"],
    )


def units_of(cart: dict[str, Any]) -> dict[str, int]:
    """How many of each SKU a cart holds."""
    units: dict[str, int] = {}
    for line in cart["lines"]:
        units[line["sku"]] = units.get(line["sku"], 0) + line["quantity"]
    return units
