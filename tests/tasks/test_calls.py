"""No platform is called while a transaction is open, and events name tasks that exist."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from django.db import connections

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts.models import Attempt
from entrepot.canon.messages import Flow
from entrepot.canon.orders import Mode
from entrepot.connect.ports import Pulls
from entrepot.connect.simulator import Clock, Request, Response
from entrepot.connections import doors, services
from entrepot.connectors.prodigi.simulator import ProdigiSimulator, example_account
from entrepot.events.catalog import CATALOG
from entrepot.tasks import registry
from entrepot.tasks.calls import NoCallsInsideTransaction, outside_transaction, side_by_side
from entrepot.tasks.schedule import SCHEDULES
from entrepot.tasks.subscriptions import SUBSCRIPTIONS
from tests.cli.waiting import wait_for
from tests.serving import serve


def test_a_call_inside_a_transaction_is_refused(merchant: Merchant) -> None:
    calls = []

    with (
        scope.merchant(merchant.id),
        pytest.raises(NoCallsInsideTransaction, match="default"),
        outside_transaction(),
    ):
        calls.append("never")
    with scope.system(), pytest.raises(NoCallsInsideTransaction), outside_transaction():
        calls.append("never")

    assert calls == []


def test_a_call_outside_one_goes_through(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        pass

    with outside_transaction():
        called = True

    assert called


def test_subscriptions_and_schedules_name_events_and_tasks_that_exist() -> None:
    registry.load()

    assert set(SUBSCRIPTIONS) <= set(CATALOG)
    wanted = {task for tasks in SUBSCRIPTIONS.values() for task in tasks} | set(SCHEDULES)
    assert wanted <= set(registry.TASKS)


class Observed(ProdigiSimulator):
    """A print house that notes how many database connections are taken while it thinks."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.held: list[int] = []

    def handle(self, request: Request) -> Response | None:
        self.held.append(in_use())
        return super().handle(request)


def test_nobody_holds_a_database_connection_while_a_platform_thinks(merchant: Merchant) -> None:
    house = Observed(Clock())
    with serve(house) as address:
        made = services.add_connection(
            merchant.id,
            platform="prodigi",
            mode=Mode.TEST,
            name="Druckhaus Ærø",
            settings=dict(example_account(address).settings),
        )
        client = doors.client(made.id)
        assert isinstance(client, Pulls)
        with scope.merchant(merchant.id):
            assert Attempt.objects.count() == 0

        assert client.fetch(Flow.FULFILLMENTS, "ord_鴎") is None

    assert house.held == [0]


def test_who_looks_a_connection_up_is_not_waited_for_with_database_connections_in_hand(
    merchant: Merchant,
) -> None:
    made = services.add_connection(
        merchant.id,
        platform="prodigi",
        mode=Mode.TEST,
        name="Druckhaus Ærø",
        settings=dict(example_account("http://127.0.0.1:1").settings),
    )
    pool = connections["system"].pool  # type: ignore[attr-defined]
    connections.close_all()
    have_all, may_ask = Barrier(pool.max_size + 2), Event()

    def with_one_in_hand() -> bool:
        with scope.system():
            pass
        have_all.wait(30)
        may_ask.wait(30)
        try:
            return bool(doors.account(made.id).settings)
        finally:
            connections.close_all()

    def without() -> bool:
        have_all.wait(30)
        try:
            return bool(doors.account(made.id).settings)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(pool.max_size + 1) as threads:
        asked = [threads.submit(with_one_in_hand) for _ in range(pool.max_size)]
        asked.append(threads.submit(without))
        have_all.wait(30)
        wait_for(lambda: pool.get_stats()["requests_waiting"] == 1)
        may_ask.set()

        assert [one.result() for one in asked] == [True] * len(asked)


def test_who_waits_for_calls_side_by_side_holds_no_database_connection(
    merchant: Merchant,
) -> None:
    for things in ([1], [1, 2]):
        with scope.merchant(merchant.id):
            assert Attempt.objects.count() == 0
        assert in_use() >= 1

        ended = [one for some in side_by_side(lambda _: in_use(), things) for one in some]

        assert [one.answered() for one in ended] == [0] * len(things)


def in_use() -> int:
    """Database connections that are taken out of this process's pools."""
    stats = [connections[alias].pool.get_stats() for alias in ("default", "system")]  # type: ignore[attr-defined]
    return sum(one["pool_size"] - one["pool_available"] for one in stats)
