"""Payments and checkouts as Stripe tells them, in our words: golden files and what they hide."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.canon.messages import CanonicalItem, CheckoutNews, Hint, Ignored
from entrepot.canon.money import Money, NotMoney
from entrepot.canon.orders import Mode, OrderSnapshot, PaymentWord, SourceState
from entrepot.canon.payments import PaymentFact, PaymentFactKind
from entrepot.connect.ports import Account, InboundMessage
from entrepot.connectors.stripe import amounts, requests, webhook, wire
from entrepot.connectors.stripe.tests.conftest import cart, refund_of

FIXTURES = Path(__file__).parent.parent / "fixtures"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.json") if ".expected" not in path.name)
ACCOUNT = Account(mode=Mode.TEST, settings={})


def loaded(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def read(name: str, body: Any = None) -> tuple[CanonicalItem, ...]:
    """A fixture, or a changed body of its kind, through the door that everything comes through."""
    content = (
        (FIXTURES / f"{name}.json").read_bytes() if body is None else json.dumps(body).encode()
    )
    message = InboundMessage(
        source="webhook" if name.startswith("event") else "poll",
        topic="",
        body=content,
        received_at=datetime(2026, 11, 21, tzinfo=UTC),
    )
    return webhook.normalize(message, ACCOUNT)


def order_in(name: str, body: Any = None) -> OrderSnapshot:
    (news,) = read(name, body)
    assert isinstance(news, CheckoutNews)
    assert news.order is not None
    return news.order


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_file_reads_as_it_did(name: str) -> None:
    expected = json.loads((FIXTURES / f"{name}.expected.json").read_text())

    found = [
        {"is": type(item).__name__, **json.loads(msgspec.json.encode(item))} for item in read(name)
    ]

    assert found == expected


def test_three_ways_to_tell_of_one_payment_make_one_fact() -> None:
    from_event = read("event_payment_succeeded")[0]
    from_payment = read("payment_refunded_disputed_reviewed")[0]
    from_checkout = order_in("checkout_paid").payment_facts[0]
    facts = [from_event, from_payment, from_checkout]

    named = {
        (fact.kind, fact.external_id, fact.amount)
        for fact in facts
        if isinstance(fact, PaymentFact)
    }

    assert len([fact for fact in facts if isinstance(fact, PaymentFact)]) == 3
    assert named == {
        (
            PaymentFactKind.CAPTURED,
            loaded("event_payment_succeeded")["data"]["object"]["id"],
            Money.of("100.20", "EUR"),
        )
    }
    assert isinstance(read("event_charge_succeeded")[0], Ignored)
    assert isinstance(read("event_session_completed")[0], Hint)


@pytest.mark.parametrize(
    ("_case", "name", "payment", "state"),
    [
        ("a card paid", "checkout_paid", PaymentWord.PAID, SourceState.PROCESSING),
        ("a debit is on its way", "checkout_pending", PaymentWord.PENDING, SourceState.AWAITING),
        ("a debit bounced", "checkout_bounced", PaymentWord.UNPAID, SourceState.FAILED),
        ("set aside", "checkout_authorized", PaymentWord.AUTHORIZED, SourceState.AWAITING),
        (
            "nothing to pay",
            "checkout_nothing_to_pay",
            PaymentWord.NOT_REQUIRED,
            SourceState.PROCESSING,
        ),
        ("a new word", "checkout_unknown_words", PaymentWord.UNKNOWN, SourceState.UNKNOWN),
    ],
)
def test_how_far_the_payment_is_decides_the_order(
    _case: str, name: str, payment: PaymentWord, state: SourceState
) -> None:
    order = order_in(name)

    assert (order.payment, order.state) == (payment, state)


def test_a_later_reading_of_one_checkout_has_a_higher_version() -> None:
    pending, bounced = order_in("checkout_pending"), order_in("checkout_bounced")

    assert pending.external_id == bounced.external_id
    assert pending.version < bounced.version


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("checkout_")])
def test_the_sums_of_a_checkout_agree(name: str) -> None:
    (news,) = read(name)
    if not isinstance(news, CheckoutNews) or news.order is None:
        assert name in {"checkout_open", "checkout_expired", "checkout_foreign"}
        return
    totals = news.order.totals
    added = Money.zero(news.order.currency) if news.order.prices_include_tax else totals.tax

    assert totals.lines + totals.shipping + added == totals.total
    assert sum((line.total.amount for line in news.order.lines), Decimal(0)) == totals.lines.amount


def test_a_session_with_only_some_of_its_lines_is_not_believed() -> None:
    body = loaded("checkout_paid")
    body["line_items"]["has_more"] = True

    with pytest.raises(ValueError, match="line_items"):
        read("checkout_paid", body)


def test_a_payment_intent_that_was_let_go_unpaid_voids_nothing() -> None:
    body = loaded("event_payment_voided")
    body["data"]["object"]["latest_charge"] = None

    assert isinstance(read("event", body)[0], Ignored)


def test_a_payment_that_failed_and_was_let_go_voids_nothing() -> None:
    body = loaded("event_payment_voided")
    body["data"]["object"]["last_payment_error"] = {"code": "card_declined"}

    assert isinstance(read("event", body)[0], Ignored)


def test_money_that_was_only_released_is_no_refund() -> None:
    body = loaded("payment_refunded_disputed_reviewed")
    body["refunds"]["data"][0]["reason"] = "expired_uncaptured_charge"

    kinds = [fact.kind for fact in read("payment", body) if isinstance(fact, PaymentFact)]

    assert PaymentFactKind.REFUNDED not in kinds
    assert PaymentFactKind.REFUND_FAILED in kinds


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("pending", PaymentFactKind.REFUND_PENDING),
        ("requires_action", PaymentFactKind.REFUND_PENDING),
        ("succeeded", PaymentFactKind.REFUNDED),
        ("failed", PaymentFactKind.REFUND_FAILED),
        ("canceled", PaymentFactKind.REFUND_FAILED),
    ],
)
def test_each_word_for_a_refund_has_its_fact(status: str, kind: PaymentFactKind) -> None:
    body = loaded("event_refund_created")
    body["data"]["object"]["status"] = status

    (fact,) = read("event", body)

    assert isinstance(fact, PaymentFact)
    assert fact.kind is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("warning_needs_response", PaymentFactKind.DISPUTED),
        ("warning_under_review", PaymentFactKind.DISPUTED),
        ("warning_closed", PaymentFactKind.DISPUTE_WON),
        ("needs_response", PaymentFactKind.DISPUTED),
        ("under_review", PaymentFactKind.DISPUTED),
        ("charge_refunded", PaymentFactKind.DISPUTE_WON),
        ("won", PaymentFactKind.DISPUTE_WON),
        ("lost", PaymentFactKind.DISPUTE_LOST),
    ],
)
def test_each_word_for_a_dispute_has_its_fact(status: str, kind: PaymentFactKind) -> None:
    body = loaded("event_dispute_created")
    body["data"]["object"]["status"] = status

    (fact,) = read("event", body)

    assert isinstance(fact, PaymentFact)
    assert fact.kind is kind


@pytest.mark.parametrize(
    ("_case", "path", "value", "where"),
    [
        ("an amount as text", "data.object.amount_received", "1999", "data.object.amount_received"),
        ("an amount with a fraction", "data.object.amount_received", 1.5, "amount_received"),
        ("an amount without end", "data.object.amount_received", 10**30, "amount_received: more"),
        ("no currency", "data.object.currency", None, "data.object.currency"),
        ("a currency that is none", "data.object.currency", "euros", "data.object.currency"),
        ("an unsettled currency", "data.object.currency", "ugx", "amount_received: UGX"),
        ("no status", "data.object.status", None, "data.object.status"),
        ("an instant as text", "created", "today", "created"),
        ("an instant outside the calendar", "created", 10**20, "created"),
        ("the other mode", "livemode", True, "livemode: a live object"),
        ("a mode that is none", "livemode", "no", "livemode"),
        ("no object at all", "data", None, "data.object"),
        ("a list for an object", "data.object", [1], "data.object"),
        ("another kind of thing", "object", "plan", "object: 'plan'"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_path(
    _case: str, path: str, value: Any, where: str
) -> None:
    body = loaded("event_payment_succeeded")
    *parents, last = path.split(".")
    thing = body
    for parent in parents:
        thing = thing[parent]
    thing[last] = value

    with pytest.raises(ValueError, match=re.escape(where)):
        read("event", body)


def test_a_thin_event_is_ignored() -> None:
    (item,) = read("event", {"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter"})

    assert isinstance(item, Ignored)


@pytest.mark.parametrize(
    ("units", "currency", "amount"),
    [
        (1999, "eur", "19.99 EUR"),
        (500, "jpy", "500 JPY"),
        (5120, "kwd", "5.120 KWD"),
        (70000, "isk", "700 ISK"),
        (70050, "isk", "700.50 ISK"),  # from before the krona lost its hundredths
        (2500, "mga", "2500.00 MGA"),
        (-300, "sek", "-3.00 SEK"),
    ],
)
def test_integers_are_read_in_the_unit_that_stripe_counts(
    units: int, currency: str, amount: str
) -> None:
    assert str(amounts.to_money(units, currency)) == amount


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("5.124", "KWD"),  # the last digit must be 0
        ("19.999", "EUR"),
        ("500.5", "JPY"),
        ("700.50", "ISK"),
        ("500", "UGX"),  # told in two ways
    ],
)
def test_an_amount_that_stripe_cannot_take_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(NotMoney, match=currency):
        amounts.to_units(Money.of(amount, currency))


@given(
    units=st.integers(min_value=0, max_value=10**12),
    currency=st.sampled_from(["EUR", "JPY", "KWD", "ISK", "SEK", "USD", "MGA", "TND"]),
)
def test_what_is_written_is_read_back_the_same(units: int, currency: str) -> None:
    steps = units * amounts.step_of(currency)

    assert amounts.to_units(amounts.to_money(steps, currency)) == steps


names = st.text(alphabet="abc_", min_size=1, max_size=5)
trees = st.recursive(
    st.text(min_size=1, max_size=8),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(names, inner, min_size=1, max_size=3)
    ),
    max_leaves=12,
)


@given(tree=st.dictionaries(names, trees, min_size=1, max_size=4))
def test_brackets_lose_nothing(tree: dict[str, Any]) -> None:
    assert wire.unbracket(requests.brackets(tree)) == tree


def test_the_reference_rides_on_the_session_and_on_the_payment() -> None:
    form = dict(requests.checkout_form(cart("E-CART-9"), settings={}, coupon=""))

    assert form["client_reference_id"] == "E-CART-9"
    assert form["metadata[entrepot_checkout]"] == "E-CART-9"
    assert form["payment_intent_data[metadata][entrepot_checkout]"] == "E-CART-9"
    assert form["line_items[1][quantity]"] == "2"
    assert form["line_items[1][price_data][unit_amount]"] == "250000"
    assert form["shipping_options[1][shipping_rate_data][metadata][code]"] == "exp"


def test_a_cart_of_downloads_asks_for_no_address() -> None:
    lines = tuple(
        type(line)(
            sku=line.sku,
            title=line.title,
            quantity=line.quantity,
            unit_price=line.unit_price,
            is_shippable=False,
        )
        for line in cart().lines
    )
    form = dict(
        requests.checkout_form(cart(lines=lines), settings={"collect_phone": True}, coupon="")
    )

    assert [name for name in form if name.startswith(("shipping", "phone"))] == []


def test_a_refund_in_words_of_our_own_keeps_them_as_metadata() -> None:
    own = dict(requests.refund_form(refund_of("pi_1", "12.50", reason="arrived broken")))
    theirs = dict(requests.refund_form(refund_of("ch_1", "12.50", reason="duplicate")))

    assert own == {
        "payment_intent": "pi_1",
        "amount": "1250",
        "metadata[entrepot_refund]": "E-REFUND-1",
        "metadata[reason]": "arrived broken",
    }
    assert theirs == {
        "charge": "ch_1",
        "amount": "1250",
        "reason": "duplicate",
        "metadata[entrepot_refund]": "E-REFUND-1",
    }
