"""The simulated print house in the sandbox: how fast it is, what it makes, what it printed."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from entrepot.connect.simulator import Clock
from entrepot.connect.world import Good, Label, Place, Recipe
from entrepot.connectors.prodigi.books import Phase
from entrepot.connectors.prodigi.simulator import ProdigiSimulator, example_account


class House(Place):
    """One account at the print house."""

    simulator: ProdigiSimulator
    ACTIONS = frozenset(
        {
            "release",
            "authorise_payment",
            "make_unavailable",
            "restock",
            "mend_assets",
            "finish",
            "cancel_at_lab",
            "pause_new_orders",
            "be_busy",
            "void_label",
        }
    )

    def __init__(self, *, run: str, clock: Clock) -> None:
        super().__init__(
            mount="prodigi", name="Print house Prodigi", simulator=ProdigiSimulator(clock)
        )
        self._run = run
        self._labels: list[Label] = []

    def settings(self, base_url: str) -> dict[str, Any]:
        """The sandbox key; the account's name tells runs apart."""
        return {**example_account(base_url).settings, "account_name": self._run}

    def shipping_methods(self) -> dict[bool, str]:
        """Theirs."""
        return {False: "Standard", True: "Express"}

    def recipes(self) -> dict[str, Recipe]:
        """One product of each lab, a letter among them."""
        return {
            "art print, small": Recipe(provider_sku="GLOBAL-FAP-12X16", sizing="fillPrintArea"),
            "art print, large": Recipe(provider_sku="GLOBAL-FAP-24X32", sizing="fillPrintArea"),
            "canvas": Recipe(
                provider_sku="GLOBAL-CAN-16X20",
                sizing="fillPrintArea",
                attributes={"wrap": "White"},
            ),
            "mug": Recipe(provider_sku="GLOBAL-MUG-11OZ", sizing="fitPrintArea"),
            "sticker": Recipe(provider_sku="GLOBAL-STI-3X4", sizing="fillPrintArea"),
        }

    def open(self, goods: Sequence[Good]) -> None:
        """A quick house, so that a run of some hours shows whole lives."""
        dials = self.simulator.dials
        dials.download, dials.preparation = timedelta(seconds=30), timedelta(minutes=1)
        dials.labs_apart, dials.production = timedelta(minutes=4), timedelta(minutes=8)

    def labels(self) -> Sequence[Label]:
        """In the order in which they were printed."""
        printed = self.simulator.books["tracking"]
        self._labels += [
            Label(tracking_number=number, carrier=row["carrier"], left_at=row["shipped_at"])
            for number, row in islice(printed.items(), len(self._labels), None)
        ]
        return self._labels

    def sworn(self) -> dict[str, list[dict[str, Any]]]:
        """Every order that was taken."""
        return {
            "works": [
                {
                    "external_id": order.id,
                    "reference": order.reference,
                    "is_live": order.phase is not Phase.CANCELLED,
                    "has_left": any(each.has_left for each in order.shipments),
                    "units": _units(order.items),
                    "shipping_method": order.asked["shippingMethod"],
                }
                for order in self.simulator.orders.values()
            ]
        }


def _units(items: Sequence[dict[str, Any]]) -> dict[str, int]:
    units: dict[str, int] = {}
    for item in items:
        units[item["sku"]] = units.get(item["sku"], 0) + item["copies"]
    return units


def places(clock: Clock, run: str) -> list[Place]:
    """One print house."""
    return [House(run=run, clock=clock)]
