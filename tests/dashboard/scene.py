"""A shop for the pages to show: its people, its connections and what it sold.

Rows are written as their rooms keep them, counters beside facts, so that a page is tested apart
from the machinery that brings an order there. `shares.py` adds what providers have of the orders,
`troubles.py` what goes wrong, and `day.py` makes a whole day of it all.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from entrepot.access import crypto, scope
from entrepot.access import services as access
from entrepot.access.models import Merchant, User
from entrepot.access.states import Role
from entrepot.connections.models import CallRecord, Connection, Cursor
from entrepot.customers.models import Customer, PostalAddress
from entrepot.customers.sealing import EMAIL
from entrepot.customers.services import email_hash
from entrepot.events import outbox
from entrepot.inbox.models import InboxMessage
from entrepot.orders import search
from entrepot.orders.models import Line, Order
from entrepot.orders.references import new_reference
from entrepot.payments.models import PaymentEntry

PASSWORD = "Möwen über der Reede"


@dataclass
class Scene:
    """A merchant with people, connections and orders by number."""

    merchant: Merchant
    people: dict[str, User] = field(default_factory=dict)
    connections: dict[str, Connection] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)

    def order(self, number: str) -> Order:
        """An order as it stands in the database now."""
        with scope.merchant(self.merchant.id):
            return Order.objects.get(id=self.orders[number].id)


def opened(*, zone: str = "Europe/Berlin") -> Scene:
    """A merchant with one person per role and six connections, and no order yet."""
    merchant = access.create_merchant(name="Seemöwe Prints", code="seemoewe", time_zone=zone)
    scene = Scene(merchant)
    for name, role in (
        ("Inga Körner", Role.OPERATOR),
        ("Ólafur Þór", Role.OWNER),
        ("Wanda Kowalczyk", Role.WAREHOUSE),
        ("Saoirse Ní Bhriain", Role.SUPPORT),
        ("田辺 ゆき", Role.VIEWER),
    ):
        user = access.create_user(email=f"{role}@seemoewe.example", name=name)
        user.password = _hashed()
        user.save()
        access.grant_role(user.id, merchant_id=merchant.id, role=role)
        scene.people[role] = user
    with scope.merchant(merchant.id):
        _connect(scene)
    return scene


@cache
def _hashed() -> str:
    """Argon2 is slow on purpose: once for all people of all tests."""
    return make_password(PASSWORD)


def _connect(scene: Scene) -> None:
    now = timezone.now()
    for code, platform, name, mode, status, minutes in (
        ("shop", "woocommerce", "Seemöwe Shop", "live", "live", 0),
        ("pay", "stripe", "Stripe checkout", "live", "live", 1),
        ("prodigi", "prodigi", "Prodigi", "live", "live", 2),
        ("tracking", "easypost", "EasyPost trackers", "live", "live", 47),
        ("hand", "by_hand", "By hand, Hamburg", "live", "live", None),
        ("boutique", "woocommerce", "Boutique Mouette", "live", "observing", 0),
        ("test", "woocommerce", "Seemöwe Shop, test", "test", "live", 0),
    ):
        row = Connection.objects.create(
            merchant_id=scene.merchant.id,
            platform=platform,
            mode=mode,
            name=name,
            code=code,
            account=f"{platform}:{code}.example",
            token=f"token-{scene.merchant.id}-{code}",
            status=status,
            live_since=now - timedelta(days=90) if status == "live" else None,
            last_useful_at=now - timedelta(minutes=minutes or 26, seconds=12),
            last_useful_topic="order.updated",
        )
        scene.connections[code] = row
        if minutes is not None:
            Cursor.objects.create(
                merchant_id=row.merchant_id,
                connection=row,
                flow="orders",
                polled_at=now - timedelta(minutes=minutes, seconds=4),
            )
        CallRecord.objects.bulk_create(
            CallRecord(
                merchant_id=row.merchant_id,
                connection_id=row.id,
                at=now - timedelta(hours=hours, minutes=5),
                method="GET",
                url="https://shop.example/wp-json/wc/v3/orders",
                status_code=200 if hours else 503,
                outcome="ok" if hours else "Unavailable",
                duration_ms=120,
            )
            for hours in reversed(range(0 if code == "shop" else 1, 20))
        )


PROCESSING = {
    "source_state": "processing",
    "source_status": "processing",
    "source_version": 1,
    "source_hash": "h",
    "shipping_title": "Versand versichert",
    "payment_word": "paid",
    "payment_title": "Card",
}


def _sums(amount: Decimal) -> dict[str, Decimal]:
    """Goods and nine for sending them."""
    nothing = Decimal(0)
    return {
        "total_lines": amount - 9,
        "total_discount": nothing,
        "total_shipping": Decimal(9),
        "total_fees": nothing,
        "total_tax": nothing,
        "total": amount,
        "computed_total": amount,
        "amount_due": amount,
    }


def sell(
    scene: Scene,
    number: str,
    *,
    customer: str,
    country: str,
    total: str,
    currency: str,
    lines: Sequence[tuple[str, str, int]],
    placed: timedelta,
    connection: str = "shop",
    mode: str = "live",
    captured: bool = True,
    released: bool = True,
    city: str = "Lübeck",
    email: str = "",
    **more: Any,
) -> Order:
    """An order with its lines, customer and address, paid unless told otherwise.

    `lines` are (SKU, title, quantity); `placed` is how long ago.
    """
    now = timezone.now()
    merchant_id, amount, placed_at = scene.merchant.id, Decimal(total), now - placed
    email = email or f"{number}@mail.example"
    with scope.merchant(merchant_id):
        buyer, address = _buyer(merchant_id, customer, country, city, email)
        order = Order.objects.create(
            merchant_id=merchant_id,
            mode=mode,
            account=scene.connections[connection].account,
            external_id=number,
            connection_id=scene.connections[connection].id,
            number=number,
            reference=new_reference(),
            placed_at=placed_at,
            first_seen_at=placed_at,
            source_read_at=now - timedelta(minutes=3),
            currency=currency,
            **PROCESSING,
            **_sums(amount),
            customer_id=buyer.id,
            address_id=address.id,
            typed_address_id=address.id,
            released_at=placed_at if released else None,
            released_by="paid" if released else "",
            amount_captured=amount if captured else 0,
            units_ordered=sum(units for _, _, units in lines),
            **more,
        )
        _add_lines(order, lines)
        if captured:
            gateway = scene.connections["pay" if mode == "live" else connection]
            _capture(order, account=scene.connections["pay"].account, connection_id=gateway.id)
        _find_by(order, customer)
        _tell(scene, order)
        order.refresh_from_db()
    scene.orders[number] = order
    return order


def _find_by(order: Order, customer: str) -> None:
    terms = search.OrderTerms(
        merchant_id=order.merchant_id,
        mode=order.mode,
        order_id=order.id,
        words=[order.number],
        names=[customer, *customer.split()],
    )
    search.keep_terms([terms])


def _add_lines(order: Order, lines: Sequence[tuple[str, str, int]]) -> None:
    for position, (sku, title, units) in enumerate(lines):
        Line.objects.create(
            merchant_id=order.merchant_id,
            order=order,
            external_id=f"{order.number}-{position}",
            position=position,
            sku=sku,
            title=title,
            quantity=units,
            unit_price=order.total_lines / len(lines) / units,
            total=order.total_lines / len(lines),
        )


def _capture(order: Order, *, account: str, connection_id: int) -> None:
    PaymentEntry.objects.create(
        merchant_id=order.merchant_id,
        mode=order.mode,
        account=account,
        connection_id=connection_id,
        order_id=order.id,
        kind="captured",
        external_id=f"ch_{order.number}",
        payment_external_id=f"pi_{order.number}",
        amount=order.total,
        currency=order.currency,
        card_last4="4242",
        is_from_gateway=True,
        happened_at=order.placed_at,
    )


def _tell(scene: Scene, order: Order) -> None:
    """The events of its import, caused by a message of its own."""
    told = {"order.imported": {"number": order.number}}
    if order.released_at is not None:
        told["order.released"] = {"by": "paid"}
    with outbox.because(cause=f"inbox:{_message(scene, order)}"):
        for name, data in told.items():
            outbox.record(
                name,
                merchant_id=order.merchant_id,
                mode=order.mode,
                order_id=order.id,
                data=data,
            )


def _buyer(
    merchant_id: int, name: str, country: str, city: str, email: str
) -> tuple[Customer, PostalAddress]:
    buyer, _ = Customer.objects.get_or_create(
        merchant_id=merchant_id,
        identity=f"email:{email_hash(email)}",
        defaults={
            "name": name,
            "language": "de",
            "phone": "+49 171 555 0141",
            "email_sealed": crypto.encrypt(EMAIL, email.encode()),
        },
    )
    address, _ = PostalAddress.objects.get_or_create(
        merchant_id=merchant_id,
        content_hash=hashlib.sha256(f"{name}{country}{city}".encode()).hexdigest()[:32],
        defaults={
            "name": name,
            "line1": "Große Möwengasse 12",
            "line2": "Hinterhaus",
            "postal_code": "23552",
            "city": city,
            "country": country,
        },
    )
    return buyer, address


def _message(scene: Scene, order: Order) -> int:
    return InboxMessage.objects.create(
        merchant_id=scene.merchant.id,
        connection_id=order.connection_id,
        mode=order.mode,
        source="webhook",
        topic="order.updated",
        size=5244,
        fingerprint=b"\x01" * 32,
    ).id


def count(scene: Scene, number: str, **counters: Any) -> None:
    """Set counters of an order, as the room that owns the fact would."""
    with scope.merchant(scene.merchant.id):
        Order.objects.filter(id=scene.orders[number].id).update(**counters)
