"""A shop on loopback and the hub's client for it.

Also what several files of tests ask of them (parcels, news, refunds), and what the shop sends back.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from entrepot.canon.money import Money
from entrepot.canon.orders import Mode, OrderSnapshot
from entrepot.canon.payments import RefundRequest
from entrepot.connect.http import Answer, Http
from entrepot.connect.ports import Account, InboundMessage, PulledItem, WriteBack, WrittenParcel
from entrepot.connect.simulator import Clock, Delivery
from entrepot.connectors.woocommerce import webhook
from entrepot.connectors.woocommerce.client import Client, base_url
from entrepot.connectors.woocommerce.pricing import CartLine
from entrepot.connectors.woocommerce.simulator import GUIDE, MUG, PRINT_A3, WooCommerce, build
from tests.serving import serve

START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
HOOK_URL = "https://hub.example/hooks/woo-7"
SECRET = "hush"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def shop() -> WooCommerce:
    """A shop in Köln: EUR, prices with tax, site time an hour before UTC's."""
    simulator = build(Clock(speed=0.0, start=START))
    simulator.stock_shelves()
    return simulator


@pytest.fixture
def address(shop: WooCommerce) -> Iterator[str]:
    """Where the shop answers."""
    with serve(shop) as url:
        yield url


def account_of(shop: WooCommerce, address: str, **settings: object) -> Account:
    """The account that a merchant would have typed in."""
    return Account(
        mode=Mode.TEST,
        settings={
            "base_url": address,
            "consumer_key": shop.options.consumer_key,
            "consumer_secret": shop.options.consumer_secret,
            **settings,
        },
    )


@pytest.fixture
def client(shop: WooCommerce, address: str) -> Client:
    """The hub's client, by OAuth 1.0a because loopback is plain http."""
    account = account_of(shop, address)
    return Client(Http(base_url(account)), account)


def order_in(item: PulledItem | None, shop: WooCommerce) -> OrderSnapshot:
    """What a pulled body says."""
    assert item is not None
    message = InboundMessage(
        source="poll", topic=item.topic, body=item.body, received_at=shop.clock.now()
    )
    (found,) = webhook.normalize(message, account_of(shop, "http://shop.example"))
    assert isinstance(found, OrderSnapshot)
    return found


def parcel(shop: WooCommerce, order_id: int, reference: str, **changes: Any) -> WrittenParcel:
    lines = shop.shop.sales[order_id].lines
    values: dict[str, Any] = {
        "reference": reference,
        "carrier": "DHL",
        "service": "Express",
        "tracking_number": f"003404341610{reference[-1]}",
        "tracking_url": f"https://track.example/{reference}",
        "shipped_at": START,
        "items": ((str(lines[0]["id"]), 2),),
        **changes,
    }
    return WrittenParcel(**values)


def news(order_id: int, *parcels: WrittenParcel, **changes: Any) -> WriteBack:
    values: dict[str, Any] = {
        "reference": "E-W-1",
        "order_external_id": str(order_id),
        "parcels": parcels,
        "completes_order": False,
        **changes,
    }
    return WriteBack(**values)


def refund_of(
    order_id: int, amount: str, *, currency: str = "EUR", **changes: Any
) -> RefundRequest:
    values: dict[str, Any] = {
        "reference": "E-R-1",
        "idempotency_key": "unused",
        "payment_external_id": f"order:{order_id}",
        "order_external_id": str(order_id),
        "amount": Money.of(amount, currency),
        "reason": "Zerkratzt",
        **changes,
    }
    return RefundRequest(**values)


def only_for(shop: WooCommerce, method: str, fault: str) -> None:
    """Let a fault strike every call of one method, and no other."""
    handle = shop.handle

    def struck(call: Any) -> Any:
        setattr(shop.faults, fault, 1.0 if call.method == method else 0.0)
        return handle(call)

    shop.handle = struck  # type: ignore[assignment,method-assign]


def like_the_recorded_one(shop: WooCommerce) -> int:
    """The recorded order again: coupon, fee, a personalised line, a virtual line."""
    return shop.customer_orders(
        (PRINT_A3, 2),
        CartLine(sku=MUG, quantity=3, properties=(("Engraving", "Für Oma"),)),
        (GUIDE, 1),
        coupon=("herbst", 10),
        fees=[("Gift wrap", "2.00")],
        note="Bitte nicht knicken",
    )


@pytest.fixture
def call(shop: WooCommerce, address: str) -> Callable[..., Answer]:
    """Call the shop with its key in the query, as over TLS."""
    http = Http(f"{address}/wp-json/wc/v3")

    def asked(method: str, path: str, *, is_signed: bool = True, **options: Any) -> Answer:
        key = {
            "consumer_key": shop.options.consumer_key,
            "consumer_secret": shop.options.consumer_secret,
        }
        params = {**(key if is_signed else {}), **options.pop("params", {})}
        every = frozenset(range(400, 600))
        return http.request(method, path, params=params, allow=every, **options)

    return asked


def subscribed(shop: WooCommerce, *topics: str) -> None:
    for topic in topics:
        shop.shop.register(name="", topic=topic, url=HOOK_URL, secret=SECRET, status="active")
    shop.due_deliveries()  # the pings


def sent(shop: WooCommerce, *, after: timedelta = MINUTE) -> list[Delivery]:
    """What the shop sends within a while."""
    shop.clock.advance(after)
    return shop.due_deliveries()
