"""Customers are not told again what another copy of the hub may have told them before a restore."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.monitoring import installation
from entrepot.monitoring.installation import Place
from entrepot.notifications.models import Mail
from entrepot.notifications.policy import MAYBE_TOLD
from tests.rules.trade import SHOP_ACCOUNT, Trade, connect, snapshot

HERE = Place(public_url="https://hub.moewe.example", folder=None, host="keller-1")


@pytest.fixture
def trade(merchant: Merchant, run_jobs: Callable[..., int]) -> Iterator[Trade]:
    shop = connect(merchant, "woocommerce", account=SHOP_ACCOUNT, name="Möwe & Meer")
    installation.forget()
    yield Trade(merchant=merchant, shop=shop, run_jobs=run_jobs)
    installation.forget()


def sell(trade: Trade, number: str, *, minutes_ago: int) -> None:
    placed_at = timezone.now() - timedelta(minutes=minutes_ago)
    trade.tell(snapshot(number, placed_at=placed_at))
    trade.work()


def confirmations(trade: Trade) -> dict[str, tuple[str, str]]:
    """By order, what became of its confirmation, and why."""
    with scope.merchant(trade.merchant.id):
        mails = Mail.objects.filter(kind="confirmation").order_by("id")
        ids = {trade.order(number).id: number for number in ("1", "2")}
        return {ids[mail.order_id]: (mail.status, mail.reason) for mail in mails}


def test_what_was_sold_before_the_restore_is_not_confirmed_again(trade: Trade) -> None:
    installation.pause_installation(HERE, reason="restored from Sicherung.dump")
    installation.go_on_reconciled(HERE, by="command_line")

    sell(trade, "1", minutes_ago=30)
    sell(trade, "2", minutes_ago=-1)

    assert confirmations(trade) == {"1": ("skipped", MAYBE_TOLD), "2": ("sent", "")}


def test_what_was_sold_after_the_other_hub_had_stopped_is_confirmed(trade: Trade) -> None:
    installation.pause_installation(HERE, reason="restored from Sicherung.dump")
    stopped_at = timezone.now() - timedelta(minutes=20)
    installation.go_on_reconciled(HERE, by="command_line", worked_until=stopped_at)

    sell(trade, "1", minutes_ago=30)
    sell(trade, "2", minutes_ago=10)

    assert confirmations(trade) == {"1": ("skipped", MAYBE_TOLD), "2": ("sent", "")}


def test_who_adopts_says_that_nobody_else_has_told(trade: Trade) -> None:
    installation.pause_installation(HERE, reason="restored from Sicherung.dump")
    installation.adopt(HERE, by="user:1", reason="der alte stand still")

    sell(trade, "1", minutes_ago=30)
    sell(trade, "2", minutes_ago=10)

    assert confirmations(trade) == {"1": ("sent", ""), "2": ("sent", "")}
