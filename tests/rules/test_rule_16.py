"""Rule 16: one declared sender for each kind of news; none that is old, and few mails for much."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.connections import services
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.shipping import Leaving, ship_by_hand
from entrepot.notifications import configuring
from entrepot.notifications.models import Mail, SandboxMail
from entrepot.notifications.states import Kind, Sender
from tests.rules.trade import Trade, line, snapshot


@pytest.fixture
def sold(trade: Trade) -> FulfillmentOrder:
    """A share of 4 and 3 units that the merchant ships; the confirmation has left."""
    trade.by_hand("MOEWE-A3", "POST-12")
    trade.tell(snapshot("10482", line("MOEWE-A3", 4), line("POST-12", 3, "7.50")))
    trade.work()
    assert mails(trade) == [("confirmation", "sent")]
    (share,) = trade.shares()
    return share


def mails(trade: Trade) -> list[tuple[str, str]]:
    with scope.merchant(trade.merchant.id):
        return list(Mail.objects.order_by("id").values_list("kind", "status"))


def mailbox(trade: Trade) -> int:
    with scope.merchant(trade.merchant.id):
        return SandboxMail.objects.count()


def leave(share: FulfillmentOrder, sku: str, count: int, **more: Any) -> None:
    with scope.merchant(share.merchant_id):
        item = share.items.get(sku=sku)
        already = share.shipments.count()
    values: dict[str, Any] = {
        "external_id": f"0034-{already + 1}",
        "carrier": "DHL",
        "service": "",
        "tracking_number": f"0034-{already + 1}",
        "tracking_url": "",
        "shipped_at": timezone.now(),
        "units": {item.id: count},
        **more,
    }
    ship_by_hand(share.merchant_id, share.id, leaving=Leaving(**values), by="user:1")


def test_facts_within_ten_minutes_become_one_mail(trade: Trade, sold: FulfillmentOrder) -> None:
    for sku, count in (("MOEWE-A3", 1), ("MOEWE-A3", 3), ("POST-12", 3)):
        leave(sold, sku, count)
        trade.work(timedelta(minutes=2))
    assert mailbox(trade) == 1  # the confirmation

    with scope.merchant(trade.merchant.id):
        Mail.objects.filter(kind="shipped").update(send_after=timezone.now())
    trade.work(timedelta(minutes=10))

    assert mails(trade) == [("confirmation", "sent"), ("shipped", "sent")]
    assert mailbox(trade) == 2


def test_one_fact_is_told_once_however_often_it_is_heard(
    trade: Trade, sold: FulfillmentOrder
) -> None:
    at = timezone.now()
    for _ in range(3):
        leave(sold, "POST-12", 3, external_id="x", tracking_number="0034", shipped_at=at)
        trade.work()

    assert [kind for kind, _ in mails(trade)] == ["confirmation", "partly_shipped"]


@pytest.mark.parametrize("sender", [Sender.SHOP, Sender.NOBODY])
def test_what_the_shop_or_nobody_tells_is_not_told_by_the_hub(trade: Trade, sender: Sender) -> None:
    configuring.choose_sender(
        trade.shop.id, Kind.CONFIRMATION, sender=sender, merchant_id=trade.merchant.id, by="user:1"
    )
    trade.by_hand("MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()

    assert (mails(trade), mailbox(trade)) == ([("confirmation", "skipped")], 0)


def test_history_is_never_mailed(trade: Trade) -> None:
    trade.tell(snapshot(placed_at=timezone.now() - timedelta(days=40)))
    trade.work()

    assert (mails(trade), mailbox(trade)) == ([], 0)


@pytest.mark.parametrize(("hours", "status"), [(47, "waiting"), (49, "skipped")])
def test_a_fact_older_than_two_days_is_not_told(
    trade: Trade, sold: FulfillmentOrder, hours: int, status: str
) -> None:
    leave(sold, "POST-12", 3, shipped_at=timezone.now() - timedelta(hours=hours))
    trade.work()

    assert mails(trade)[1:] == [("partly_shipped", status)]


@pytest.mark.parametrize(("allowed", "status"), [([], "skipped"), (["amazon"], "sent")])
def test_a_marketplaces_customers_are_mailed_only_where_it_allows_that(
    trade: Trade, allowed: list[str], status: str
) -> None:
    services.change_policy(
        trade.shop.id,
        merchant_id=trade.merchant.id,
        changes={"marketplace_channels": ["amazon"], "mailed_channels": allowed},
    )
    trade.by_hand("MOEWE-A3", "POST-12")
    trade.tell(snapshot(channel="amazon"))
    trade.work()

    assert mails(trade) == [("confirmation", status)]
