"""Rows that are read by key are what the general way reads, locked where that is asked for."""

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts.models import Attempt
from entrepot.database import reading, saving
from entrepot.notifications.models import Mail
from entrepot.orders.models import Order
from tests.database.rows import attempt_of, mail_of
from tests.notifications.sales import make_sale


def test_rows_are_those_of_the_general_way(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    with scope.merchant(sale.merchant.id):
        mail = mail_of(sale.order, facts=["shipment:2", "日"], recipient_sealed=b"\x00\xff")
        mail.save()
        for model, key in ((Order, sale.order.id), (Mail, mail.id)):
            found, known = reading.one(model, key), model.objects.get(id=key)
            names = [field.attname for field in model._meta.concrete_fields]
            assert [_plain(found, name) for name in names] == [
                _plain(known, name) for name in names
            ]


def _plain(row: object, name: str) -> object:
    value = getattr(row, name)
    return bytes(value) if isinstance(value, memoryview) else value


def test_rows_come_in_the_order_of_their_keys_and_strangers_not_at_all(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    rows = {}
    for owner, count in ((merchant, 3), (other_merchant, 1)):
        with scope.merchant(owner.id):
            rows[owner.id] = [attempt_of(owner, number) for number in range(count)]
            Attempt.objects.bulk_create(rows[owner.id])
    first, second, third = rows[merchant.id]
    (foreign,) = rows[other_merchant.id]

    with scope.merchant(merchant.id):
        keys = [third.id, foreign.id, first.id, second.id, first.id, 0]
        assert reading.locked(Attempt, keys) == [first, second, third]
        assert list(reading.by_key(Attempt, keys)) == [first.id, second.id, third.id]
        with pytest.raises(Attempt.DoesNotExist, match=f"no Attempt {foreign.id} "):
            reading.one_locked(Attempt, foreign.id)


def test_what_a_block_keeps_back_is_read(merchant: Merchant) -> None:
    with scope.merchant(merchant.id), saving.together():
        row = attempt_of(merchant, 1)
        saving.insert(row)
        assert reading.one(Attempt, row.id).reference == "Ø-1"
