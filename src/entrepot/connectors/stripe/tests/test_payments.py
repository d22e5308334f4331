"""Money of a payment: captured, let go, refunded once, and read with all that became of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from entrepot.canon.money import Money
from entrepot.canon.payments import PaymentFactKind
from entrepot.connect.errors import Conflict, OutcomeUnknown, Rejected
from entrepot.connect.ports import Account
from entrepot.connect.simulator import Clock
from entrepot.connectors.stripe.client import Client
from entrepot.connectors.stripe.simulator import StripeSimulator
from entrepot.connectors.stripe.tests.conftest import paid, refund_of


def test_authorized_money_is_taken_once_and_in_part(
    client_with: Callable[..., Client], account: Account, simulator: StripeSimulator
) -> None:
    client = client_with(capture="manual")
    payment = paid(client, simulator)

    facts = [
        client.capture(payment, amount=Money.of("7000", "EUR"), idempotency_key="take")
        for _ in range(2)
    ]

    assert facts[0] == facts[1]
    assert (facts[0].kind, facts[0].amount) == (
        PaymentFactKind.CAPTURED,
        Money.of("7000.00", "EUR"),
    )
    assert client.read_payment(payment) == (facts[0],)
    with pytest.raises(Conflict) as caught:
        client.capture(payment, amount=Money.of("1", "EUR"), idempotency_key="again")
    assert caught.value.code == "payment_intent_unexpected_state"


def test_more_than_was_authorized_is_refused(
    client_with: Callable[..., Client], simulator: StripeSimulator
) -> None:
    client = client_with(capture="manual")
    payment = paid(client, simulator)

    with pytest.raises(Rejected) as caught:
        client.capture(payment, amount=Money.of("99999", "EUR"), idempotency_key="take")

    assert caught.value.code == "amount_too_large"
    assert simulator.books["payment_intents"][payment]["status"] == "requires_capture"


def test_authorized_money_is_let_go(
    client_with: Callable[..., Client], simulator: StripeSimulator
) -> None:
    client = client_with(capture="manual")
    payment = paid(client, simulator)

    fact = client.void(payment, idempotency_key="go")

    assert (fact.kind, fact.external_id) == (PaymentFactKind.VOIDED, payment)
    assert fact == client.void(payment, idempotency_key="go")
    assert [found.kind for found in client.read_payment(payment)] == [PaymentFactKind.VOIDED]


def test_a_refund_happens_once_and_is_found_by_its_reference(
    client: Client, simulator: StripeSimulator
) -> None:
    payment = paid(client, simulator)
    asked = refund_of(payment, "245.50", reason="arrived broken")

    first, second = client.refund(asked), client.refund(asked)

    assert first == second == client.find_refund(asked)
    assert (first.kind, first.amount) == (PaymentFactKind.REFUNDED, Money.of("245.50", "EUR"))
    assert simulator.summary()["refunded"] == {"eur": 24550}
    assert client.find_refund(refund_of(payment, "245.50", "E-REFUND-2")) is None


def test_a_refund_whose_answer_was_lost_is_found(
    client: Client, simulator: StripeSimulator
) -> None:
    payment = paid(client, simulator)
    simulator.faults.drop_answer = 1.0
    with pytest.raises(OutcomeUnknown):
        client.refund(refund_of(payment, "20"))
    simulator.faults.drop_answer = 0.0

    found = client.find_refund(refund_of(payment, "20"))

    assert found is not None
    assert found == client.refund(refund_of(payment, "20"))
    assert simulator.summary()["refunded"] == {"eur": 2000}


def test_a_refund_is_found_behind_a_hundred_others(
    client: Client, simulator: StripeSimulator
) -> None:
    payment = simulator.pay_outside(1_000_000, "eur")["id"]
    first = client.refund(refund_of(payment, "20"))
    for _ in range(230):
        simulator.refund_in_dashboard(payment, amount=7)

    assert client.find_refund(refund_of(payment, "20")) == first
    assert len(client.read_payment(payment)) == 1 + 231


def test_garbage_after_a_write_leaves_the_outcome_unknown(
    client: Client, simulator: StripeSimulator
) -> None:
    payment = paid(client, simulator)
    simulator.faults.garbage = 1.0

    with pytest.raises(OutcomeUnknown):
        client.refund(refund_of(payment, "20"))

    assert simulator.summary()["refunded"] == {"eur": 2000}


@pytest.mark.parametrize("does_work", [True, False])
def test_a_remembered_500_is_answered_again_and_settled_by_looking(
    client: Client, simulator: StripeSimulator, *, does_work: bool
) -> None:
    payment = paid(client, simulator)
    simulator.break_next_write(does_work=does_work)

    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            client.refund(refund_of(payment, "20"))

    assert (client.find_refund(refund_of(payment, "20")) is not None) is does_work
    assert simulator.summary()["refunded"] == ({"eur": 2000} if does_work else {})


def test_more_than_is_left_cannot_be_refunded(client: Client, simulator: StripeSimulator) -> None:
    payment = paid(client, simulator)
    everything = str(simulator.books["payment_intents"][payment]["amount"] // 100)
    client.refund(refund_of(payment, "20"))

    with pytest.raises(Rejected, match="greater than unrefunded"):
        client.refund(refund_of(payment, everything, "E-REFUND-2"))
    simulator.refund_in_dashboard(payment)
    with pytest.raises(Conflict) as caught:
        client.refund(refund_of(payment, "1", "E-REFUND-3"))

    assert caught.value.code == "charge_already_refunded"


@pytest.mark.parametrize(
    ("_case", "card", "first", "after_hours", "last"),
    [
        ("fails", "4000000000005126", "refunded", 3, "refund_failed"),
        ("takes its time", "4000000000007726", "refund_pending", 2, "refunded"),
    ],
)
def test_a_refund_that_ends_later_is_told_later(
    client: Client,
    simulator: StripeSimulator,
    clock: Clock,
    *,
    _case: str,
    card: str,
    first: str,
    after_hours: int,
    last: str,
) -> None:
    payment = paid(client, simulator, card=card)

    receipt = client.refund(refund_of(payment, "20"))
    clock.advance(timedelta(hours=after_hours))
    found = client.find_refund(refund_of(payment, "20"))

    assert receipt.kind == first
    assert found is not None
    assert (found.external_id, found.kind) == (receipt.external_id, last)


def test_a_payment_is_read_with_all_that_became_of_it(
    client: Client, simulator: StripeSimulator
) -> None:
    payment = paid(client, simulator, card="4000000000009235")
    for number in range(13):
        client.refund(refund_of(payment, f"{number + 1}", f"E-REFUND-{number}"))
    dispute = simulator.dispute(payment, amount=4000, inquiry=True)

    facts = client.read_payment(payment)

    assert [fact.kind for fact in facts] == [
        PaymentFactKind.CAPTURED,
        *[PaymentFactKind.REFUNDED] * 13,
        PaymentFactKind.DISPUTED,
        PaymentFactKind.REVIEW_OPENED,
    ]
    assert {fact.payment_external_id for fact in facts} == {payment}
    assert facts[-2].external_id == dispute["id"]
    assert facts[-2].reason == "fraudulent, an inquiry"
    assert client.read_payment("pi_unknown") == ()


def test_a_charge_leads_to_its_payment(client: Client, simulator: StripeSimulator) -> None:
    payment = paid(client, simulator)
    charge = simulator.charge_of(payment)["id"]

    assert client.read_payment(charge) == client.read_payment(payment)
