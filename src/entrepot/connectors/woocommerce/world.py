"""Simulated WooCommerce shops in the sandbox: three of them, and what happens there."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from entrepot.canon.money import Money
from entrepot.connect.simulator import Clock
from entrepot.connect.world import CartLine as Wanted
from entrepot.connect.world import Good, Later, Person, Place, Sale, Sold, Turn
from entrepot.connectors.woocommerce.books import Buyer, ShopOptions, secret_word
from entrepot.connectors.woocommerce.books import Sale as Row
from entrepot.connectors.woocommerce.pricing import CartLine, Delivery
from entrepot.connectors.woocommerce.simulator import WooCommerce

ARTWORK = "artwork"  # the line property in which this merchant's shops keep a customer's file
STANDARD = {"EUR": "4.90", "JPY": "800", "USD": "7.50", "SEK": "59", "KWD": "2.250"}
EXPRESS = {"EUR": "14.90", "JPY": "2400", "USD": "19.50", "SEK": "149", "KWD": "5.500"}
PAID_LATER = timedelta(minutes=12)
ARRIVED_DAMAGED = timedelta(minutes=45)


class Storefront(Place):
    """One shop."""

    simulator: WooCommerce
    ACTIONS = frozenset(
        {
            "customer_orders",
            "pay",
            "fail_payment",
            "add_line",
            "change_address",
            "complete_by_hand",
            "cancel",
            "set_status",
            "refund",
            "trash",
            "restore",
            "delete",
            "place_history",
            "revoke_key",
            "make_key_read_only",
        }
    )

    def __init__(
        self, *, clock: Clock, mount: str, options: ShopOptions, language: str = "en"
    ) -> None:
        super().__init__(mount=mount, name=options.name, simulator=WooCommerce(clock, options))
        self.currencies = (options.currency,)
        self.language = language

    def settings(self, base_url: str) -> dict[str, Any]:
        """The shop's own key."""
        options = self.simulator.options
        return {
            "base_url": base_url,
            "consumer_key": options.consumer_key,
            "consumer_secret": options.consumer_secret,
            "currency": options.currency,
            "weight_unit": "kg",
        }

    def open(self, goods: Sequence[Good]) -> None:
        """Put everything on the shelves that has a price here."""
        (currency,) = self.currencies
        for good in goods:
            if price := good.prices.get(currency):
                self.simulator.shop.catalog.add_product(
                    good.sku, good.title, price, is_virtual=good.is_virtual, stock=None
                )

    def sell(self, sale: Sale, take_payment: Callable[[Money, str], str]) -> Sold:
        """Let a customer buy in the manner of the sale's turn."""
        match sale.turn:
            case Turn.ON_DELIVERY:
                return Sold(external_id=str(self._place(sale, method="cod")))
            case Turn.ABANDONED:
                return Sold(external_id=str(self._place(sale, is_paid=False)))
            case Turn.DECLINED:
                order_id = self._place(sale, is_paid=False)
                self.simulator.fail_payment(order_id)
                return Sold(external_id=str(order_id))
            case Turn.DELAYED:
                order_id = self._place(sale, method="bacs")
                pays = Later(after=PAID_LATER, act=lambda: self.simulator.pay(order_id))
                return Sold(external_id=str(order_id), later=(pays,))
            case Turn.SEEN_TWICE:
                order_id = self._place(sale, is_paid=False)
                row = self._row(order_id)
                payment = take_payment(
                    Money(row.total, row.currency), f"{self.name}, order {row.number}"
                )
                self.simulator.pay(order_id, transaction_id=payment)
                return Sold(external_id=str(order_id))
            case _:
                order_id = self._place(sale)
                return Sold(external_id=str(order_id), later=self._later(sale, order_id))

    def _later(self, sale: Sale, order_id: int) -> tuple[Later, ...]:
        shop = self.simulator
        match sale.turn:
            case Turn.EDITED:
                return (
                    Later(
                        after=timedelta(seconds=20 + 10 * (sale.number % 20)),
                        act=lambda: shop.change_address(
                            order_id, address_2="c/o Łukasik, 3. Stock", city="Zürich-Œrlikon"
                        ),
                    ),
                )
            case Turn.CANCELLED:
                # Some at once, some when the goods are being made.
                after = timedelta(seconds=30) * (1 + sale.number % 8)
                return (Later(after=after, act=lambda: self._cancel(order_id)),)
            case Turn.REFUNDED:
                return (
                    Later(after=timedelta(minutes=1), act=lambda: shop.refund(order_id) and None),
                )
            case Turn.PARTLY_REFUNDED:
                return (Later(after=ARRIVED_DAMAGED, act=lambda: self._refund_one(order_id)),)
            case _:
                return ()

    def _cancel(self, order_id: int) -> None:
        if self._row(order_id).status not in {"completed", "refunded"}:
            self.simulator.cancel(order_id)

    def _refund_one(self, order_id: int) -> None:
        """Give one unit's price back, as people do when something arrives damaged."""
        row = self._row(order_id)
        line = row.lines[0]
        price = (Decimal(line["total"]) + Decimal(line["total_tax"])) / line["quantity"]
        amount = price.quantize(self.simulator.options.quantum)
        self.simulator.refund(order_id, str(amount), units=[(line["id"], 1)], reason="Verknickt")

    def _place(self, sale: Sale, *, method: str = "stripe", is_paid: bool | None = None) -> int:
        (currency,) = self.currencies
        needs_parcel = not all(line.good.is_virtual for line in sale.lines)
        delivery = Delivery(
            title="Express" if sale.is_express else "Standard",
            method_id="express" if sale.is_express else "flat_rate",
            price=(EXPRESS if sale.is_express else STANDARD)[currency],
        )
        coupon = (f"möwe{sale.coupon_percent}", sale.coupon_percent)
        return self.simulator.customer_orders(
            *(_cart_line(line) for line in sale.lines),
            buyer=_buyer(sale.customer),
            payment_method=method,
            is_paid=is_paid,
            coupon=coupon if sale.coupon_percent else None,
            shipping=delivery if needs_parcel else None,
            note="Bitte klingeln 🔔" if sale.number % 11 == 0 else "",
        )

    def _row(self, order_id: int) -> Row:
        return self.simulator.shop.sales[order_id]

    def sworn(self) -> dict[str, list[dict[str, Any]]]:
        """Every order that stands in the shop."""
        sales = [(row, row.sworn()) for row in self.simulator.shop.sales.values()]
        return {
            "sales": [
                {
                    "external_id": told["id"],
                    "number": told["number"],
                    "reference": "",
                    "state": row.status,
                    "is_paid": row.paid_at is not None,
                    "is_cancelled": row.status in {"cancelled", "refunded", "trash"},
                    "units": told["units"],
                    "total": told["total"],
                    "currency": told["currency"],
                    "refunded": str(row.refunded),
                    "transaction_id": told["transaction_id"],
                    "trackings": told["trackings"],
                    "notes": told["notes"],
                }
                for row, told in sales
            ]
        }


