"""A payment that belongs to no known order waits for a person, who matches or dismisses it."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.canon.payments import CheckoutLine, CheckoutRequest
from entrepot.connections.models import Connection
from entrepot.database import sql
from entrepot.events.models import Event
from entrepot.payments import checkouts, unmatched
from entrepot.payments.models import PaymentEntry
from entrepot.payments.unmatched import CannotMatch
from tests.rules.trade import SHOP_ACCOUNT, Trade, amounts, connect, euros, fact, line, snapshot

LINES = (line("MOEWE-A3", 3, "12.00"), line("POST-12", 4, "3.00"))
TOTAL = "52.00"


@pytest.fixture
def trade(merchant: Merchant, run_jobs: Callable[..., int]) -> Trade:
    shop = connect(merchant, "woocommerce", account=SHOP_ACCOUNT, name="Möwe & Meer")
    return Trade(merchant=merchant, shop=shop, run_jobs=run_jobs)


@pytest.fixture
def gateway(trade: Trade) -> Connection:
    return connect(trade.merchant, "stripe")


def entry(trade: Trade, external_id: str) -> PaymentEntry:
    with scope.merchant(trade.merchant.id):
        return PaymentEntry.objects.get(external_id=external_id)


def waiting(trade: Trade, mode: str = "test") -> list[str]:
    with scope.merchant(trade.merchant.id):
        return [row.external_id for row in unmatched.payments(mode).order_by("id")]


def test_a_matched_payment_pays_the_order_and_releases_it(
    trade: Trade, gateway: Connection
) -> None:
    trade.tell(snapshot("71001", *LINES, is_paid=False, state="processing"))
    trade.tell(fact("captured", euros(TOTAL), payment="pi_fremd_1"), connection=gateway)
    order = trade.order("71001")
    assert (order.released_at, waiting(trade)) == (None, ["captured-pi_fremd_1"])

    for _ in range(2):
        unmatched.match_payment(
            trade.merchant.id,
            entry(trade, "captured-pi_fremd_1").id,
            order_id=order.id,
            by="user:3",
            reason="Same name on the bank statement",
        )

    order = trade.order("71001")
    assert (order.payment_status, order.released_by) == ("paid", "paid")
    assert waiting(trade) == []
    with scope.merchant(trade.merchant.id):
        (told,) = Event.objects.filter(name="payment.captured")
    assert (told.actor, told.reason, told.order_id) == (
        "user:3",
        "Same name on the bank statement",
        order.id,
    )
    assert trade.events("order.released") == ["order.released"]


def test_all_that_is_known_of_a_payment_goes_with_it(trade: Trade, gateway: Connection) -> None:
    trade.tell(snapshot("71002", *LINES, is_paid=False))
    for kind, amount in (("captured", TOTAL), ("refunded", "7.50")):
        trade.tell(fact(kind, euros(amount), payment="pi_fremd_2"), connection=gateway)
    trade.tell(fact("captured", euros("3.20"), payment="pi_fremd_other"), connection=gateway)

    unmatched.match_payment(
        trade.merchant.id,
        entry(trade, "captured-pi_fremd_2").id,
        order_id=trade.order("71002").id,
        by="user:3",
    )
    trade.tell(
        fact("refunded", euros("1.25"), payment="pi_fremd_2", external_id="re_2"),
        connection=gateway,
    )

    assert amounts(trade.order("71002")) == {"captured": Decimal(52), "refunded": Decimal("8.75")}
    assert waiting(trade) == ["captured-pi_fremd_other"]


def test_a_payment_belongs_to_one_order_only(trade: Trade, gateway: Connection) -> None:
    for number in ("71003", "71004"):
        trade.tell(snapshot(number, *LINES, is_paid=False))
    trade.tell(fact("captured", euros(TOTAL), payment="pi_fremd_3"), connection=gateway)
    mine = entry(trade, "captured-pi_fremd_3").id
    unmatched.match_payment(trade.merchant.id, mine, order_id=trade.order("71003").id, by="user:3")

    with pytest.raises(CannotMatch, match="71003"):
        unmatched.match_payment(
            trade.merchant.id, mine, order_id=trade.order("71004").id, by="user:4"
        )

    assert amounts(trade.order("71004")) == {}


def test_live_money_pays_no_test_order(trade: Trade) -> None:
    gateway = connect(trade.merchant, "stripe", mode="live")
    trade.tell(snapshot("71005", *LINES, is_paid=False))
    trade.tell(fact("captured", euros(TOTAL), payment="pi_live_5"), connection=gateway)

    with pytest.raises(CannotMatch, match="live payment"):
        unmatched.match_payment(
            trade.merchant.id,
            entry(trade, "captured-pi_live_5").id,
            order_id=trade.order("71005").id,
            by="user:3",
        )

    assert amounts(trade.order("71005")) == {}
    assert waiting(trade, "live") == ["captured-pi_live_5"]


def test_another_merchants_order_is_no_order_at_all(
    trade: Trade, gateway: Connection, other_merchant: Merchant
) -> None:
    trade.tell(snapshot("71006", *LINES, is_paid=False))
    trade.tell(fact("captured", euros(TOTAL), payment="pi_fremd_6"), connection=gateway)
    payment, order = entry(trade, "captured-pi_fremd_6"), trade.order("71006")

    with pytest.raises(PaymentEntry.DoesNotExist):
        unmatched.match_payment(other_merchant.id, payment.id, order_id=order.id, by="user:9")
    with pytest.raises(PaymentEntry.DoesNotExist):
        unmatched.dismiss_payment(other_merchant.id, payment.id, by="user:9", reason="not ours")

    assert waiting(trade) == ["captured-pi_fremd_6"]


def test_the_outlook_of_a_match_is_what_it_then_does(trade: Trade, gateway: Connection) -> None:
    """A shop's own word about the money is set aside once a gateway reports it."""
    paid_elsewhere = fact("captured", euros("20.00"), payment="pay-kasse")
    trade.tell(snapshot("71007", *LINES, is_paid=False, payment_facts=(paid_elsewhere,)))
    trade.tell(fact("captured", euros("41.30"), payment="pi_fremd_7"), connection=gateway)
    payment, order = entry(trade, "captured-pi_fremd_7"), trade.order("71007")
    assert amounts(order) == {"captured": Decimal(20)}

    with scope.merchant(trade.merchant.id):
        outlook = unmatched.outlook_of(payment, order)
    unmatched.match_payment(trade.merchant.id, payment.id, order_id=order.id, by="user:3")

    now = trade.order("71007")
    assert (outlook.captured, outlook.refunded) == (now.amount_captured, now.amount_refunded)
    assert outlook.captured == Decimal("41.3")
    assert (outlook.releases, now.released_by) == ("", "")


