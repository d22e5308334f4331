"""What is safe is tried again on the ladder, what is not never; and the platform's word wins."""

import random
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.connect.errors import (
    BudgetSpent,
    Conflict,
    ConnectorError,
    Misconfigured,
    OutcomeUnknown,
    PaymentNeeded,
    RateLimited,
    Rejected,
    Unavailable,
    UnexpectedResponse,
)
from entrepot.tasks.retry import after

# As docs and design promise it, in seconds.
LADDER = (1, 5, 15, 60, 300, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400)
waits = st.none() | st.integers(0, 7 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
seeds = st.integers(0, 2**32)


@settings(settings.get_profile("properties"), max_examples=200)
@given(wait=waits, tries=st.integers(1, 20), seed=seeds, is_limit=st.booleans())
def test_what_never_happened_is_tried_again_when_the_platform_says_else_by_the_ladder(
    wait: timedelta | None, tries: int, seed: int, *, is_limit: bool
) -> None:
    error = (RateLimited if is_limit else Unavailable)("come again", retry_after=wait)

    again = after(error, tries=tries, chance=random.Random(seed))

    if tries > len(LADDER):
        assert again is None
        return
    assert again is not None
    assert not again.is_snooze
    if wait is not None:
        assert again.delay == wait
    else:
        usual = timedelta(seconds=LADDER[tries - 1])
        assert usual * 0.8 <= again.delay <= usual * 1.2


@settings(settings.get_profile("properties"), max_examples=60)
@given(wait=st.integers(0, 86_400), tries=st.integers(1, 10_000))
def test_our_own_budget_spends_no_try_however_often(wait: int, tries: int) -> None:
    error = BudgetSpent("our own limit", retry_after=timedelta(seconds=wait))

    again = after(error, tries=tries)

    assert again is not None
    assert (again.delay, again.is_snooze) == (timedelta(seconds=wait), True)


@settings(settings.get_profile("properties"), max_examples=100)
@given(
    error=st.sampled_from(
        [
            OutcomeUnknown("the line broke"),
            Rejected("no such paper", code="InvalidSku"),
            Rejected("no stock", code="OutOfStock", fault="provider"),
            Conflict("it exists", code="AlreadyExists"),
            PaymentNeeded("the card expired"),
            Misconfigured("the key is gone"),
            UnexpectedResponse("neither fish nor fowl"),
        ]
    ),
    tries=st.integers(1, 20),
    retries=st.none() | st.integers(0, 50),
)
def test_what_may_have_happened_or_was_refused_is_never_repeated_blindly(
    error: ConnectorError, tries: int, retries: int | None
) -> None:
    assert after(error, tries=tries, retries=retries) is None


@settings(settings.get_profile("properties"), max_examples=60)
@given(seed=seeds)
def test_the_ladder_gives_up_after_three_days_and_not_before(seed: int) -> None:
    chance = random.Random(seed)
    waited, tries = timedelta(0), 1

    while (again := after(Unavailable("down"), tries=tries, chance=chance)) is not None:
        waited += again.delay
        tries += 1

    whole = timedelta(seconds=sum(LADDER))
    assert tries == len(LADDER) + 1
    assert whole * 0.8 <= waited <= whole * 1.2
