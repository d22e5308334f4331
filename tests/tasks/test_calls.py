"""No platform is called while a transaction is open, and events name tasks that exist."""

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.events.catalog import CATALOG
from entrepot.tasks import registry
from entrepot.tasks.calls import NoCallsInsideTransaction, outside_transaction
from entrepot.tasks.schedule import SCHEDULES
from entrepot.tasks.subscriptions import SUBSCRIPTIONS


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
