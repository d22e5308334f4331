"""One clock for all processes: the database's."""

from datetime import UTC, datetime, timedelta

import time_machine
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.database import clock, sql

CLOSE = timedelta(seconds=2)


def told_by_the_database() -> datetime:
    told = sql.fetch_value("SELECT clock_timestamp()")
    assert isinstance(told, datetime)
    return told


def test_a_machine_whose_clock_is_wrong_knows_the_time_all_the_same(merchant: Merchant) -> None:
    for wrong in (timedelta(hours=1), timedelta(hours=-1), timedelta(days=400)):
        with time_machine.travel(timezone.now() + wrong), scope.merchant(merchant.id):
            assert abs(clock.now() - told_by_the_database()) < CLOSE
            assert abs(timezone.now() - clock.now() - wrong) < CLOSE


def test_the_time_goes_on_between_transactions_and_does_not_tremble(merchant: Merchant) -> None:
    seen = []
    for _ in range(20):
        with scope.merchant(merchant.id):
            seen.append(clock.now())
        seen.append(clock.now())

    assert seen == sorted(seen)
    assert seen[0].tzinfo is UTC


def test_an_answer_that_came_late_does_not_turn_the_clock_back(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        before = clock.now()

    for _ in range(clock.TIMES_BEHIND - 1):
        clock.learn(before - timedelta(seconds=40))

    assert clock.now() > before


def test_a_database_clock_that_was_set_is_followed_ahead_at_once_and_back_when_it_stays(
    merchant: Merchant,
) -> None:
    clock.learn(clock.now() + timedelta(minutes=7))
    ahead = clock.now()

    for _ in range(clock.TIMES_BEHIND):
        with scope.merchant(merchant.id):
            pass

    assert abs(ahead - clock.now() - timedelta(minutes=7)) < CLOSE
