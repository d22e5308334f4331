"""Rows of a block are written together, each as it would have been, and no query misses one."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts.models import Attempt
from entrepot.database import saving
from entrepot.database.saving import RowsMissing
from entrepot.fulfillment.models import Parcel, Shipment
from entrepot.notifications.models import Mail
from tests.database.rows import attempt_of, mail_of
from tests.notifications.sales import make_sale, ship

SENT = datetime(2031, 3, 30, 0, 59, 30, 123456, tzinfo=UTC)
HOLDER = UUID("12345678-1234-5678-1234-567812345678")


def test_inserted_rows_have_their_keys_at_once_and_are_written_with_one_statement(
    merchant: Merchant,
) -> None:
    rows = [attempt_of(merchant, number) for number in range(7)]

    with scope.merchant(merchant.id), CaptureQueriesContext(connection) as queries:
        with saving.together(7):
            for row in rows:
                saving.insert(row)
                assert row.pk
            rows[3].message = "changed before it was written"
            saving.save(rows[3], "message")
        assert [query["sql"].split()[0] for query in queries] == ["SELECT", "INSERT"]
        kept = dict(Attempt.objects.values_list("id", "reference"))
        assert Attempt.objects.get(id=rows[3].id).message == "changed before it was written"

    assert kept == {row.id: row.reference for row in rows}


def test_every_kind_of_value_arrives_as_a_row_of_its_own_would_have_it(merchant: Merchant) -> None:
    rows = [attempt_of(merchant, number) for number in range(3)]
    with scope.merchant(merchant.id):
        Attempt.objects.bulk_create(rows)
        for number, row in enumerate(rows):
            row.status = "accepted"
            row.outcome = {"external_id": f"日-{number}", "charges": ["12.50", None]}
            row.message = 'it said "é\\n%s"\n'
            row.ended_at = SENT + timedelta(microseconds=number)
            row.holder = HOLDER if number else None
            row.needs_person = number == 1
            row.token = 2**40 + number
        fields = ["status", "outcome", "message", "ended_at", "holder", "needs_person", "token"]
        saving.save_together(rows, fields)

        for row in rows:
            written = Attempt.objects.get(id=row.id)
            assert {name: getattr(written, name) for name in fields} == {
                name: getattr(row, name) for name in fields
            }
            assert written.reference == row.reference


def test_sealed_bytes_and_lists_arrive(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    with scope.merchant(sale.merchant.id):
        mail = mail_of(sale.order)
        mail.save()
        mail.recipient_sealed, mail.facts = b"\x00\xff sealed \\x41", ["shipment:2", 'a,b"c']
        mail.send_after = SENT
        saving.save_together([mail], ["recipient_sealed", "facts", "send_after"])
        written = Mail.objects.get(id=mail.id)

    assert bytes(written.recipient_sealed) == b"\x00\xff sealed \\x41"
    assert written.facts == ["shipment:2", 'a,b"c']
    assert written.send_after == SENT


def test_a_query_sees_what_the_block_has_decided(merchant: Merchant) -> None:
    with scope.merchant(merchant.id), saving.together():
        first, second = attempt_of(merchant, 1), attempt_of(merchant, 2)
        saving.insert(first)
        saving.insert(second)
        assert Attempt.objects.filter(reference="Ø-2").exists()
        first.message = "later"
        saving.save(first, "message")
        assert list(Attempt.objects.filter(message="later")) == [first]


def test_rows_that_change_different_fields_keep_their_others(merchant: Merchant) -> None:
    rows = [attempt_of(merchant, number) for number in range(2)]
    with scope.merchant(merchant.id):
        Attempt.objects.bulk_create(rows)
        Attempt.objects.filter(id=rows[0].id).update(message="by somebody else")
        with saving.together():
            rows[0].asked, rows[1].message = 3, "mine"
            saving.save(rows[0], "asked")
            saving.save(rows[1], "message")
            saving.save(rows[1], "asked")

        assert list(Attempt.objects.order_by("id").values_list("asked", "message")) == [
            (3, "by somebody else"),
            (0, "mine"),
        ]


def test_an_error_in_a_savepoint_takes_back_what_was_decided_in_it(merchant: Merchant) -> None:
    with scope.merchant(merchant.id), saving.together():
        saving.insert(attempt_of(merchant, 1))
        with suppress(ZeroDivisionError), scope.merchant(merchant.id, savepoint=True):
            saving.insert(attempt_of(merchant, 2))
            raise ZeroDivisionError
        saving.insert(attempt_of(merchant, 3))

    with scope.merchant(merchant.id):
        references = Attempt.objects.order_by("id").values_list("reference", flat=True)
        assert list(references) == ["Ø-1", "Ø-3"]


def test_an_error_in_the_block_writes_nothing(merchant: Merchant) -> None:
    with suppress(ZeroDivisionError), scope.merchant(merchant.id), saving.together():
        saving.insert(attempt_of(merchant, 1))
        raise ZeroDivisionError

    with scope.merchant(merchant.id):
        assert not Attempt.objects.exists()


def test_without_a_block_everything_is_written_at_once(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        row = attempt_of(merchant, 1)
        saving.insert(row)
        row.message = "now"
        saving.save(row, "message")
        assert Attempt.objects.get(id=row.id).message == "now"


def test_a_row_that_was_read_twice_gets_what_both_decided(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        saving.insert(attempt_of(merchant, 1))
        once, again = Attempt.objects.get(), Attempt.objects.get()
        with saving.together():
            once.asked, again.message = 5, "twice"
            saving.save(once, "asked")
            saving.save(again, "message")
        row = Attempt.objects.get()

    assert (row.asked, row.message) == (5, "twice")


def test_a_row_is_written_after_the_new_one_that_it_refers_to(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    known = ship(sale, 1, {0: 1})
    with scope.merchant(merchant.id), saving.together():
        known.carrier = "DHL"
        saving.save(known, "carrier")
        shipment = Shipment(
            merchant_id=merchant.id,
            mode=sale.order.mode,
            order_id=sale.order.id,
            fulfillment_order_id=sale.fulfillment_order.id,
            external_id="s-2",
            number=2,
            shipped_at=SENT,
        )
        saving.insert(shipment)
        mine = {"merchant_id": merchant.id, "mode": sale.order.mode, "order_id": sale.order.id}
        saving.insert(Parcel(**mine, shipment_id=shipment.id, number=2))
        parcels = Parcel.objects.filter(shipment_id=shipment.id)
        assert [parcel.number for parcel in parcels] == [2]
        assert Shipment.objects.get(id=known.id).carrier == "DHL"


def test_a_row_that_is_gone_or_another_merchants_is_not_passed_over(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    mine = make_sale(merchant, number="1").fulfillment_order
    theirs = make_sale(other_merchant, number="2").fulfillment_order
    mine.external_id = theirs.external_id = "ord_1"

    with (
        pytest.raises(RowsMissing, match="1 of 2 rows of fulfillment_order"),
        scope.merchant(merchant.id),
    ):
        saving.save_together([mine, theirs], ["external_id"])

    with scope.merchant(merchant.id):
        mine.refresh_from_db()
    assert mine.external_id == ""
    with scope.system():
        saving.save_together([mine, theirs], ["external_id"])
