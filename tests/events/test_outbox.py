"""Events stand and fall with the transaction that makes them true."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connections
from django.db.utils import ProgrammingError
from django.test.utils import CaptureQueriesContext

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.events import outbox
from entrepot.events.catalog import CATALOG
from entrepot.events.models import Event
from entrepot.events.outbox import NewEvent, RecordedEvent


@pytest.fixture
def dispatched() -> Iterator[list[list[RecordedEvent]]]:
    batches: list[list[RecordedEvent]] = []
    outbox.install(batches.append)
    yield batches
    outbox.uninstall(batches.append)


def names_of(merchant: Merchant) -> list[str]:
    with scope.merchant(merchant.id):
        return list(
            Event.objects.filter(subject_kind="order").order_by("id").values_list("name", flat=True)
        )


def test_an_event_tells_what_who_whence_and_why(merchant: Merchant) -> None:
    with scope.merchant(merchant.id), outbox.because(actor="user:3", cause="inbox:55"):
        outbox.record(
            "payment.captured",
            merchant_id=merchant.id,
            mode="test",
            order_id=41,
            subject=("payment", 77),
            data={"amount": "1290", "currency": "JPY", "external_id": "代引き-1"},
            reason="paid at the door",
        )

    with scope.merchant(merchant.id):
        event = Event.objects.get(name="payment.captured")
    assert (event.mode, event.order_id, event.subject_kind, event.subject_id) == (
        "test",
        41,
        "payment",
        77,
    )
    assert (event.actor, event.cause, event.reason) == ("user:3", "inbox:55", "paid at the door")
    assert event.data == {"amount": "1290", "currency": "JPY", "external_id": "代引き-1"}


def test_data_of_which_the_catalog_says_nothing_are_kept_with_a_warning(
    merchant: Merchant,
) -> None:
    with (
        pytest.warns(outbox.UntoldData, match="'order.reopened' carries Grund, wer: tell of it"),
        scope.merchant(merchant.id),
    ):
        outbox.record(
            "order.reopened",
            merchant_id=merchant.id,
            mode="live",
            order_id=41,
            data={"wer": "Ōe", "Grund": "fertig"},
        )

    with scope.merchant(merchant.id):
        assert Event.objects.get(name="order.reopened").data == {"wer": "Ōe", "Grund": "fertig"}


def test_without_a_person_the_system_acts_and_the_order_is_the_subject(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        outbox.record("order.released", merchant_id=merchant.id, mode="live", order_id=41)

    with scope.merchant(merchant.id):
        event = Event.objects.get(name="order.released")
    assert (event.actor, event.cause) == ("system", "")
    assert (event.subject_kind, event.subject_id) == ("order", 41)


def test_inner_reasons_add_to_outer_ones(merchant: Merchant) -> None:
    with outbox.because(actor="user:3", cause="inbox:55"):
        with outbox.because(cause="event:9"):
            inner = outbox.current_cause()
        outer = outbox.current_cause()

    assert inner == ("user:3", "event:9")
    assert outer == ("user:3", "inbox:55")
    assert outbox.current_cause() == ("", "")


def test_all_events_of_a_transaction_go_in_with_one_statement_in_their_order(
    merchant: Merchant, dispatched: list[list[RecordedEvent]]
) -> None:
    wanted = ["order.imported", "order.held", "order.hold_lifted", "order.released"] * 25

    with CaptureQueriesContext(connections["default"]) as queries, scope.merchant(merchant.id):
        for name in wanted[:40]:
            outbox.record(name, merchant_id=merchant.id, mode="live", order_id=7)
        outbox.record_many(
            NewEvent(name=name, merchant_id=merchant.id, mode="live", order_id=7)
            for name in wanted[40:]
        )

    assert names_of(merchant) == wanted
    assert sum("INSERT INTO event" in query["sql"] for query in queries.captured_queries) == 1
    (batch,) = dispatched
    assert [event.name for event in batch] == wanted
    assert [event.id for event in batch] == sorted(event.id for event in batch)


def test_a_rollback_takes_the_events_away_and_nobody_hears_of_them(
    merchant: Merchant, dispatched: list[list[RecordedEvent]]
) -> None:
    def record_and_fail() -> None:
        with scope.merchant(merchant.id):
            outbox.record("order.released", merchant_id=merchant.id, mode="live", order_id=7)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        record_and_fail()
    with scope.merchant(merchant.id):
        outbox.record("order.held", merchant_id=merchant.id, mode="live", order_id=8)

    assert names_of(merchant) == ["order.held"]
    assert [[event.name for event in batch] for batch in dispatched] == [["order.held"]]


def test_what_a_dispatcher_records_goes_into_the_same_transaction(merchant: Merchant) -> None:
    def follow(events: list[RecordedEvent]) -> None:
        for event in events:
            if event.name == "order.imported":
                outbox.record(
                    "order.held", merchant_id=event.merchant_id, mode=event.mode, order_id=7
                )

    outbox.install(follow)
    try:
        with scope.merchant(merchant.id):
            outbox.record("order.imported", merchant_id=merchant.id, mode="live", order_id=7)
    finally:
        outbox.uninstall(follow)

    assert names_of(merchant) == ["order.imported", "order.held"]


def test_a_dispatcher_that_fails_takes_everything_back(merchant: Merchant) -> None:
    def fail(_: list[RecordedEvent]) -> None:
        raise ConnectionError("no queue")

    outbox.install(fail)
    try:
        with pytest.raises(ConnectionError), scope.merchant(merchant.id):
            outbox.record("order.imported", merchant_id=merchant.id, mode="live", order_id=7)
    finally:
        outbox.uninstall(fail)

    assert names_of(merchant) == []


def test_an_unlisted_event_is_refused_and_so_is_all_that_came_with_it(merchant: Merchant) -> None:
    with scope.merchant(merchant.id), pytest.raises(outbox.UnknownEvent, match="catalog"):
        outbox.record_many(
            NewEvent(name=name, merchant_id=merchant.id, mode="live", order_id=7)
            for name in ("order.imported", "order.exploded")
        )

    assert names_of(merchant) == []


def test_outside_a_scope_nothing_can_be_recorded(merchant: Merchant) -> None:
    with pytest.raises(outbox.OutsideScope, match="no scope is open"):
        outbox.record("order.imported", merchant_id=merchant.id, mode="live", order_id=7)


def test_a_merchant_cannot_write_into_the_journal_of_another(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        scope.merchant(merchant.id),
    ):
        outbox.record("order.imported", merchant_id=other_merchant.id, mode="live", order_id=7)

    assert names_of(other_merchant) == []


@pytest.mark.parametrize("statement", ["UPDATE event SET reason = 'x'", "DELETE FROM event"])
def test_what_happened_cannot_be_changed_by_the_app_role(
    merchant: Merchant, statement: str
) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), scope.merchant(merchant.id):
        scope.connection().cursor().execute(statement)


def test_ids_never_go_backwards_within_a_transaction_across_flushes(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        outbox.record("order.imported", merchant_id=merchant.id, mode="live", order_id=7)
        first = outbox.flush()
        outbox.record("order.released", merchant_id=merchant.id, mode="live", order_id=7)

    assert [event.name for event in first] == ["order.imported"]
    assert names_of(merchant) == ["order.imported", "order.released"]


def test_every_event_is_named_as_the_style_asks() -> None:
    for name, kind in CATALOG.items():
        subject, _, past = name.partition(".")
        assert subject.replace("_", "").isalpha(), name
        assert past.replace("_", "").isalpha(), name
        assert kind.meaning, name


def test_each_partition_is_guarded_when_asked_by_itself(
    merchant: Merchant, other_merchant: Merchant, superuser_url: str
) -> None:
    with scope.merchant(merchant.id):
        outbox.record("order.imported", merchant_id=merchant.id, mode="live", order_id=7)
    with psycopg.connect(superuser_url) as connection:
        row = connection.execute("SELECT tableoid::regclass::text FROM event LIMIT 1").fetchone()
    assert row is not None
    (partition,) = row

    with scope.merchant(other_merchant.id), scope.connection().cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {partition} WHERE order_id = 7")
        assert cursor.fetchone() == (0,)
    assert partition.startswith("event_20")
