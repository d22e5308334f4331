"""Health, figures and upkeep, read from a hub in which something stands still."""

from datetime import timedelta

from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.connections.models import CallRecord, CircuitBreaker
from entrepot.deadletters import services as deadletters
from entrepot.deadletters.services import NewDeadLetter
from entrepot.events import outbox
from entrepot.inbox.models import InboxMessage, InboxWork
from entrepot.monitoring import retention
from entrepot.monitoring.health import Verdict
from entrepot.notifications.models import SandboxMail
from entrepot.tasks import upkeep
from entrepot.tasks.health import health_of, prometheus
from tests.notifications.sales import make_sale, make_storefront


def message(merchant: Merchant, connection_id: int, *, age: timedelta) -> InboxMessage:
    return InboxMessage.objects.create(
        merchant_id=merchant.id,
        connection_id=connection_id,
        mode="live",
        source="webhook",
        topic="order.created",
        body=b"sealed",
        size=6,
        fingerprint=b"f",
        received_at=timezone.now() - age,
    )


def test_a_quiet_hub_is_healthy(merchant: Merchant) -> None:
    health = health_of(merchant.id, "live")

    assert health.verdict == Verdict.HEALTHY
    assert health.database.latency_ms > 0
    assert [lane.name for lane in health.lanes][:2] == ["inbox live", "inbox import"]
    assert {"jobs live", "jobs bulk", "jobs upkeep"} <= {lane.name for lane in health.lanes}


def test_what_stands_still_is_seen(merchant: Merchant, other_merchant: Merchant) -> None:
    now = timezone.now()
    sale = make_sale(merchant)
    with scope.merchant(merchant.id):
        broken = make_storefront(merchant, status="misconfigured", name="Kaputt")
        CircuitBreaker.objects.create(
            merchant_id=merchant.id, connection=sale.storefront, opened_at=now
        )
        for outcome in ("ok", "ok", "Unavailable"):
            CallRecord.objects.create(
                merchant_id=merchant.id,
                connection_id=sale.storefront.id,
                at=now,
                method="GET",
                url="https://shop.example/orders",
                outcome=outcome,
                duration_ms=12,
            )
        stuck = message(merchant, sale.storefront.id, age=timedelta(minutes=10))
        InboxWork.objects.create(
            merchant_id=merchant.id, message_id=stuck.id, due_at=now - timedelta(minutes=10)
        )
        outbox.record("order.imported", merchant_id=merchant.id, mode="live", order_id=1)
    deadletters.bury(
        NewDeadLetter(merchant_id=merchant.id, task="a.b", arguments={}, error="x", tries=2)
    )

    health = health_of(merchant.id, "live")
    others = health_of(other_merchant.id, "live")

    assert health.verdict == Verdict.UNHEALTHY
    by_name = {row.name: row for row in health.connections}
    assert by_name[broken.name].verdict == Verdict.UNHEALTHY
    assert (by_name["Seemöwe Prints"].breaker, by_name["Seemöwe Prints"].errors_24h) == ("open", 1)
    assert by_name["Seemöwe Prints"].calls_24h == 3
    lanes = {lane.name: lane for lane in health.lanes}
    assert (lanes["inbox live"].due, lanes["inbox live"].verdict) == (1, Verdict.DEGRADED)
    assert health.retries.dead_letters == 1
    assert health.orders.imported_24h == 1
    assert others.connections == []
    assert others.orders.imported_24h == 0
    assert others.retries.dead_letters == 0


def test_figures_are_prometheus_and_name_no_person(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        make_storefront(merchant, code="laden-1")
        for _ in range(3):
            outbox.record("order.imported", merchant_id=merchant.id, mode="live", order_id=1)
        outbox.record(
            "payment.captured",
            merchant_id=merchant.id,
            mode="live",
            order_id=1,
            data={"amount": "12.345", "currency": "KWD"},
        )

    text = prometheus(merchant.id).decode()

    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    counted = {"merchant": "nordlicht", "mode": "live"}
    key = tuple(sorted({**counted, "what": "orders_imported", "currency": ""}.items()))
    assert samples[("entrepot_counted_total", key)] == 3
    key = tuple(sorted({**counted, "what": "captured", "currency": "KWD"}.items()))
    assert samples[("entrepot_counted_total", key)] == 12.345
    assert ("entrepot_lane_due", (("lane", "inbox live"),)) in samples
    assert 'connection="laden-1"' in text
    assert "Seemöwe" not in text


def test_what_is_too_old_goes_in_small_steps_and_nothing_else(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        storefront = make_storefront(merchant)
        old = [message(merchant, storefront.id, age=timedelta(days=91)) for _ in range(5)]
        waits, fresh = old.pop(), message(merchant, storefront.id, age=timedelta(days=89))
        InboxWork.objects.create(merchant_id=merchant.id, message_id=waits.id)
        for days in (15, 13, 400):
            CallRecord.objects.create(
                merchant_id=merchant.id,
                connection_id=storefront.id,
                at=timezone.now() - timedelta(days=days),
                method="GET",
                url="/",
                outcome="ok",
                duration_ms=1,
            )
        SandboxMail.objects.create(
            merchant_id=merchant.id,
            recipient="a@example.org",
            sender="b@example.org",
            subject="alt",
            received_at=timezone.now() - timedelta(days=31),
        )

    removed = retention.remove_old(step=2, steps=1)
    rest = retention.remove_old(step=2)

    assert (removed["raw bodies of messages"], rest["raw bodies of messages"]) == (2, 2)
    assert removed["calls to platforms"] == 2
    assert removed["the mailbox of the sandbox"] == 1
    with scope.merchant(merchant.id):
        kept = set(InboxMessage.objects.exclude(body=None).values_list("id", flat=True))
        assert kept == {waits.id, fresh.id}
        assert InboxMessage.objects.count() == 6
        assert CallRecord.objects.count() == 1


def test_upkeep_runs_without_anything_to_do(merchant: Merchant) -> None:
    upkeep.tell_overdue()
    upkeep.make_partitions()
    upkeep.remove_old()
    while upkeep.fold_rollups():
        pass

    assert health_of(merchant.id, "live").verdict == Verdict.HEALTHY
