"""What every provider promises."""

from collections.abc import Callable

import pytest

from entrepot.canon.fulfillment import CancelAnswer, ChangeAnswer, ProviderStage
from entrepot.connect.errors import (
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from entrepot.connect.ports import Account
from entrepot.connect.registry import Platform
from tests.conformance.conftest import Outside
from tests.conformance.examples import example

CAPABILITY = "submit"


def test_what_is_submitted_is_echoed(outside: Outside) -> None:
    asked = outside.example("example_request", "C-1-1")

    order = outside.client.submit(asked)

    assert order.external_id
    assert order.reference == "C-1-1"
    assert order.fingerprint in {"", asked.fingerprint()}
    assert order.stage is not ProviderStage.UNKNOWN
    assert not order.is_replay


def test_submitting_twice_under_one_key_makes_one_order(outside: Outside) -> None:
    if not outside.platform.manifest.effects["submit"].remembers_key:
        pytest.skip("it does not remember keys: it is asked first")
    asked = outside.example("example_request", "C-1-1")

    first = outside.client.submit(asked)
    books = outside.sizes()
    again = outside.client.submit(asked)

    assert again.external_id == first.external_id
    assert again.is_replay
    assert outside.sizes() == books


def test_two_references_make_two_orders(outside: Outside) -> None:
    first = outside.client.submit(outside.example("example_request", "C-1-1"))
    second = outside.client.submit(outside.example("example_request", "C-1-2"))

    assert first.external_id != second.external_id


def test_a_refused_connection_is_safe_to_fail_over(platform: Platform, unreachable: object) -> None:
    asked = example(platform, "example_request")("C-1-1")

    with pytest.raises(Unavailable):
        unreachable.submit(asked)  # type: ignore[attr-defined]


@pytest.mark.parametrize("fault", ["drop_answer", "garbage"])
def test_a_lost_answer_is_not_and_the_order_exists_once(fault: str, outside: Outside) -> None:
    asked = outside.example("example_request", "C-1-1")
    before = outside.sizes()
    setattr(outside.simulator.faults, fault, 1.0)

    with pytest.raises(OutcomeUnknown):
        outside.client.submit(asked)

    setattr(outside.simulator.faults, fault, 0.0)
    after = outside.sizes()
    assert sum(after.values()) > sum(before.values())
    found = outside.client.find(asked)
    assert found is not None
    assert found.reference == "C-1-1"
    assert found.fingerprint in {"", asked.fingerprint()}
    assert outside.sizes() == after


def test_a_failure_after_the_body_went_out_is_unknown_too(outside: Outside) -> None:
    outside.simulator.faults.server_error = 1.0

    with pytest.raises(OutcomeUnknown):
        outside.client.submit(outside.example("example_request", "C-1-1"))


def test_a_limit_leaves_nothing_behind(outside: Outside) -> None:
    before = outside.sizes()
    outside.simulator.faults.rate_limited = 1.0

    with pytest.raises(RateLimited):
        outside.client.submit(outside.example("example_request", "C-1-1"))

    assert outside.sizes() == before


def test_refused_credentials_leave_nothing_behind(
    outside: Outside, with_wrong_secrets: Callable[[Outside], Account]
) -> None:
    before = outside.sizes()
    stranger = outside.as_account(with_wrong_secrets(outside))

    with pytest.raises(Misconfigured):
        stranger.submit(outside.example("example_request", "C-1-1"))

    assert outside.sizes() == before


def test_what_was_never_submitted_is_not_found(outside: Outside) -> None:
    outside.client.submit(outside.example("example_request", "C-1-1"))

    assert outside.client.find(outside.example("example_request", "C-1-2")) is None


def test_an_invisible_order_is_not_found_though_it_exists(outside: Outside) -> None:
    asked = outside.example("example_request", "C-1-1")
    outside.simulator.faults.invisible = 1.0

    order = outside.client.submit(asked)

    assert outside.client.find(asked) is None
    assert outside.client.read(order.external_id) is None
    effect = outside.platform.manifest.effects["submit"]
    assert not effect.lookup_proves_absence or effect.settle_seconds > 0
    if effect.remembers_key:
        assert outside.client.submit(asked).external_id == order.external_id


def test_a_quote_orders_nothing(outside: Outside) -> None:
    if not outside.platform.manifest.can("quote"):
        pytest.skip("it does not quote")
    before = outside.sizes()

    quotes = outside.client.quote(outside.example("example_request", "C-1-1"), currency="EUR")

    assert quotes
    assert {quote.total.currency for quote in quotes} == {"EUR"}
    assert outside.sizes() == before


def test_a_cancelled_order_answers_cancelled_again(outside: Outside) -> None:
    if not outside.platform.manifest.can("cancel"):
        pytest.skip("it does not cancel")
    order = outside.client.submit(outside.example("example_request", "C-1-1"))

    first = outside.client.cancel(order.external_id)
    again = outside.client.cancel(order.external_id)

    assert first.answer is again.answer is CancelAnswer.CANCELLED
    read = outside.client.read(order.external_id)
    assert read.stage is ProviderStage.CANCELLED


def test_an_order_that_does_not_exist_is_none(outside: Outside) -> None:
    assert outside.client.read("999999999") is None


def test_another_shipping_method_is_shown_by_the_order_and_asked_for_twice_changes_nothing(
    outside: Outside,
) -> None:
    if not outside.platform.manifest.can("change_shipping"):
        pytest.skip("it cannot change how an order is shipped")
    asked = outside.example("example_request", "C-1-1")
    order = outside.client.submit(asked)
    outside.client.submit(outside.example("example_request", "C-1-2"))
    methods = {quote.shipping_method for quote in outside.client.quote(asked, currency="EUR")}
    another = min(methods - {asked.shipping_method})
    books = outside.sizes()

    first, again = (
        outside.client.change_shipping(order.external_id, shipping_method=another) for _ in range(2)
    )

    assert first.answer is again.answer is ChangeAnswer.CHANGED
    read = outside.client.read(order.external_id)
    assert (read.shipping_method, read.fingerprint) == (another, order.fingerprint)
    assert outside.sizes() == books


def test_an_order_tells_by_which_shipping_method_it_goes(outside: Outside) -> None:
    if not outside.platform.manifest.can("change_shipping"):
        pytest.skip("it cannot change how an order is shipped")
    asked = outside.example("example_request", "C-1-1")

    order = outside.client.submit(asked)

    read = outside.client.read(order.external_id)
    assert read.shipping_method.casefold() == asked.shipping_method.casefold()


@pytest.mark.parametrize("fault", ["drop_answer", "garbage"])
def test_a_lost_answer_to_a_change_of_method_is_unknown_and_a_look_tells(
    fault: str, outside: Outside
) -> None:
    if not outside.platform.manifest.can("change_shipping"):
        pytest.skip("it cannot change how an order is shipped")
    asked = outside.example("example_request", "C-1-1")
    order = outside.client.submit(asked)
    methods = {quote.shipping_method for quote in outside.client.quote(asked, currency="EUR")}
    another = min(methods - {asked.shipping_method})
    setattr(outside.simulator.faults, fault, 1.0)

    with pytest.raises(OutcomeUnknown):
        outside.client.change_shipping(order.external_id, shipping_method=another)

    setattr(outside.simulator.faults, fault, 0.0)
    assert outside.client.read(order.external_id).shipping_method == another


def test_a_shipping_method_that_does_not_exist_is_refused_and_changes_nothing(
    outside: Outside,
) -> None:
    if not outside.platform.manifest.can("change_shipping"):
        pytest.skip("it cannot change how an order is shipped")
    asked = outside.example("example_request", "C-1-1")
    order = outside.client.submit(asked)

    with pytest.raises(Rejected):
        outside.client.change_shipping(order.external_id, shipping_method="Möwenpost")

    read = outside.client.read(order.external_id)
    assert read.shipping_method.casefold() == asked.shipping_method.casefold()
