"""A provider that takes only so many calls: the most urgent first, and nobody tries in vain."""

from datetime import datetime, timedelta

from django.utils import timezone

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.connections.models import Connection
from entrepot.database import sql
from entrepot.fulfillment import pacing
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.planning import plan_orders
from tests.rules.trade import Trade, buyer, connect, line, snapshot

SALES = [str(10_482 + number) for number in range(14)]


def sell(trade: Trade) -> None:
    """Sales of two and three units, each to a customer of its own."""
    for number, name in enumerate(SALES):
        trade.tell(snapshot(name, line("MOEWE-A3", 2 + number % 2), customer=buyer(number)))


def limit(trade: Trade, provider: Connection, *, calls_per_minute: int) -> None:
    with scope.merchant(trade.merchant.id):
        Connection.objects.filter(id=provider.id).update(
            policy={"calls_per_minute": calls_per_minute}
        )


def submissions(trade: Trade) -> list[str]:
    with scope.merchant(trade.merchant.id):
        rows = Attempt.objects.filter(kind="submit").order_by("called_at", "id")
        return [f"{row.reference.split('/')[-3]} {row.status}" for row in rows]


def waits_of_jobs() -> list[datetime]:
    with scope.system():
        return [
            row[0]
            for row in sql.fetch(
                "SELECT execute_after FROM pgqueuer WHERE entrypoint = 'fulfillment.submit'"
                " AND status = 'queued' ORDER BY execute_after"
            )
        ]


def test_a_turn_is_expected_by_how_many_are_due_before(trade: Trade) -> None:
    provider = connect(trade.merchant, "prodigi")
    trade.made_by(provider, "MOEWE-A3")
    sell(trade)
    orders = {trade.order(name).id: "" for name in SALES}
    shares = plan_orders(trade.merchant.id, orders)
    with scope.merchant(trade.merchant.id):
        urgent = shares[9]
        FulfillmentOrder.objects.filter(id=urgent.id).update(
            submit_after=timezone.now() - timedelta(hours=1)
        )

        ids = [share.id for share in shares]
        turns = pacing.later_turns(ids, {provider.id: 0.5})
        backlog = pacing.backlogs({provider.id: 0.5})[provider.id]

    # The urgent one, and the first two of the others: 0, 2 and 4 seconds.
    assert set(ids) - set(turns) == {urgent.id, ids[0], ids[1]}
    assert sorted(turns, key=turns.__getitem__) == [one for one in ids if one in turns]
    assert backlog.waiting == 14
    assert timedelta(seconds=27) < backlog.ends_at - timezone.now() <= timedelta(seconds=28)


def test_a_backlog_is_handed_over_in_order_and_without_trying_in_vain(
    trade: Trade, provider: Connection
) -> None:
    limit(trade, provider, calls_per_minute=60)
    trade.made_by(provider, "MOEWE-A3")
    sell(trade)

    trade.work()

    at_once = submissions(trade)
    assert 0 < len(at_once) < len(SALES)
    assert len(waits_of_jobs()) == len(SALES) - len(at_once)
    for _ in range(4):
        trade.work(timedelta(minutes=1))
    assert sorted(submissions(trade)) == sorted(f"{name} accepted" for name in SALES)
