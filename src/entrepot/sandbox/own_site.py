"""The merchant's own site, played: puts carts together and sends customers to a payment page."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from entrepot.canon.money import Money, total_of
from entrepot.connect.errors import OutcomeUnknown, Unavailable
from entrepot.connect.http import Http

SESSIONS = "/api/v1/checkout/sessions"
SHIPPING = {
    "EUR": ("4.90", "14.90"),
    "SEK": ("59", "149"),
    "GBP": ("4.20", "12.90"),
    "USD": ("7.50", "19.50"),
    "JPY": ("800", "2400"),
}
COUNTRIES = ("DE", "FR", "CZ", "CH", "SE", "GB", "US", "JP")
# Seconds between tries, for as long as a customer watches a spinner.
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
PATIENCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class OwnSite:
    """Sells through one gateway of a hub, by its REST interface, with an API key.

    `run` makes the carts of one run of the sandbox different from those of another; `wait` lets
    so many seconds go by.
    """

    hub: str
    key: str = field(repr=False)
    gateway_id: int
    run: str
    wait: Callable[[float], object] = time.sleep
    address: str = "https://seemoewe.example"

    def open_page(self, cart: dict[str, Any]) -> str:
        """Have the hub open a payment page for a cart of the sandbox; the page's address.

        Asks again when no good answer came: the idempotency key makes it the same page.

        Raises:
            ConnectorError: the hub refused, or had no page to give for long.
        """
        name = f"{self.run}-{cart['number']}"
        wanted = self.session_of(cart)
        for pause in (*PAUSES_S, None):
            try:
                answer = Http(self.hub).post(
                    SESSIONS,
                    json=wanted,
                    headers={"Authorization": f"Bearer {self.key}", "Idempotency-Key": name},
                    deadline=PATIENCE,
                )
            except (Unavailable, OutcomeUnknown):
                if pause is None:
                    raise
                self.wait(pause)
            else:
                return str(answer.json()["url"])
        raise AssertionError("the last try returns or raises")

    def session_of(self, cart: dict[str, Any]) -> dict[str, Any]:
        """What the hub is asked for a cart; two such sessions are of one cart."""
        currency = cart["currency"]
        needs_parcel = any(line["is_shippable"] for line in cart["lines"])
        usual, fast = SHIPPING[currency]
        shipping = [
            {"code": "standard", "title": "Standard", "price": usual},
            {"code": "express", "title": "Express", "price": fast},
        ]
        return {
            "connection_id": self.gateway_id,
            "cart_id": f"{self.run}-{cart['number']}",
            "currency": currency,
            "lines": cart["lines"],
            "shipping_options": shipping if needs_parcel else [],
            "discount": _share(cart),
            "allowed_countries": COUNTRIES if needs_parcel else (),
            "email": cart["email"],
            "success_url": f"{self.address}/danke",
            "cancel_url": f"{self.address}/warenkorb",
        }


def _share(cart: dict[str, Any]) -> str | None:
    """The coupon's amount; None without one."""
    if not cart["coupon_percent"]:
        return None
    currency = cart["currency"]
    goods = total_of(
        (Money.of(line["unit_price"], currency) * line["quantity"] for line in cart["lines"]),
        currency=currency,
    )
    share = Money(goods.amount * cart["coupon_percent"] / Decimal(100), currency)
    return str(share.rounded().amount)
