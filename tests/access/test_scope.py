"""The one door: what is seen through it, and which doors open inside which."""

import pytest
from django.db import connections
from django.db.utils import ProgrammingError

from entrepot.access import keys, scope
from entrepot.access.models import ApiKey, Merchant
from entrepot.events import outbox
from entrepot.events.models import Event


def merchant_of_the_scope() -> int | None:
    return scope._open().merchant_id


def test_nothing_is_seen_outside_a_scope(merchant: Merchant) -> None:
    keys.create_api_key(merchant_id=merchant.id, name="Lager", scopes=["orders:read"])

    assert ApiKey.objects.count() == 0
    assert Merchant.objects.count() == 0
    assert Event.objects.count() == 0


def test_a_merchant_sees_its_own_rows_only(merchant: Merchant, other_merchant: Merchant) -> None:
    keys.create_api_key(merchant_id=merchant.id, name="Lager", scopes=["orders:read"])
    keys.create_api_key(merchant_id=other_merchant.id, name="倉庫", scopes=["orders:read"])

    with scope.merchant(other_merchant.id):
        names = list(ApiKey.objects.values_list("name", flat=True))
        merchants = list(Merchant.objects.values_list("code", flat=True))
        events = set(Event.objects.values_list("merchant_id", flat=True))

    assert names == ["倉庫"]
    assert merchants == ["sakura"]
    assert events == {other_merchant.id}


def test_a_merchant_cannot_write_rows_of_another(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    issued = keys.create_api_key(merchant_id=merchant.id, name="Lager", scopes=["orders:read"])

    with scope.merchant(other_merchant.id):
        touched = ApiKey.objects.filter(id=issued.key.id).update(name="gestohlen")
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        scope.merchant(other_merchant.id),
    ):
        ApiKey.objects.create(
            merchant_id=merchant.id, name="x", mode="live", prefix="p", secret_hash=b"", scopes=[]
        )

    assert touched == 0
    with scope.system():
        assert list(ApiKey.objects.values_list("name", flat=True)) == ["Lager"]


def test_the_system_sees_all_merchants(merchant: Merchant, other_merchant: Merchant) -> None:
    with scope.system():
        codes = set(Merchant.objects.values_list("code", flat=True))

    assert codes == {"nordlicht", "sakura"}


def test_the_scope_ends_with_its_block_also_on_a_connection_used_again(
    merchant: Merchant,
) -> None:
    with scope.merchant(merchant.id):
        assert scope.connection() is connections["default"]
        assert merchant_of_the_scope() == merchant.id

    assert Merchant.objects.count() == 0
    assert not scope.is_open()
    with pytest.raises(scope.NoScope):
        scope.connection()


class Changed(Exception):
    """Raised after a change, to take it back."""


def rename_and_fail(merchant_id: int, *, savepoint: bool = False) -> None:
    with scope.merchant(merchant_id, savepoint=savepoint):
        Merchant.objects.update(name="Südlicht")
        outbox.record("order.cancelled", merchant_id=merchant_id, mode="live", order_id=3)
        raise Changed


def rename_inside_and_fail(merchant_id: int) -> None:
    with scope.merchant(merchant_id):
        with scope.merchant(merchant_id):
            Merchant.objects.update(name="Südlicht")
        raise Changed


def test_the_same_merchant_inside_joins_the_transaction(merchant: Merchant) -> None:
    with pytest.raises(Changed):
        rename_inside_and_fail(merchant.id)

    with scope.merchant(merchant.id):
        assert Merchant.objects.get().name == "Nordlicht Keramik"


def test_a_savepoint_takes_back_its_block_and_the_events_of_it(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        outbox.record("order.imported", merchant_id=merchant.id, mode="live", order_id=3)
        with pytest.raises(Changed):
            rename_and_fail(merchant.id, savepoint=True)

    with scope.merchant(merchant.id):
        assert Merchant.objects.get().name == "Nordlicht Keramik"
        assert list(Event.objects.filter(order_id=3).values_list("name", flat=True)) == [
            "order.imported"
        ]


def test_a_merchant_inside_the_system_joins_and_sees_what_the_system_sees(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    with scope.system():
        with scope.merchant(merchant.id):
            assert merchant_of_the_scope() == merchant.id
            assert scope.connection() is connections["system"]
            assert Merchant.objects.count() == 2
        with scope.merchant(other_merchant.id):
            assert merchant_of_the_scope() == other_merchant.id
        assert merchant_of_the_scope() is None


def test_another_merchant_or_the_system_inside_a_merchant_is_refused(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    with scope.merchant(merchant.id):
        with (
            pytest.raises(scope.ScopeConflict, match=str(other_merchant.id)),
            scope.merchant(other_merchant.id),
        ):
            pass
        with pytest.raises(scope.ScopeConflict, match="the system's scope"), scope.system():
            pass


def test_a_merchant_inside_a_merchant_inside_the_system_must_be_the_same(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    with (
        scope.system(),
        scope.merchant(merchant.id),
        pytest.raises(scope.ScopeConflict),
        scope.merchant(other_merchant.id),
    ):
        pass
