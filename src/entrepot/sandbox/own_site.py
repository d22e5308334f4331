"""The merchant's own site, played: puts carts together and sends customers to a payment page."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from entrepot.canon.money import Money, total_of
from entrepot.canon.payments import CheckoutLine, CheckoutRequest, CheckoutShipping
from entrepot.connect.ports import OpensCheckouts
from entrepot.connections import doors
from entrepot.payments import checkouts

SHIPPING = {
    "EUR": ("4.90", "14.90"),
    "SEK": ("59", "149"),
    "GBP": ("4.20", "12.90"),
    "USD": ("7.50", "19.50"),
    "JPY": ("800", "2400"),
}
COUNTRIES = ("DE", "FR", "CZ", "CH", "SE", "GB", "US", "JP")


class NoGateway(Exception):
    """A connection was to open a payment page whose platform has none."""


@dataclass(frozen=True, slots=True)
class OwnSite:
    """Sells through one gateway of one merchant."""

    merchant_id: int
    gateway_id: int
    address: str = "https://seemoewe.example"

    def open_page(self, cart: dict[str, Any]) -> str:
        """Snapshot a cart of the sandbox in the hub and open the gateway's page; its address.

        Raises:
            NoGateway: the connection's platform opens no checkouts.
            ConnectorError: the gateway refused, or did not answer.
        """
        request = self._request(cart)
        checkout = checkouts.snapshot_cart(
            self.merchant_id, self.gateway_id, request, cart_key=f"cart-{request.reference}"
        )
        client = doors.client(self.gateway_id, priority="people")
        if not isinstance(client, OpensCheckouts):
            raise NoGateway(f"connection {self.gateway_id} opens no checkouts")
        session = client.open_checkout(request)
        checkouts.record_session(self.merchant_id, checkout.id, session)
        return session.url

    def _request(self, cart: dict[str, Any]) -> CheckoutRequest:
        currency = cart["currency"]
        reference = checkouts.new_reference()
        lines = tuple(
            CheckoutLine(
                sku=line["sku"],
                title=line["title"],
                quantity=line["quantity"],
                unit_price=Money.of(line["unit_price"], currency),
                is_shippable=line["is_shippable"],
            )
            for line in cart["lines"]
        )
        goods = total_of((line.unit_price * line.quantity for line in lines), currency=currency)
        usual, fast = SHIPPING[currency]
        needs_parcel = any(line.is_shippable for line in lines)
        return CheckoutRequest(
            reference=reference,
            idempotency_key=reference,
            currency=currency,
            success_url=f"{self.address}/danke",
            cancel_url=f"{self.address}/warenkorb",
            email=cart["email"],
            allowed_countries=COUNTRIES if needs_parcel else (),
            discount=_share(goods, cart["coupon_percent"]),
            lines=lines,
            shipping_options=(
                CheckoutShipping(
                    code="standard", title="Standard", price=Money.of(usual, currency)
                ),
                CheckoutShipping(code="express", title="Express", price=Money.of(fast, currency)),
            )
            if needs_parcel
            else (),
        )


def _share(goods: Money, percent: int) -> Money | None:
    if not percent:
        return None
    return Money(goods.amount * percent / Decimal(100), goods.currency).rounded()
