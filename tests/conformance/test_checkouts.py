"""What every payment page promises."""

import pytest

from entrepot.connect.errors import OutcomeUnknown, RateLimited, Unavailable
from entrepot.connect.registry import Platform
from tests.conformance.conftest import Outside
from tests.conformance.examples import example

CAPABILITY = "checkout"


def test_the_same_key_answers_with_the_same_page(outside: Outside) -> None:
    asked = outside.example("example_checkout", "C-1")

    first = outside.client.open_checkout(asked)
    books = outside.sizes()
    again = outside.client.open_checkout(asked)

    assert first.external_id == again.external_id
    assert first.url == again.url
    assert outside.sizes() == books


def test_a_refused_connection_opened_nothing(platform: Platform, unreachable: object) -> None:
    asked = example(platform, "example_checkout")("C-1")

    with pytest.raises(Unavailable):
        unreachable.open_checkout(asked)  # type: ignore[attr-defined]


def test_a_lost_answer_is_unknown_and_the_page_exists_once(outside: Outside) -> None:
    asked = outside.example("example_checkout", "C-1")
    outside.simulator.faults.drop_answer = 1.0

    with pytest.raises(OutcomeUnknown):
        outside.client.open_checkout(asked)

    outside.simulator.faults.drop_answer = 0.0
    books = outside.sizes()
    assert outside.client.open_checkout(asked).url
    assert outside.sizes() == books


def test_a_limit_opens_nothing(outside: Outside) -> None:
    before = outside.sizes()
    outside.simulator.faults.rate_limited = 1.0

    with pytest.raises(RateLimited):
        outside.client.open_checkout(outside.example("example_checkout", "C-1"))

    assert outside.sizes() == before
