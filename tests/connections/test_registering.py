"""Webhooks are registered by one worker at a time."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.connect.simulator import Clock
from entrepot.connections import registrations
from entrepot.connections.models import Connection
from entrepot.connectors.woocommerce.simulator import WooCommerce, build
from entrepot.database import clock
from entrepot.tasks import webhooks
from entrepot.tasks.retry import Snooze
from tests.connections.accounts import secrets_in
from tests.connections.test_accounts import connected
from tests.serving import serve


class Slow:
    """A shop in whose first registration something else happens before it answers."""

    def __init__(self, shop: WooCommerce) -> None:
        self.shop = shop
        self.meanwhile: Callable[[], object] | None = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        is_registration = scope["type"] == "http" and scope["method"] == "POST"
        if is_registration and self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            await asyncio.to_thread(happens)
        await self.shop(scope, receive, send)


def test_a_second_look_waits_for_the_first_and_makes_no_second_secret(merchant: Merchant) -> None:
    slow = Slow(build(Clock()))
    second: list[str] = []
    with serve(slow) as address:
        shop = connected(merchant, slow.shop, address)

        def look() -> None:
            try:
                second.append(str(webhooks.check(merchant_id=merchant.id, subject_id=shop.id)))
            except Snooze as snooze:
                second.append(snooze.reason)

        slow.meanwhile = look
        first = webhooks.check(merchant_id=merchant.id, subject_id=shop.id)
        look()

    hooks = list(slow.shop.books["webhooks"].values())
    assert first is True
    assert second == ["another worker is at the webhooks of connection woocommerce-live", "False"]
    assert len(hooks) == len({hook.topic for hook in hooks}) == 8
    assert {hook.secret for hook in hooks} == {secrets_in(shop)["webhook_signing"]}


def test_a_worker_that_died_at_it_keeps_others_out_for_a_while_only(merchant: Merchant) -> None:
    simulator = build(Clock())
    with serve(simulator) as address:
        shop = connected(merchant, simulator, address)
        with scope.merchant(merchant.id):
            died = registrations.lease(shop)
        with pytest.raises(Snooze):
            webhooks.check(merchant_id=merchant.id, subject_id=shop.id)
        with scope.merchant(merchant.id):
            over = clock.now() - timedelta(seconds=1)
            Connection.objects.filter(id=shop.id).update(webhooks_leased_until=over)

        repaired = webhooks.check(merchant_id=merchant.id, subject_id=shop.id)

    assert died is not None
    assert repaired is True
    with scope.merchant(merchant.id):
        assert Connection.objects.get(id=shop.id).webhooks_leased_until is None


def test_a_lease_that_passed_on_is_not_ended_by_its_former_holder(merchant: Merchant) -> None:
    shop = connected(merchant, build(Clock()), "http://127.0.0.1:9")
    with scope.merchant(merchant.id):
        late = registrations.lease(shop)
        assert late is not None
        over = clock.now() - timedelta(seconds=1)
        Connection.objects.filter(id=shop.id).update(webhooks_leased_until=over)
        now = registrations.lease(shop)

        registrations.let_go(shop, leased_until=late)

        assert Connection.objects.get(id=shop.id).webhooks_leased_until == now
