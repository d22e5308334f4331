"""The client against the simulator, over HTTP on loopback."""

from dataclasses import replace
from datetime import timedelta

import pytest

from entrepot.canon.fulfillment import (
    CancelAnswer,
    ChangeAnswer,
    IssueKind,
    ProviderStage,
    ShipmentState,
)
from entrepot.canon.messages import Flow
from entrepot.canon.money import Money
from entrepot.canon.orders import Mode
from entrepot.canon.places import Address
from entrepot.connect.errors import (
    Conflict,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from entrepot.connect.http import Http
from entrepot.connect.ports import Account
from entrepot.connectors.prodigi.books import Phase
from entrepot.connectors.prodigi.client import Client, base_url
from entrepot.connectors.prodigi.house import LIVE_KEY
from entrepot.connectors.prodigi.simulator import ProdigiSimulator, example_request

HOUR = timedelta(hours=1)


def test_each_method_is_quoted_in_the_currency_that_was_asked_for(client: Client) -> None:
    quotes = client.quote(example_request("E-1-1-1"), currency="JPY")

    assert [quote.shipping_method for quote in quotes] == [
        "Budget",
        "Standard",
        "Express",
        "Overnight",
    ]
    for quote in quotes:
        assert quote.total == quote.items + quote.shipping
        assert quote.total == quote.total.rounded()  # whole yen
    assert quotes[0].shipping < quotes[-1].shipping


def test_a_warning_of_a_quote_is_told_and_stops_nothing(client: Client) -> None:
    american = Address(
        name="Zoë", line1="1 Main St", city="Austin", postal_code="78701", country="US"
    )
    request = replace(example_request("E-1-1-1"), recipient=american)

    quotes = client.quote(request, currency="USD")

    assert quotes[0].warnings == ("Prices may be subject to US sales tax.",)


def test_an_order_is_made_and_echoes_what_was_asked(
    client: Client, simulator: ProdigiSimulator
) -> None:
    request = example_request("E-1-1-1")

    order = client.submit(request)

    assert order.stage is ProviderStage.IN_PRODUCTION
    assert order.reference == "E-1-1-1"
    assert order.fingerprint == request.fingerprint()
    assert [name for name, _ in order.item_ids] == ["E-1-1-1-1", "E-1-1-1-2"]
    assert not order.is_replay
    assert list(simulator.orders) == [order.external_id]


def test_the_same_key_is_answered_with_the_first_order_even_with_other_content(
    client: Client, simulator: ProdigiSimulator
) -> None:
    first = client.submit(example_request("E-1-1-1"))
    request = example_request("E-1-1-1")
    other = replace(request, items=request.items[:1])

    again = client.submit(other)

    assert again.is_replay
    assert again.external_id == first.external_id
    assert again.fingerprint != other.fingerprint()  # a case for a person
    assert len(simulator.orders) == 1


def test_an_order_in_the_pause_window_exists_and_is_not_shown(
    client: Client, simulator: ProdigiSimulator
) -> None:
    simulator.dials.pause_window = HOUR
    request = example_request("E-1-1-1")

    order = client.submit(request)

    assert (order.stage, order.reference) == (ProviderStage.ON_HOLD, "E-1-1-1")
    assert client.read(order.external_id) is None
    assert client.find(request) is None
    assert client.submit(request).is_replay
    simulator.release(order.external_id)
    found = client.find(request)
    assert found is not None
    assert found.stage is ProviderStage.IN_PRODUCTION


def test_an_order_with_issues_is_accepted_and_says_what_is_wrong(
    client: Client, simulator: ProdigiSimulator
) -> None:
    simulator.dials.needs_payment = True

    order = client.submit(example_request("E-1-1-1"))

    assert order.stage is ProviderStage.AWAITING_PAYMENT
    assert [issue.kind for issue in order.issues] == [IssueKind.PAYMENT_NEEDED]
    assert order.issues[0].action_url.startswith("https://dashboard.prodigi.example/payment/")
    simulator.clock.advance(3 * HOUR)
    assert client.read(order.external_id).stage is ProviderStage.AWAITING_PAYMENT  # type: ignore[union-attr]
    simulator.authorise_payment(order.external_id)
    simulator.clock.advance(3 * HOUR)
    assert client.read(order.external_id).stage is ProviderStage.COMPLETE  # type: ignore[union-attr]


def test_of_several_orders_under_a_reference_the_one_with_our_key_is_found(client: Client) -> None:
    request = example_request("E-1-1-1")
    ours = client.submit(request)
    reprint = client.submit(replace(request, idempotency_key="another", items=request.items[:1]))

    found = client.find(request)

    assert found is not None
    assert found.external_id == ours.external_id != reprint.external_id
    assert found.fingerprint == request.fingerprint()


def test_nothing_is_found_under_a_reference_that_was_never_sent(
    client: Client, simulator: ProdigiSimulator
) -> None:
    client.submit(example_request("E-1-1-1"))

    assert client.find(example_request("E-1-1-2")) is None
    assert len(simulator.orders) == 1


def test_several_labs_ship_apart_and_letters_have_no_tracking(
    client: Client, simulator: ProdigiSimulator
) -> None:
    request = example_request("E-1-1-1")
    letter = replace(
        request.items[0], reference="E-1-1-1-3", provider_sku="GLOBAL-STI-3X4", quantity=7
    )
    order = client.submit(replace(request, items=(*request.items, letter)))

    simulator.clock.advance(3 * HOUR)
    done = client.read(order.external_id)

    assert done is not None
    assert done.stage is ProviderStage.COMPLETE
    assert [each.state for each in done.shipments] == [ShipmentState.SHIPPED] * 3
    tracked = {
        item.item_reference: (item.quantity, bool(each.tracking_number))
        for each in done.shipments
        for item in each.items
    }
    assert tracked == {
        "E-1-1-1-1": (3, True),
        "E-1-1-1-2": (2, True),
        "E-1-1-1-3": (7, False),
    }
    assert {each.tracking_number for each in done.shipments} - {""} == set(
        simulator.books["tracking"]
    )
    assert [charge.kind for charge in done.charges] == ["item", "shipping"]
    assert {charge.amount.currency for charge in done.charges} == {"GBP"}


def test_an_order_that_no_lab_has_begun_is_cancelled_and_says_so_again(
    client: Client, simulator: ProdigiSimulator
) -> None:
    order = client.submit(example_request("E-1-1-1"))
    simulator.clock.advance(timedelta(minutes=4))

    first, again = client.cancel(order.external_id), client.cancel(order.external_id)

    assert first.answer is again.answer is CancelAnswer.CANCELLED
    assert again.message == "action not available (ActionNotAvailable)"
    assert first.order is not None
    assert first.order.stage is ProviderStage.CANCELLED
    assert sum((c.amount for c in first.order.charges), Money.zero("GBP")) == Money.zero("GBP")


def test_a_cancellation_that_some_labs_could_not_do_any_more_is_partly_done(
    client: Client, simulator: ProdigiSimulator
) -> None:
    order = client.submit(example_request("E-1-1-1"))
    simulator.clock.advance(timedelta(minutes=14))  # the first lab has begun, the second has not

    receipt = client.cancel(order.external_id)

    assert receipt.answer is CancelAnswer.PARTLY
    assert receipt.message == "cancelled"  # what the answer claims
    assert receipt.order is not None
    assert [(i.kind, i.item_reference) for i in receipt.order.issues] == [
        (IssueKind.PARTLY_CANCELLED, "E-1-1-1-2")
    ]


def test_an_order_in_production_cannot_be_stopped_or_changed(
    client: Client, simulator: ProdigiSimulator
) -> None:
    request = example_request("E-1-1-1")
    order = client.submit(request)
    simulator.clock.advance(timedelta(minutes=30))

    receipt = client.cancel(order.external_id)
    moved = client.change_recipient(
        order.external_id, recipient=request.recipient, email=request.email
    )

    assert (receipt.answer, receipt.message) == (
        CancelAnswer.TOO_LATE,
        "failed to cancel (FailedToCancel)",
    )
    assert (moved.answer, moved.message) == (
        ChangeAnswer.REFUSED,
        "action not available (ActionNotAvailable)",
    )
    assert simulator.orders[order.external_id].phase is Phase.PRODUCING


def test_a_recipient_and_a_service_are_changed_before_production(
    client: Client, simulator: ProdigiSimulator
) -> None:
    request = example_request("E-1-1-1")
    order = client.submit(request)
    elsewhere = replace(request.recipient, line1="Jiná 99")

    moved = client.change_recipient(order.external_id, recipient=elsewhere, email="b@kunde.example")
    faster = client.change_shipping(order.external_id, shipping_method="Express")

    assert moved.answer is faster.answer is ChangeAnswer.CHANGED
    asked = simulator.orders[order.external_id].asked
    assert asked["recipient"]["address"]["line1"] == "Jiná 99"
    assert asked["shippingMethod"] == "Express"


def test_a_recipient_that_is_refused_changes_nothing(
    client: Client, simulator: ProdigiSimulator
) -> None:
    request = example_request("E-1-1-1")
    order = client.submit(request)

    with pytest.raises(Rejected, match="Required"):
        client.change_recipient(
            order.external_id, recipient=replace(request.recipient, line1=""), email="b@k.example"
        )

    asked = simulator.orders[order.external_id].asked
    assert asked["recipient"]["address"]["line1"] == "Zkušební 12"


def test_an_order_that_is_not_shown_is_a_conflict_and_never_a_success(client: Client) -> None:
    with pytest.raises(Conflict):
        client.cancel("ord_1")
    with pytest.raises(Conflict):
        client.change_shipping("ord_1", shipping_method="Budget")
    assert client.read("ord_1") is None
    assert client.read("not-an-order-id") is None
    assert client.fetch(Flow.FULFILLMENTS, "ord_1") is None


@pytest.mark.parametrize(
    ("_case", "fault"),
    [("the answer is cut", "drop_answer"), ("a page instead of JSON", "garbage")],
)
def test_a_lost_answer_to_a_cancellation_is_unknown_and_asking_again_tells(
    _case: str, fault: str, client: Client, simulator: ProdigiSimulator
) -> None:
    order = client.submit(example_request("E-1-1-1"))
    setattr(simulator.faults, fault, 1.0)

    with pytest.raises(OutcomeUnknown):
        client.cancel(order.external_id)

    setattr(simulator.faults, fault, 0.0)
    assert client.cancel(order.external_id).answer is CancelAnswer.CANCELLED


def test_a_limit_is_told_with_its_wait(client: Client, simulator: ProdigiSimulator) -> None:
    simulator.faults.rate_limited = 1.0

    with pytest.raises(RateLimited) as limited:
        client.submit(example_request("E-1-1-1"))

    assert limited.value.retry_after == timedelta(seconds=7)
    assert simulator.orders == {}


def test_a_read_that_fails_is_unavailable(client: Client, simulator: ProdigiSimulator) -> None:
    simulator.faults.server_error = 1.0

    with pytest.raises(Unavailable):
        client.quote(example_request("E-1-1-1"), currency="EUR")


def test_sandbox_and_live_orders_never_meet(
    client: Client, account: Account, simulator: ProdigiSimulator
) -> None:
    order = client.submit(example_request("E-1-1-1"))
    settings = {**account.settings, "api_key": LIVE_KEY, "environment": "production"}
    live_account = Account(mode=Mode.LIVE, settings=settings)
    live = Client(Http(base_url(live_account)), live_account)

    assert live.ping().mode is Mode.LIVE
    assert live.read(order.external_id) is None
    assert live.find(example_request("E-1-1-1")) is None
    assert not live.submit(example_request("E-1-1-1")).is_replay
    assert len(simulator.orders) == 2


@pytest.mark.parametrize(
    ("mode", "environment", "address"),
    [
        (Mode.TEST, "", "https://api.sandbox.prodigi.com/v4.0"),
        (Mode.TEST, "sandbox", "https://api.sandbox.prodigi.com/v4.0"),
        (Mode.LIVE, None, "https://api.prodigi.com/v4.0"),
        (Mode.LIVE, "production", "https://api.prodigi.com/v4.0"),
    ],
)
def test_the_mode_decides_where_calls_go(mode: Mode, environment: str | None, address: str) -> None:
    assert base_url(Account(mode=mode, settings={"environment": environment})) == address


def test_an_environment_that_contradicts_the_mode_is_refused() -> None:
    with pytest.raises(Misconfigured, match="choose 'sandbox'"):
        base_url(Account(mode=Mode.TEST, settings={"environment": "production"}))


def test_an_address_that_is_not_the_interface_is_a_matter_of_set_up(
    account: Account, simulator: ProdigiSimulator
) -> None:
    wrong = str(account.settings["base_url"]).replace("v4.0", "v3.0")
    elsewhere = Client(Http(wrong), account)

    with pytest.raises(Misconfigured, match=r"API v4\.0"):
        elsewhere.submit(example_request("E-1-1-1"))


def test_without_a_key_nothing_is_sent(account: Account, simulator: ProdigiSimulator) -> None:
    keyless = replace(account, settings={**account.settings, "api_key": ""})

    with pytest.raises(Misconfigured, match="API key is empty"):
        Client(Http(base_url(keyless)), keyless).ping()

    assert simulator.calls == []
