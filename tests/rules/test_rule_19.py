"""Rule 19: older versions are ignored, an equal one with other content is read again, and wins."""

from dataclasses import replace

from django.utils import timezone

from entrepot.access import scope
from entrepot.canon.messages import CheckoutNews
from entrepot.canon.payments import CheckoutLine, CheckoutRequest
from entrepot.database import sql
from entrepot.orders.models import Order
from entrepot.payments import checkouts
from tests.rules.trade import Trade, connect, euros, later, line, snapshot


def reread_jobs() -> list[str]:
    with scope.system():
        rows = sql.fetch("SELECT convert_from(payload, 'UTF8') FROM pgqueuer")
    return [payload for (payload,) in rows if '"flow"' in payload]


def seen(trade: Trade) -> tuple[int, str, int]:
    order = trade.order()
    return order.source_version, order.customer_note, order.units_ordered - order.units_cancelled


def test_an_older_version_changes_nothing(trade: Trade) -> None:
    newest = later(snapshot(), version=5, customer_note="fünf")
    trade.tell(newest)

    trade.tell(
        later(snapshot("10482", line("MOEWE-A3", 9)), version=4, customer_note="vier"),
        snapshot(),
    )

    assert seen(trade) == (5, "fünf", 5)
    assert trade.events("order.changed") == []


def test_within_one_batch_the_newest_counts_whatever_the_order(trade: Trade) -> None:
    told = [later(snapshot(), version=n, customer_note=str(n)) for n in (3, 7, 5)]

    trade.tell(*told)

    assert seen(trade) == (7, "7", 5)


def test_the_same_version_with_the_same_content_is_no_news(trade: Trade) -> None:
    told = snapshot()
    for _ in range(3):
        trade.tell(told)

    assert trade.events("order.imported", "order.changed") == ["order.imported"]
    assert reread_jobs() == []


def test_the_same_version_with_other_content_is_read_again_and_not_believed(trade: Trade) -> None:
    trade.tell(later(snapshot(), version=5, customer_note="erst"))

    trade.tell(later(snapshot(), version=5, customer_note="anders"))

    assert seen(trade) == (5, "erst", 5)
    assert len(reread_jobs()) == 1


def test_an_order_that_a_gateway_sold_is_read_again_as_the_checkout_that_it_is(
    trade: Trade,
) -> None:
    gateway = connect(trade.merchant, "stripe")
    cart = CheckoutRequest(
        reference=checkouts.new_reference(trade.merchant.id),
        idempotency_key="",
        lines=(CheckoutLine(sku="MOEWE-A3", title="Möwe", quantity=2, unit_price=euros("29.90")),),
        shipping_options=(),
        currency="EUR",
        success_url="https://möwe.example/danke",
        cancel_url="https://möwe.example/korb",
    )
    checkout = checkouts.snapshot_cart(trade.merchant.id, gateway.id, request=cart)
    sold = snapshot(
        "cs_1", line("MOEWE-A3", 2), shipping="0", checkout_reference=checkout.reference
    )
    for note in ("erst", "anders"):
        news = CheckoutNews(
            reference=checkout.reference,
            external_id="cs_1",
            outcome="completed",
            order=replace(sold, customer_note=note),
        )
        trade.tell(news, connection=gateway)

    assert trade.order("cs_1").customer_note == "erst"
    (job,) = reread_jobs()
    assert '"flow":"checkouts"' in job.replace(" ", "")


def test_what_was_read_again_wins_whatever_its_version_says(trade: Trade) -> None:
    trade.tell(later(snapshot(), version=9, customer_note="Webhook"))

    trade.tell(
        later(snapshot("10482", line("MOEWE-A3", 4)), version=3, customer_note="gelesen"),
        source="poll",
    )

    assert seen(trade) == (3, "gelesen", 4)


def test_a_reading_that_is_older_than_what_we_read_since_wins_nothing(trade: Trade) -> None:
    early = timezone.now()
    trade.tell(later(snapshot(), version=9, customer_note="neu"), source="poll")

    trade.tell(later(snapshot(), version=3, customer_note="alt"), source="poll", at=early)

    assert seen(trade) == (9, "neu", 5)
    with scope.merchant(trade.merchant.id):
        assert Order.objects.count() == 1
