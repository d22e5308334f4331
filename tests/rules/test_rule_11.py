"""Rule 11: absence is proved by a remembered key or two empty look-ups apart, and never else."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind
from entrepot.connect.manifest import Effect
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.orders.models import Order
from tests.rules.trade import Trade, ask, price, snapshot

SHOWS_ALL = Effect(guarantee="exactly_once", lookup_proves_absence=True, settle_seconds=60)
HIDES_SOME = Effect(guarantee="exactly_once", lookup_proves_absence=False, settle_seconds=60)


@pytest.fixture
def unknown(trade: Trade) -> Attempt:
    """An attempt of which nobody knows what became."""
    with scope.merchant(trade.merchant.id):
        lease = attempts.intend(
            merchant_id=trade.merchant.id,
            mode="test",
            kind=Kind.SUBMIT,
            connection_id=trade.shop.id,
            order_id=None,
            subject=("fulfillment_order", 7),
            reference="test!möwe.example/10482/1/1",
            generation=1,
            idempotency_key="key",
        )
        assert lease is not None
        attempts.begin_call(lease)
        return attempts.lose(lease, message="keine Antwort")


def lose_on_the_way(trade: Trade, provider: Connection, house: ProdigiSimulator) -> str:
    """A submission that is unknown here and, as if it had never arrived, not there; its name."""
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    price(trade)
    house.faults.drop_answer = house.faults.invisible = 1.0
    trade.work()
    house.faults.drop_answer = 0.0
    (made,) = house.orders.values()
    house.orders.clear()
    house._by_key.clear()
    return made.reference


def take(attempt: Attempt) -> Lease:
    taken = attempts.take_over(attempt.id)
    assert taken is not None
    return taken[1]


def empty(attempt: Attempt, effect: Effect) -> bool:
    """One look-up that finds nothing; whether absence is proved by it."""
    with scope.merchant(attempt.merchant_id):
        _, is_proved = attempts.found_nothing(take(attempt), effect=effect)
    return is_proved


def goes_by(attempt: Attempt, seconds: int) -> None:
    with scope.merchant(attempt.merchant_id):
        Attempt.objects.filter(id=attempt.id).update(
            first_empty_at=F("first_empty_at") - timedelta(seconds=seconds)
        )


def status(attempt: Attempt) -> str:
    with scope.merchant(attempt.merchant_id):
        return str(Attempt.objects.get(id=attempt.id).status)


def test_one_empty_look_up_proves_nothing_however_late(unknown: Attempt) -> None:
    with scope.merchant(unknown.merchant_id):
        Attempt.objects.update(unknown_since=F("unknown_since") - timedelta(days=3))

    assert (empty(unknown, SHOWS_ALL), status(unknown)) == (False, "unknown")


@pytest.mark.parametrize(("apart", "is_proved"), [(0, False), (59, False), (61, True)])
def test_two_empty_look_ups_prove_it_when_further_apart_than_the_settle_time(
    unknown: Attempt, apart: int, is_proved: bool
) -> None:
    assert not empty(unknown, SHOWS_ALL)
    goes_by(unknown, apart)

    assert empty(unknown, SHOWS_ALL) is is_proved
    assert status(unknown) == ("not_sent" if is_proved else "unknown")


def test_where_things_can_be_invisible_no_number_of_look_ups_proves_anything(
    unknown: Attempt,
) -> None:
    for _ in range(5):
        assert not empty(unknown, HIDES_SOME)
        goes_by(unknown, 3600)

    assert status(unknown) == "unknown"


def test_nobody_looks_while_the_caller_may_still_be_calling(trade: Trade) -> None:
    with scope.merchant(trade.merchant.id):
        lease = attempts.intend(
            merchant_id=trade.merchant.id,
            mode="test",
            kind=Kind.SUBMIT,
            connection_id=trade.shop.id,
            order_id=None,
            subject=("fulfillment_order", 8),
            reference="test!möwe.example/10483/1/1",
            generation=1,
            idempotency_key="key",
        )
        assert lease is not None
        attempts.begin_call(lease)

        assert attempts.take_over(lease.attempt_id) is None


@pytest.fixture
def orphan(trade: Trade, unknown: Attempt) -> Attempt:
    """An attempt whose holder was given up while its call may still leave."""
    with scope.merchant(trade.merchant.id):
        Attempt.objects.filter(id=unknown.id).update(may_leave_until=Now() + timedelta(seconds=50))
    return unknown


def test_looking_in_vain_proves_nothing_while_the_first_call_may_still_leave(
    orphan: Attempt,
) -> None:
    for _ in range(3):
        assert not empty(orphan, SHOWS_ALL)
        goes_by(orphan, 3600)
    assert status(orphan) == "unknown"

    with scope.merchant(orphan.merchant_id):
        Attempt.objects.update(may_leave_until=Now() - timedelta(seconds=1))
    assert not empty(orphan, SHOWS_ALL)
    goes_by(orphan, 61)
    assert (empty(orphan, SHOWS_ALL), status(orphan)) == (True, "not_sent")


def test_a_remembered_key_is_not_sent_again_while_the_first_call_may_still_leave(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    lose_on_the_way(trade, provider, house)

    for until_s, sent in ((50, 0), (-1, 1)):
        with scope.merchant(trade.merchant.id):
            Attempt.objects.filter(kind="submit").update(
                may_leave_until=Now() + timedelta(seconds=until_s)
            )
        ask(trade)
        assert len(house.orders) == sent
    assert trade.attempts("submit") == ["accepted"]


def test_a_remembered_key_is_not_sent_again_once_the_money_went_back(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    lose_on_the_way(trade, provider, house)
    with scope.merchant(trade.merchant.id):
        Order.objects.update(amount_refunded=F("amount_captured"))

    ask(trade)
    ask(trade)

    assert house.orders == {}
    assert trade.attempts("submit") == ["unknown"]
    assert [kind for kind, _ in trade.holds()] == ["totals"]


def test_a_remembered_key_is_sent_again_and_makes_no_second_order(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    price(trade)
    house.faults.invisible = house.faults.drop_answer = 1.0  # made, hidden, and not answered
    trade.work()
    assert (trade.attempts("submit"), len(house.orders)) == (["unknown"], 1)

    house.faults.drop_answer = 0.0
    ask(trade)

    assert (trade.attempts("submit"), trade.statuses()) == (["accepted"], ["accepted"])
    assert len(house.orders) == 1


def test_what_never_arrived_is_sent_under_the_same_name(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    price(trade)
    house.faults.server_error = 1.0
    trade.work()
    trade.work(timedelta(minutes=1))
    assert house.orders == {}

    house.faults.server_error = 0.0
    trade.work(timedelta(hours=1))
    ask(trade)

    assert [order.reference for order in house.orders.values()] == ["test!möwe.example/10482/1/1"]
    assert trade.statuses() == ["accepted"]


def test_nothing_is_sent_again_while_it_is_not_wanted_any_more(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    reference = lose_on_the_way(trade, provider, house)

    trade.tell(snapshot(state="cancelled", version=2))
    trade.work()
    ask(trade)

    assert house.orders == {}
    assert reference == "test!möwe.example/10482/1/1"
    assert trade.attempts("submit") == ["unknown"]