def places(clock: Clock, run: str) -> list[Place]:
    """Prices with tax in euro, without in dollars, and a currency that has no cents."""
    return [
        Storefront(
            clock=clock,
            mount="woocommerce-eur",
            language="de",
            options=_options(
                run,
                site_url=f"https://seemoewe-{run}.example",
                name="Seemöwe Prints",
                currency="EUR",
                tracking_extension=True,
            ),
        ),
        Storefront(
            clock=clock,
            mount="woocommerce-jpy",
            options=_options(
                run,
                site_url=f"https://kamome-{run}.example",
                name="かもめ Prints",
                currency="JPY",
                utc_offset=timedelta(hours=9),
                sequential_from=70_000,
            ),
        ),
        Storefront(
            clock=clock,
            mount="woocommerce-usd",
            options=_options(
                run,
                site_url=f"https://gulls-{run}.example",
                name="Gull’s Nest Posters",
                currency="USD",
                prices_include_tax=False,
                utc_offset=timedelta(hours=-5),
            ),
        ),
    ]


def _options(run: str, *, site_url: str, **more: Any) -> ShopOptions:
    return ShopOptions(
        site_url=site_url,
        consumer_key=f"ck_{secret_word(site_url, 'key', length=40)}",
        consumer_secret=f"cs_{secret_word(site_url, run, length=40)}",
        **more,
    )


def _cart_line(line: Wanted) -> CartLine:
    properties = ((ARTWORK, line.artwork_url),) if line.artwork_url else ()
    return CartLine(sku=line.good.sku, quantity=line.quantity, properties=properties)


def _buyer(person: Person) -> Buyer:
    return Buyer(
        first_name=person.first_name,
        last_name=person.last_name,
        address_1=person.line1,
        address_2=person.line2,
        city=person.city,
        state=person.state,
        postcode=person.postal_code,
        country=person.country,
        email=person.email,
        phone=person.phone,
    )
