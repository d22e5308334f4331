"""What everyone who gives money back promises."""

import pytest

from entrepot.connect.errors import OutcomeUnknown, RateLimited
from tests.conformance.conftest import Outside

CAPABILITY = "refund"


def test_a_refund_gives_back_what_was_asked_and_is_found_by_our_reference(
    outside: Outside,
) -> None:
    asked = outside.example("example_refund", outside.simulator, "C-1-r1")
    assert outside.client.find_refund(asked) is None

    receipt = outside.client.refund(asked)

    assert receipt.amount == asked.amount
    found = outside.client.find_refund(asked)
    assert found is not None
    assert (found.external_id, found.amount) == (receipt.external_id, receipt.amount)


def test_the_same_key_gives_back_once(outside: Outside) -> None:
    if not outside.platform.manifest.effects["refund"].remembers_key:
        pytest.skip("it does not remember keys: at most once, then a person is asked")
    asked = outside.example("example_refund", outside.simulator, "C-1-r1")

    first = outside.client.refund(asked)
    books = outside.sizes()
    again = outside.client.refund(asked)

    assert first.external_id == again.external_id
    assert outside.sizes() == books


def test_a_limit_gives_nothing_back(outside: Outside) -> None:
    asked = outside.example("example_refund", outside.simulator, "C-1-r1")
    outside.simulator.faults.rate_limited = 1.0

    with pytest.raises(RateLimited):
        outside.client.refund(asked)

    outside.simulator.faults.rate_limited = 0.0
    assert outside.client.find_refund(asked) is None


def test_a_lost_answer_is_unknown_and_the_refund_is_found(outside: Outside) -> None:
    asked = outside.example("example_refund", outside.simulator, "C-1-r1")
    outside.simulator.faults.drop_answer = 1.0

    with pytest.raises(OutcomeUnknown):
        outside.client.refund(asked)

    outside.simulator.faults.drop_answer = 0.0
    found = outside.client.find_refund(asked)
    assert found is not None
    assert found.amount == asked.amount
