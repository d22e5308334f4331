"""Orders are locked by id, so that two batches wait in line instead of in a circle."""

from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from entrepot.access import scope
from entrepot.database import sql
from entrepot.orders import locks
from tests.rules.trade import Trade, later, snapshot

_WAITERS = "SELECT count(*) FROM pg_locks WHERE NOT granted"
_TAKE = "SELECT id FROM orders_order WHERE id = %s FOR UPDATE NOWAIT"


def test_a_batch_waits_for_the_first_order_before_it_holds_the_second(trade: Trade) -> None:
    # By external id "10" comes before "9"; by id it is the second.
    first, second = snapshot("9"), snapshot("10")
    trade.tell(first)
    trade.tell(second)
    ids = [trade.order("9").id, trade.order("10").id]
    assert ids == sorted(ids)

    def tell_of_both() -> int:
        try:
            return len(trade.tell(later(first), later(second)))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with scope.system():
            locks.lock(ids[:1])
            telling = pool.submit(tell_of_both)
            while not sql.fetch_value(_WAITERS):
                assert not telling.done()
            is_free = sql.fetch(_TAKE, [ids[1]])
        assert telling.result(timeout=60) == 2

    assert is_free == [(ids[1],)]
