"""What customers, banks and time do in the simulated Stripe, and the books that swear to it."""

from datetime import timedelta

import pytest

from entrepot.canon.payments import PaymentFact, PaymentFactKind
from entrepot.connect.ports import Account
from entrepot.connect.simulator import Clock
from entrepot.connectors.stripe.client import Client
from entrepot.connectors.stripe.simulator import StripeSimulator
from entrepot.connectors.stripe.tests.conftest import (
    COLOGNE,
    HOOK,
    cart,
    news_of,
    normalized,
    order_of,
    paid,
    refund_of,
)


def facts_sent(simulator: StripeSimulator, account: Account) -> list[PaymentFact]:
    """The facts in all webhooks that are on their way."""
    return [
        item
        for delivery in simulator.due_deliveries()
        for item in normalized(delivery.body, account)
        if isinstance(item, PaymentFact)
    ]


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ("4000000000000002", "card_declined, generic_decline"),
        ("4000000000009995", "card_declined, insufficient_funds"),
        ("4000000000000069", "expired_card"),
    ],
)
def test_a_declined_card_is_no_end_of_it(
    client: Client, account: Account, simulator: StripeSimulator, card: str, reason: str
) -> None:
    client.subscribe(url=HOOK, secret="")
    session = client.open_checkout(cart()).external_id

    for number in (card, card, "4242424242424242"):
        simulator.customer_pays(session, card=number, address=COLOGNE)
    facts = facts_sent(simulator, account)

    assert [fact.kind for fact in facts] == [
        PaymentFactKind.FAILED,
        PaymentFactKind.FAILED,
        PaymentFactKind.CAPTURED,
    ]
    assert [fact.reason for fact in facts[:2]] == [reason, reason]
    assert len({fact.external_id for fact in facts}) == 3
    assert len({fact.payment_external_id for fact in facts}) == 1
    assert order_of(client, account, session).payment == "paid"


@pytest.mark.parametrize(("succeeds", "status"), [(True, "complete"), (False, "open")])
def test_3d_secure_comes_before_the_money(
    client: Client, simulator: StripeSimulator, *, succeeds: bool, status: str
) -> None:
    session = client.open_checkout(cart()).external_id

    asked = simulator.customer_pays(session, card="4000002500003155", address=COLOGNE)
    assert (asked["status"], simulator.summary()["captured"]) == ("open", {"eur": 0})
    answered = simulator.customer_authenticates(session, succeeds=succeeds)

    assert answered["status"] == status
    assert (simulator.summary()["captured"]["eur"] > 0) is succeeds


@pytest.mark.parametrize(("fails", "word"), [(False, "paid"), (True, "unpaid")])
def test_a_delayed_method_ends_days_later(
    client: Client,
    account: Account,
    simulator: StripeSimulator,
    clock: Clock,
    *,
    fails: bool,
    word: str,
) -> None:
    client.subscribe(url=HOOK, secret="")
    session = client.open_checkout(cart()).external_id
    simulator.customer_pays(session, method="sepa_debit", address=COLOGNE, will_fail=fails)
    pending = order_of(client, account, session)
    first = facts_sent(simulator, account)

    clock.advance(timedelta(days=4, minutes=1))
    simulator.tick()
    ended = order_of(client, account, session)
    last = facts_sent(simulator, account)

    assert (pending.payment, pending.state) == ("pending", "awaiting")
    assert ended.payment == word
    assert simulator.books["sessions"][session]["payment_status"] == word
    assert ended.version > pending.version
    assert [fact.kind for fact in first] == [PaymentFactKind.PENDING]
    assert [fact.kind for fact in last] == [
        PaymentFactKind.FAILED if fails else PaymentFactKind.CAPTURED
    ]


def test_a_page_runs_out_by_itself(
    client: Client, account: Account, simulator: StripeSimulator, clock: Clock
) -> None:
    session = client.open_checkout(cart(expires_at=clock.now() + timedelta(hours=1))).external_id
    simulator.customer_abandons(session, at_once=False)

    assert news_of(client, account, session).outcome == "open"
    clock.advance(timedelta(hours=1))
    assert news_of(client, account, session).outcome == "expired"
    with pytest.raises(ValueError, match="nobody can pay"):
        simulator.customer_pays(session)


