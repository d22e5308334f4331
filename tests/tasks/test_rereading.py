"""Reading again what a platform has, when it does not let itself be read."""

from entrepot.access import scope
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.house import SANDBOX_KEY
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.database import sql
from entrepot.deadletters.models import DeadLetter
from entrepot.inbox.models import InboxMessage
from entrepot.tasks import queue
from entrepot.tasks.queue import Job
from tests.rules.trade import Trade, snapshot


def reread(trade: Trade, *external_ids: str, provider: Connection) -> None:
    with scope.merchant(trade.merchant.id):
        queue.defer(
            [
                Job(
                    task="inbox.reread",
                    args={
                        "merchant_id": trade.merchant.id,
                        "connection_id": provider.id,
                        "flow": "fulfillments",
                        "external_id": external_id,
                    },
                )
                for external_id in external_ids
            ]
        )
    trade.work()


def waiting() -> list[tuple[str, int]]:
    """Rereads in the queue: their status, and how often each was snoozed."""
    with scope.system():
        return sql.fetch(
            "SELECT status::text, coalesce((headers ->> 'snoozes')::int, 0) FROM pgqueuer"
            " WHERE entrypoint = 'inbox.reread' ORDER BY id"
        )


def letters(trade: Trade) -> int:
    with scope.merchant(trade.merchant.id):
        return DeadLetter.objects.count()


def test_a_refused_key_stops_the_connection_once_and_what_was_to_be_read_waits(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    house.revoke(SANDBOX_KEY)

    reread(trade, "ord_鴎", "ord_7", "ord_8", provider=provider)

    assert waiting() == [("queued", 1)] * 3
    assert letters(trade) == 0
    with scope.merchant(trade.merchant.id):
        assert Connection.objects.get(id=provider.id).status == "misconfigured"
    assert trade.events("connection.misconfigured") == ["connection.misconfigured"]


def test_an_answer_that_cannot_be_read_is_asked_for_again(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    (made,) = house.orders.values()
    house.faults.garbage = 1.0
    reread(trade, made.id, provider=provider)
    assert (waiting(), letters(trade)) == ([("queued", 0)], 0)

    house.faults.garbage = 0.0
    with scope.merchant(trade.merchant.id):
        before = InboxMessage.objects.count()
    trade.work()
    with scope.system():
        sql.run("UPDATE pgqueuer SET execute_after = now() WHERE entrypoint = 'inbox.reread'")
    trade.work()

    assert waiting() == []
    with scope.merchant(trade.merchant.id):
        assert InboxMessage.objects.count() == before + 1
