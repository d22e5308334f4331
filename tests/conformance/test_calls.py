"""What every client makes of credentials, limits and failures."""

from collections.abc import Callable

import pytest

from entrepot.connect.errors import Misconfigured, RateLimited, Unavailable, UnexpectedResponse
from entrepot.connect.ports import Account
from entrepot.connect.registry import Platform
from entrepot.connect.waiting import retry_after_of
from tests.conformance.conftest import Outside

CAPABILITY = "ping"


def test_ping_proves_the_credentials_and_names_the_account(outside: Outside) -> None:
    result = outside.client.ping()

    assert result.identity
    assert result.mode in {None, outside.account.mode}
    assert outside.simulator.calls


def test_credentials_that_were_never_issued_are_a_matter_for_a_person(
    outside: Outside, with_wrong_secrets: Callable[[Outside], Account]
) -> None:
    stranger = outside.as_account(with_wrong_secrets(outside))

    with pytest.raises(Misconfigured):
        stranger.ping()


def test_a_limit_is_told_with_the_wait_that_the_platform_asks_for(outside: Outside) -> None:
    outside.simulator.faults.rate_limited = 1.0
    wait = retry_after_of({k.lower(): v for k, v in outside.simulator.too_many().headers.items()})

    with pytest.raises(RateLimited) as limited:
        outside.client.ping()

    assert limited.value.retry_after == wait  # None where the platform names none


def test_a_platform_that_fails_is_unavailable_to_reads(outside: Outside) -> None:
    outside.simulator.faults.server_error = 1.0

    with pytest.raises(Unavailable) as failed:
        outside.client.ping()

    assert not isinstance(failed.value, RateLimited)


def test_a_connection_that_is_cut_is_unavailable_to_reads(outside: Outside) -> None:
    outside.simulator.faults.drop_answer = 1.0

    with pytest.raises(Unavailable):
        outside.client.ping()


def test_a_page_instead_of_an_answer_is_never_taken_for_one(outside: Outside) -> None:
    outside.simulator.faults.garbage = 1.0

    # A platform behind strangers' proxies may take a page for one that will go away.
    with pytest.raises((UnexpectedResponse, Unavailable)):
        outside.client.ping()


def test_nobody_at_the_address_is_unavailable(platform: Platform, unreachable: object) -> None:
    with pytest.raises(Unavailable):
        unreachable.ping()  # type: ignore[attr-defined]
