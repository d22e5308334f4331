"""What an order is called where its source gives it no number."""

from datetime import UTC, datetime
from decimal import Decimal

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.canon.customers import CustomerSnapshot
from entrepot.canon.money import Money
from entrepot.canon.orders import (
    LineSnapshot,
    OrderSnapshot,
    OrderTotals,
    PaymentWord,
    SourceState,
)
from entrepot.canon.places import Address
from entrepot.orders import snapshots
from entrepot.orders.models import Order, SearchTerm
from entrepot.orders.policy import OrderPolicy
from tests.notifications.sales import make_storefront

PLACED_AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def incoming(merchant: Merchant, *, external_id: str, number: str) -> snapshots.IncomingOrder:
    total = Money(Decimal("12.750"), "KWD")
    zero = Money.zero("KWD")
    return snapshots.IncomingOrder(
        content_hash="",
        snapshot=OrderSnapshot(
            external_id=external_id,
            number=number,
            state=SourceState.PROCESSING,
            source_status="complete",
            placed_at=PLACED_AT,
            version=1_763_000_000_000_000,
            currency="KWD",
            totals=OrderTotals(
                lines=total,
                discount=zero,
                shipping=zero,
                fees=zero,
                tax=zero,
                total=total,
                refunded=zero,
            ),
            lines=(
                LineSnapshot(
                    external_id="li_1",
                    sku="لوحة-A3",
                    title="لوحة",
                    quantity=3,
                    unit_price=Money(Decimal("4.250"), "KWD"),
                    total=total,
                ),
            ),
            customer=CustomerSnapshot(email="noura@example.org", name="نورة"),
            shipping_address=Address(name="نورة", line1="شارع 5", city="الكويت", country="KW"),
            payment=PaymentWord.PAID,
        ),
        merchant_id=merchant.id,
        connection_id=make_storefront(merchant).id,
        account="gateway:acct_1möwe",
        connection_mode="live",
        policy=OrderPolicy(live_since=None),
        message_id=None,
        read_at=PLACED_AT,
    )


def test_an_order_without_a_number_is_named_by_its_identity(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        snapshots.apply_orders(
            [
                incoming(merchant, external_id="cs_live_a1", number=""),
                incoming(merchant, external_id="cs_live_b2", number=""),
                incoming(merchant, external_id="cs_live_c3", number="10482"),
            ]
        )
        numbers = dict(Order.objects.values_list("external_id", "number"))
        found = SearchTerm.objects.filter(term=numbers["cs_live_a1"].lower()).count()

    assert numbers["cs_live_c3"] == "10482"
    assert numbers["cs_live_a1"] != numbers["cs_live_b2"]
    assert all(len(numbers[sale]) == 10 for sale in ("cs_live_a1", "cs_live_b2"))
    assert numbers["cs_live_a1"].startswith("E-")
    assert found == 1


def test_the_same_sale_has_the_same_number_in_every_database(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    for one in (merchant, other_merchant):
        with scope.merchant(one.id):
            snapshots.apply_orders([incoming(one, external_id="cs_live_a1", number="")])

    with scope.system():
        first, second = Order.objects.values_list("number", flat=True)
    assert first == second
    assert first.startswith("E-")
