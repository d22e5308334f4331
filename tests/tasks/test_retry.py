"""When a job that failed runs again, and when it gives up."""

import random
from datetime import timedelta

import pytest
from django.db import OperationalError

from entrepot.connect.errors import (
    ConnectorError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
    UnexpectedResponse,
)
from entrepot.database import clock
from entrepot.tasks import retry

SECONDS = [1, 5, 15, 60, 300, 1800, 3600, 7200, 14400, 28800, 43200, 86400]


def test_waits_follow_the_schedule_within_a_fifth() -> None:
    chance = random.Random(20)

    for tries, seconds in enumerate(SECONDS, start=1):
        waits = [retry.after(Unavailable("down"), tries=tries, chance=chance) for _ in range(200)]
        delays = [wait.delay.total_seconds() for wait in waits if wait]
        assert len(delays) == 200
        assert seconds * 0.8 <= min(delays) < seconds * 0.85
        assert seconds * 1.15 < max(delays) <= seconds * 1.2


def test_after_the_last_wait_it_gives_up() -> None:
    assert retry.after(Unavailable("down"), tries=12) is not None
    assert retry.after(Unavailable("down"), tries=13) is None


def test_what_the_platform_says_about_when_wins() -> None:
    error = RateLimited("slow down", retry_after=timedelta(seconds=97))

    assert retry.after(error, tries=1) == retry.Again(
        timedelta(seconds=97), "RateLimited: slow down"
    )


@pytest.mark.parametrize(
    "error",
    [
        OutcomeUnknown("lost"),
        Rejected("no", code="out_of_stock"),
        Misconfigured("key"),
        UnexpectedResponse("what"),
    ],
)
def test_what_the_task_did_not_sort_out_is_never_repeated(error: ConnectorError) -> None:
    assert retry.after(error, tries=1) is None


def test_an_error_nobody_foresaw_is_tried_three_more_times() -> None:
    waits = [retry.after(KeyError("sku"), tries=tries) for tries in (1, 2, 3, 4)]

    assert [wait is not None for wait in waits] == [True, True, True, False]


def test_the_loss_of_the_database_is_not_the_tasks_fault() -> None:
    for tries in (1, 12):
        again = retry.after(OperationalError("server closed"), tries=tries, retries=0)
        assert again is not None
        assert again.delay <= timedelta(seconds=15 * 1.2)
    assert retry.after(OperationalError("server closed"), tries=13, retries=0) is None


def test_a_task_may_set_its_own_limit() -> None:
    assert retry.after(Unavailable("down"), tries=1, retries=0) is None
    assert retry.after(KeyError("sku"), tries=9, retries=9) is not None


def test_a_snooze_lasts_until_its_moment_and_never_less_than_nothing() -> None:
    before = clock.now()
    snoozed = retry.after(retry.Snooze(before + timedelta(minutes=90), "cooling off"), tries=40)

    assert snoozed is not None
    assert (snoozed.reason, snoozed.is_snooze) == ("cooling off", True)
    took = clock.now() - before
    assert timedelta(minutes=90) - took <= snoozed.delay <= timedelta(minutes=90)
    assert retry.after(retry.Snooze(timedelta(minutes=-5)), tries=1) == retry.Again(
        timedelta(0), "snoozed", is_snooze=True
    )
