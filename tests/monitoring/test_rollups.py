"""Counters: appended as deltas, folded by one, and always the sum of what happened."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Sum
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.database import sql
from entrepot.events import outbox
from entrepot.events.models import Event
from entrepot.monitoring import rollups
from entrepot.monitoring.models import Rollup, RollupDelta
from entrepot.monitoring.rollups import Delta

NOON = datetime(2026, 11, 21, 12, 34, 56, tzinfo=UTC)


def happen(merchant: Merchant, name: str, times: int, **data: object) -> None:
    for _ in range(times):
        with scope.merchant(merchant.id):
            outbox.record(name, merchant_id=merchant.id, mode="live", order_id=7, data=data)


def test_events_are_counted_in_their_own_transaction(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    happen(merchant, "order.imported", 3)
    happen(merchant, "payment.captured", 2, amount="12.345", currency="KWD")
    happen(merchant, "payment.captured", 1, amount="18400", currency="JPY")
    happen(other_merchant, "order.imported", 2)
    try:
        with scope.merchant(merchant.id):
            outbox.record("order.imported", merchant_id=merchant.id, mode="live", order_id=8)
            outbox.flush()
            raise LookupError
    except LookupError:
        pass
    since = datetime.now(UTC) - timedelta(hours=1)  # noqa: TID251 -- what is "now" to the database

    with scope.merchant(merchant.id):
        before = rollups.totals(merchant.id, "live", name="orders_imported", since=since)
        rollups_before = Rollup.objects.count()
    folded = rollups.fold()
    with scope.merchant(merchant.id):
        after = rollups.totals(merchant.id, "live", name="orders_imported", since=since)
        captured = rollups.totals(merchant.id, "live", name="captured", since=since)

    assert rollups_before == 0
    assert folded > 0
    assert before == after == {"": Decimal(3)}
    assert captured == {"KWD": Decimal("24.690"), "JPY": Decimal(18400)}


def test_the_counters_are_what_the_journal_says(merchant: Merchant) -> None:
    happen(merchant, "order.imported", 5)
    happen(merchant, "shipment.recorded", 2)
    rollups.fold(limit=3)
    happen(merchant, "order.imported", 4)
    rollups.fold()
    happen(merchant, "order.imported", 1)

    with scope.merchant(merchant.id):
        counted = dict(
            Event.objects.filter(merchant_id=merchant.id, name__in=rollups.COUNTED)
            .values_list("name")
            .annotate(n=Count("id"))
            .order_by()
        )
        sums = {
            event: int(
                rollups.totals(
                    merchant.id, "live", name=name, since=NOON - timedelta(days=3650)
                ).get("", 0)
            )
            for event, name in rollups.COUNTED.items()
        }
    assert {name: count for name, count in sums.items() if count} == counted
    assert counted == {"order.imported": 10, "shipment.recorded": 2}


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    batches=st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["captured", "refunded"]),
                st.sampled_from(["EUR", "JPY", "KWD"]),
                st.integers(0, 5),
                st.decimals(-999, 999, places=3, allow_nan=False),
            ),
            max_size=6,
        ),
        max_size=5,
    ),
    folds=st.lists(st.integers(1, 7), max_size=5),
)
def test_folding_in_any_steps_loses_and_doubles_nothing(
    merchant: Merchant,
    batches: list[list[tuple[str, str, int, Decimal]]],
    folds: list[int],
) -> None:
    with scope.system():
        Rollup.objects.all().delete()
        RollupDelta.objects.all().delete()
    wanted: dict[tuple[str, str, datetime], Decimal] = {}
    for number, batch in enumerate(batches):
        with scope.merchant(merchant.id):
            rollups.append(
                Delta(
                    merchant_id=merchant.id,
                    mode="live",
                    name=name,
                    at=NOON + timedelta(hours=hour),
                    currency=currency,
                    amount=amount,
                )
                for name, currency, hour, amount in batch
            )
        for name, currency, hour, amount in batch:
            key = (name, currency, NOON.replace(minute=0, second=0) + timedelta(hours=hour))
            wanted[key] = wanted.get(key, Decimal(0)) + amount
        if number < len(folds):
            rollups.fold(limit=folds[number])

    rollups.fold()

    with scope.system():
        assert RollupDelta.objects.count() == 0
        rows = (
            Rollup.objects.filter(merchant_id=merchant.id)
            .values_list("name", "currency", "hour")
            .annotate(sum=Sum("amount"))
            .order_by()
        )
        assert {row[:3]: row[3] for row in rows} == wanted


def test_two_workers_do_not_fold_at_once(merchant: Merchant, superuser_url: str) -> None:
    import psycopg  # noqa: PLC0415 -- a second connection, for this test only

    happen(merchant, "order.imported", 2)
    with psycopg.connect(superuser_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [rollups.FOLD_LOCK])
        assert rollups.fold() == 0
    rollups.fold()
    with scope.system():
        assert sql.fetch_value("SELECT count(*) FROM monitoring_rollup_delta") == 0