def test_nobody_pays_where_the_page_does_not_ship(
    client: Client, simulator: StripeSimulator
) -> None:
    session = client.open_checkout(cart()).external_id

    with pytest.raises(ValueError, match="does not ship to NO"):
        simulator.customer_pays(session, address={**COLOGNE, "country": "NO"})


def test_an_authorization_runs_out_after_a_week(
    client: Client, account: Account, simulator: StripeSimulator, clock: Clock
) -> None:
    client.subscribe(url=HOOK, secret="")
    payment = simulator.pay_outside(9900, "sek", capture_method="manual")["id"]

    clock.advance(timedelta(days=7, seconds=1))
    simulator.tick()

    facts = facts_sent(simulator, account)
    assert [(fact.kind, fact.external_id) for fact in facts] == [
        (PaymentFactKind.AUTHORIZED, payment),
        (PaymentFactKind.VOIDED, payment),
    ]


@pytest.mark.parametrize(
    ("inquiry", "won", "end"),
    [
        (False, True, PaymentFactKind.DISPUTE_WON),
        (False, False, PaymentFactKind.DISPUTE_LOST),
        (True, False, PaymentFactKind.DISPUTE_WON),
    ],
)
def test_a_dispute_is_told_from_beginning_to_end(
    client: Client,
    account: Account,
    simulator: StripeSimulator,
    *,
    inquiry: bool,
    won: bool,
    end: PaymentFactKind,
) -> None:
    client.subscribe(url=HOOK, secret="")
    payment = simulator.pay_outside(9900, "sek")["id"]
    dispute = simulator.dispute(payment, amount=5000, inquiry=inquiry)
    simulator.close_dispute(dispute["id"], won=won)

    facts = facts_sent(simulator, account)

    assert [fact.kind for fact in facts] == [
        PaymentFactKind.CAPTURED,
        PaymentFactKind.DISPUTED,
        end,
    ]
    assert {fact.external_id for fact in facts[1:]} == {dispute["id"]}


def test_a_review_is_read_with_its_payment(
    client: Client, account: Account, simulator: StripeSimulator
) -> None:
    payment = simulator.pay_outside(9900, "sek")["id"]
    review = simulator.review(payment)["id"]

    opened = client.read_payment(payment)[-1]
    simulator.close_review(review)
    closed = client.read_payment(payment)[-1]

    assert [(fact.kind, fact.external_id) for fact in (opened, closed)] == [
        (PaymentFactKind.REVIEW_OPENED, review),
        (PaymentFactKind.REVIEW_CLOSED, review),
    ]


def test_a_payment_from_elsewhere_says_whose_it_may_be(
    client: Client, account: Account, simulator: StripeSimulator
) -> None:
    client.subscribe(url=HOOK, secret="")
    simulator.pay_outside(
        9900, "sek", description="Butik Räksmörgås – order B-1043", metadata={"Order ID": "#1043"}
    )

    (fact,) = facts_sent(simulator, account)
    charge = next(iter(simulator.books["charges"]))

    assert fact.checkout_reference == ""
    assert fact.match_ids == (fact.external_id, charge, "1043", "B-1043")


def test_the_same_start_gives_the_same_ids(clock: Clock) -> None:
    first, second = StripeSimulator(clock), StripeSimulator(clock)

    assert first.pay_outside(1, "sek")["id"] == second.pay_outside(1, "sek")["id"]


def test_the_summary_swears_to_what_was_paid(client: Client, simulator: StripeSimulator) -> None:
    payment = paid(client, simulator)
    client.open_checkout(cart("E-CART-2"))
    simulator.pay_outside(700, "jpy")
    client.refund(refund_of(payment, "20"))

    told = simulator.summary()

    assert [(row["reference"], row["payment_intent"]) for row in told["paid_sessions"]] == [
        ("E-CART-1", payment)
    ]
    assert told["captured"] == {"eur": told["paid_sessions"][0]["amount"], "jpy": 700}
    assert told["refunded"] == {"eur": 2000}
    assert (told["sessions"], told["refunds"]) == (2, 1)
