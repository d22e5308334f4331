"""A merchant's trade in small: orders as a storefront tells them, through the one way in.

A test spells out what matters to it. Nothing here stands for a part of the hub: snapshots go
through the real intake, jobs run in the real worker, a provider is its simulator over HTTP.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts.models import Attempt
from entrepot.canon.customers import CustomerSnapshot
from entrepot.canon.messages import CanonicalItem
from entrepot.canon.money import Money, total_of
from entrepot.canon.orders import (
    LineSnapshot,
    OrderSnapshot,
    OrderTotals,
    PaymentWord,
    ShippingLine,
    SourceState,
    TaxLine,
)
from entrepot.canon.payments import PaymentFact, PaymentFactKind
from entrepot.canon.places import Address
from entrepot.catalog import services as catalog
from entrepot.catalog.services import MappingWish
from entrepot.catalog.states import MappingKind
from entrepot.connect.simulator import Clock
from entrepot.connections.models import Connection
from entrepot.database import sql
from entrepot.events.models import Event
from entrepot.fulfillment.costs import Quoting, keep_quotes
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.planning import plan_order
from entrepot.fulfillment.submission import Decision, Submission, Wait, intend_submissions
from entrepot.inbox.claiming import Claimed
from entrepot.inbox.services import Finished
from entrepot.intake.applying import apply
from entrepot.intake.understanding import Known, Understood, checked
from entrepot.orders.models import Hold, Line, Order
from entrepot.tasks import asking
from entrepot.tasks.pricing import ask_together

HOME = Address(
    name="Änne Ørsted-Łukasik",
    line1="Straße der Möwen 7",
    city="Köln",
    postal_code="50667",
    country="DE",
)
BUYER = CustomerSnapshot(external_id="81", email="aenne@example.org", name="Änne Ørsted-Łukasik")
SHOP_ACCOUNT = "woocommerce:möwe.example"
_numbers = count(1)


def line(
    sku: str,
    quantity: int,
    price: str = "29.90",
    *,
    currency: str = "EUR",
    external_id: str = "",
    **more: Any,
) -> LineSnapshot:
    """A line at full price; its external id is its SKU unless told."""
    unit_price = Money.of(price, currency)
    return LineSnapshot(
        **{
            "external_id": external_id or f"line-{sku}",
            "sku": sku,
            "title": f"Kunstdruck {sku} 鴎",
            "quantity": quantity,
            "unit_price": unit_price,
            "total": unit_price * quantity,
            **more,
        }
    )


def snapshot(
    external_id: str = "10482",
    *lines: LineSnapshot,
    currency: str = "EUR",
    shipping: str = "4",
    version: int = 1,
    is_paid: bool = True,
    tax_lines: tuple[TaxLine, ...] = (),
    **more: Any,
) -> OrderSnapshot:
    """An order of the shop, paid and to be fulfilled; totals follow from the lines."""
    bought = lines or (
        line("MOEWE-A3", 2, currency=currency),
        line("POST-12", 3, "7.50", currency=currency),
    )
    zero, post = Money.zero(currency), Money.of(shipping, currency)
    goods = total_of((each.total for each in bought), currency=currency)
    added = total_of((tax.amount for tax in tax_lines if not tax.is_included), currency=currency)
    total = goods + post + added
    paid = {
        "payment": PaymentWord.PAID if is_paid else PaymentWord.UNPAID,
        "payment_facts": (fact("captured", total, payment=f"pay-{external_id}"),),
    }
    return OrderSnapshot(
        **{
            "external_id": external_id,
            "number": external_id,
            "state": SourceState.PROCESSING if is_paid else SourceState.AWAITING,
            "source_status": "processing" if is_paid else "pending",
            "placed_at": timezone.now() - timedelta(minutes=5),
            "version": version,
            "currency": currency,
            "totals": OrderTotals(
                lines=goods,
                discount=zero,
                shipping=post,
                fees=zero,
                tax=total_of((tax.amount for tax in tax_lines), currency=currency),
                total=total,
                refunded=zero,
            ),
            "lines": bought,
            "customer": BUYER,
            "shipping_address": HOME,
            "shipping_lines": (ShippingLine(title="Paket", method_code="dhl", price=post),),
            "payment_method": "stripe",
            "tax_lines": tax_lines,
            **(paid if is_paid else {"payment": PaymentWord.UNPAID}),
            **more,
        }
    )


def buyer(number: int) -> CustomerSnapshot:
    """Another customer for each number, so that equal orders of theirs are no duplicates."""
    return replace(BUYER, external_id=f"8{number}", email=f"kundin-{number}@example.org")


def later(told: OrderSnapshot, **changes: Any) -> OrderSnapshot:
    """The same order at its next version."""
    return replace(told, **{"version": told.version + 1, **changes})


def fact(kind: str, amount: Money, *, payment: str = "pay-1", **more: Any) -> PaymentFact:
    """Something that happened to money; its id is kind and payment unless told."""
    return PaymentFact(
        **{
            "kind": PaymentFactKind(kind),
            "external_id": f"{kind}-{payment}",
            "payment_external_id": payment,
            "amount": amount,
            "happened_at": datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
            **more,
        }
    )


@dataclass
class Trade:
    """A merchant with a shop and whatever a test connects besides, driven step by step."""

    merchant: Merchant
    shop: Connection
    run_jobs: Callable[..., int]
    clock: Clock = field(default_factory=Clock)

    def tell(
        self,
        *items: CanonicalItem,
        source: str = "webhook",
        connection: Connection | None = None,
        at: datetime | None = None,
    ) -> list[Finished]:
        """Have each item applied as a message of its own, all in one batch."""
        here = connection or self.shop
        with scope.system():
            known = Known.of(Connection.objects.get(id=here.id))
            return apply(
                [checked(_claimed(here, source, at), known, items=(item,)) for item in items]
            )

    def understood(self, *items: CanonicalItem, source: str = "webhook") -> Understood:
        """A message that says all of these."""
        with scope.system():
            known = Known.of(Connection.objects.get(id=self.shop.id))
        return checked(_claimed(self.shop, source, None), known, items=items)

    def work(self, ahead: timedelta = timedelta(0)) -> int:
        """Let the worker do what is due, after a while has gone by for what waits."""
        return self.run_jobs(ahead)

    def order(self, external_id: str = "10482") -> Order:
        """An order as it stands now."""
        with scope.merchant(self.merchant.id):
            return Order.objects.get(external_id=external_id)

    def lines(self, external_id: str = "10482") -> dict[str, Line]:
        """The lines of an order by SKU."""
        with scope.merchant(self.merchant.id):
            found = Line.objects.filter(order__external_id=external_id)
            return {each.sku: each for each in found.order_by("position")}

    def holds(self, external_id: str = "10482") -> list[tuple[str, str]]:
        """Kind and about of the open holds of an order."""
        with scope.merchant(self.merchant.id):
            found = Hold.objects.filter(order__external_id=external_id, lifted_at=None)
            return sorted(found.values_list("kind", "about"))

    def reasons(self, external_id: str = "10482") -> list[str]:
        """The reasons of the open holds of an order."""
        with scope.merchant(self.merchant.id):
            found = Hold.objects.filter(order__external_id=external_id, lifted_at=None)
            return sorted(found.values_list("reason", flat=True))

    def shares(self, external_id: str = "10482") -> list[FulfillmentOrder]:
        """The shares of an order, by number."""
        with scope.merchant(self.merchant.id):
            order_id = Order.objects.values_list("id", flat=True).get(external_id=external_id)
            return list(FulfillmentOrder.objects.filter(order_id=order_id).order_by("share"))

    def statuses(self, external_id: str = "10482") -> list[str]:
        """The statuses of the shares of an order, by number."""
        return [share.status for share in self.shares(external_id)]

    def attempts(self, kind: str) -> list[str]:
        """The statuses of all attempts of a kind, oldest first."""
        with scope.merchant(self.merchant.id):
            found = Attempt.objects.filter(kind=kind).order_by("id")
            return list(found.values_list("status", flat=True))

    def events(self, *names: str) -> list[str]:
        """The names of recorded events, oldest first; only some of them when told."""
        with scope.merchant(self.merchant.id):
            found = Event.objects.order_by("id").values_list("name", flat=True)
            return [name for name in found if not names or name in names]

    def by_hand(self, *skus: str, provider: Connection | None = None) -> Connection:
        """Have SKUs shipped by the merchant."""
        place = provider or connect(self.merchant, "by_hand", mode=self.shop.mode)
        for sku in skus:
            wish = MappingWish(kind=MappingKind.BY_HAND, provider_connection_id=place.id)
            catalog.map_sku(self.merchant.id, sku, wish=wish, by="user:1")
        return place

    def made_by(
        self,
        provider: Connection,
        *skus: str,
        made_as: str = "GLOBAL-FAP-8X10",
        shipped_as: str = "Standard",
        method_code: str = "*",
        **more: Any,
    ) -> None:
        """Have SKUs made by a provider; any shipping method is its standard one unless told."""
        for sku in skus:
            wish = MappingWish(
                kind=MappingKind.PROVIDER,
                provider_connection_id=provider.id,
                provider_sku=made_as,
                sizing="fillPrintArea",
                **more,
            )
            catalog.map_sku(self.merchant.id, sku, wish=wish, by="user:1")
        catalog.map_shipping(
            self.merchant.id,
            storefront_id=self.shop.id,
            provider_connection_id=provider.id,
            method_code=method_code,
            provider_method=shipped_as,
        )


def connect(merchant: Merchant, platform: str, **changes: Any) -> Connection:
    """A live connection without an outside; tests that call out connect a simulator."""
    number = next(_numbers)
    with scope.merchant(merchant.id):
        return Connection.objects.create(
            **{
                "merchant_id": merchant.id,
                "platform": platform,
                "mode": "test",
                "name": f"{platform} {number}",
                "code": f"{platform}-{number}",
                "account": f"{platform}:account-{number}.example",
                "token": f"token-{merchant.id}-{number}",
                "status": "live",
                "live_since": timezone.now() - timedelta(days=30),
                "policy": {"cooling_off_seconds": 0},
                **changes,
            }
        )


def euros(amount: str) -> Money:
    """Money in EUR."""
    return Money.of(amount, "EUR")


def amounts(order: Order) -> dict[str, Decimal]:
    """The money counters of an order that are not zero, normalized."""
    names = ("pending", "authorized", "captured", "refunded", "disputed")
    found = {name: getattr(order, f"amount_{name}") for name in names}
    return {name: amount.normalize() for name, amount in found.items() if amount}


def numbered(shares: Sequence[FulfillmentOrder]) -> list[tuple[int, str, int]]:
    """Share, status and generation."""
    return [(share.share, share.status, share.generation) for share in shares]


def intend_one(merchant_id: int, share_id: int) -> Decision:
    """The decision on one share, as its job takes it together with others."""
    cause = f"job:{share_id}"
    return intend_submissions(merchant_id, {share_id: cause})[share_id]


def decided_without_price(merchant_id: int, share_id: int) -> Submission | Wait | None:
    """The decision on a share, where its provider answers each question for the price with none."""
    decided = intend_one(merchant_id, share_id)
    while isinstance(decided, Quoting):
        keep_quotes(merchant_id, [(decided, [])])
        decided = intend_one(merchant_id, share_id)
    return decided


def price(trade: Trade, external_id: str = "10482") -> None:
    """Have an order planned and priced, so that only its submission meets a provider's faults."""
    order_id = trade.order(external_id).id
    for share in plan_order(trade.merchant.id, order_id):
        decided = intend_one(trade.merchant.id, share.id)
        assert isinstance(decided, Quoting)
        ask_together(trade.merchant.id, [decided])


def ask(trade: Trade) -> None:
    """Let a while go by for attempts that nobody can vouch for, and let them be asked about."""
    with scope.system():
        sql.run(
            "UPDATE attempts_attempt SET next_ask_at = now() - interval '1 second',"
            " leased_until = NULL WHERE status = 'unknown'"
        )
    asking.find_forgotten()
    trade.work()


def _claimed(connection: Connection, source: str, at: datetime | None) -> Claimed:
    number = next(_numbers)
    return Claimed(
        work_id=number,
        message_id=number,
        merchant_id=connection.merchant_id,
        connection_id=connection.id,
        mode=connection.mode,
        source=source,
        topic="orders",
        headers={},
        sealed=None,
        is_hint=False,
        received_at=at or timezone.now(),
        tries=1,
    )
