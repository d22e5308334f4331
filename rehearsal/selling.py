"""Lets the sandbox's customers buy, a few at a time, in shops and on the merchant's own site."""

import threading
from dataclasses import dataclass, field
from typing import Any

from entrepot.connect.errors import ConnectorError
from entrepot.sandbox.own_site import OwnSite
from rehearsal.stage import Stage

SLICE = 10


@dataclass(slots=True)
class Sales:
    """What was sold. `units` are those of carts, by the payment page's id: its books lack them."""

    placed: int = 0
    pages_refused: int = 0
    units: dict[str, dict[str, int]] = field(default_factory=dict)

    def sell(self, stage: Stage, *, orders: int, seed: int, per_second: float) -> None:
        """Place so many sales at an even pace; those whose page does not open walk away."""
        site = own_site(stage)
        drawn = stage.sandbox.tell("draw", count=orders, seed=seed)["sales"]
        pause = threading.Event()
        for start in range(0, len(drawn), SLICE):
            some = drawn[start : start + SLICE]
            numbers = [sale["number"] for sale in some if sale["mount"]]
            stage.sandbox.tell("place", numbers=numbers)
            self.placed += len(numbers)
            for cart in (sale["cart"] for sale in some if not sale["mount"]):
                self._pay(stage, site, cart)
            pause.wait(SLICE / per_second)

    def _pay(self, stage: Stage, site: OwnSite, cart: dict[str, Any]) -> None:
        try:
            url = site.open_page(cart)
        except ConnectorError:
            self.pages_refused += 1
            return
        told = stage.sandbox.tell("pay", number=cart["number"], url=url)
        self.placed += 1
        self.units[told["external_id"]] = units_of(cart)


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