def test_the_outlook_says_what_the_match_would_release(trade: Trade, gateway: Connection) -> None:
    trade.tell(snapshot("71008", *LINES, is_paid=False, state="processing"))
    trade.tell(fact("captured", euros(TOTAL), payment="pi_fremd_8"), connection=gateway)

    with scope.merchant(trade.merchant.id):
        outlook = unmatched.outlook_of(entry(trade, "captured-pi_fremd_8"), trade.order("71008"))

    assert (outlook.releases, outlook.is_in_other_currency) == ("paid", False)


def test_a_dismissed_payment_waits_no_longer_and_is_dismissed_once(
    trade: Trade, gateway: Connection
) -> None:
    trade.tell(fact("captured", euros("30.10"), payment="pi_fremd_9"), connection=gateway)
    payment = entry(trade, "captured-pi_fremd_9")

    for _ in range(2):
        unmatched.dismiss_payment(
            trade.merchant.id, payment.id, by="user:3", reason="A donation, not a sale"
        )

    payment = entry(trade, "captured-pi_fremd_9")
    assert payment.dismissed_at is not None
    assert (payment.dismissed_by, waiting(trade)) == ("user:3", [])
    with scope.merchant(trade.merchant.id):
        (told,) = Event.objects.filter(name="payment.dismissed")
    assert (told.actor, told.reason) == ("user:3", "A donation, not a sale")
    assert told.data["amount"] == "30.1000"


def test_a_payment_is_not_dismissed_without_a_reason(trade: Trade, gateway: Connection) -> None:
    trade.tell(fact("captured", euros("30.10"), payment="pi_fremd_10"), connection=gateway)

    with pytest.raises(CannotMatch, match="say why"):
        unmatched.dismiss_payment(
            trade.merchant.id, entry(trade, "captured-pi_fremd_10").id, by="user:3", reason=" "
        )

    assert waiting(trade) == ["captured-pi_fremd_10"]


def test_a_dismissed_payment_still_finds_an_order_that_names_it(
    trade: Trade, gateway: Connection
) -> None:
    trade.tell(fact("captured", euros(TOTAL), payment="pi_fremd_11"), connection=gateway)
    mine = entry(trade, "captured-pi_fremd_11").id
    unmatched.dismiss_payment(trade.merchant.id, mine, by="user:3", reason="nothing known of it")

    trade.tell(snapshot("71011", *LINES, is_paid=False, transaction_ids=("pi_fremd_11",)))

    assert amounts(trade.order("71011")) == {"captured": Decimal(52)}


def opened(trade: Trade, gateway: Connection) -> str:
    """A checkout that the hub itself has opened; its reference."""
    reference = checkouts.new_reference(trade.merchant.id)
    request = CheckoutRequest(
        reference=reference,
        idempotency_key=reference,
        currency="EUR",
        success_url="https://shop.example/danke",
        cancel_url="https://shop.example/korb",
        shipping_options=(),
        lines=(CheckoutLine(sku="MOEWE-A3", title="Möwe", quantity=3, unit_price=euros("12")),),
    )
    checkouts.snapshot_cart(trade.merchant.id, gateway.id, request=request)
    return reference


def test_money_for_a_checkout_of_ours_is_not_called_unmatched(
    trade: Trade, gateway: Connection
) -> None:
    """The gateway tells of the payment a moment before it tells that the checkout is complete."""
    reference = opened(trade, gateway)

    trade.tell(
        fact("captured", euros(TOTAL), payment="pi_own_1", checkout_reference=reference),
        connection=gateway,
    )
    assert (trade.events("payment.unmatched", "payment.captured"), waiting(trade)) == ([], [])

    trade.tell(snapshot("71012", *LINES, is_paid=False, checkout_reference=reference))
    assert trade.events("payment.unmatched", "payment.captured") == ["payment.captured"]
    assert amounts(trade.order("71012")) == {"captured": Decimal(52)}


def test_money_whose_checkout_became_no_order_waits_for_a_person_after_a_while(
    trade: Trade, gateway: Connection
) -> None:
    told = fact(
        "captured", euros(TOTAL), payment="pi_own_2", checkout_reference=opened(trade, gateway)
    )
    trade.tell(told, connection=gateway)

    with scope.merchant(trade.merchant.id):
        sql.run("UPDATE payments_entry SET learned_at = now() - interval '16 minutes'")

    assert waiting(trade) == ["captured-pi_own_2"]


def test_a_checkout_of_others_at_the_same_account_is_unmatched_at_once(
    trade: Trade, gateway: Connection
) -> None:
    trade.tell(
        fact("captured", euros("9.90"), payment="pi_fremd_12", checkout_reference="cart-77"),
        connection=gateway,
    )

    assert trade.events("payment.unmatched") == ["payment.unmatched"]
    assert waiting(trade) == ["captured-pi_fremd_12"]
