"""Stripe over real HTTP, against its simulator: what each call does, and does only once."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from entrepot.canon.messages import Flow
from entrepot.canon.money import Money
from entrepot.canon.orders import Mode, PaymentWord
from entrepot.canon.payments import CheckoutLine, PaymentFactKind
from entrepot.connect.errors import (
    Conflict,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
    UnexpectedResponse,
)
from entrepot.connect.http import Http
from entrepot.connect.ports import (
    Account,
    Captures,
    OpensCheckouts,
    PulledItem,
    Pulls,
    Refunds,
    Subscribes,
)
from entrepot.connect.simulator import Clock
from entrepot.connectors.stripe.client import OVERLAP, Client, mode_of
from entrepot.connectors.stripe.events import Position, to_page
from entrepot.connectors.stripe.fields import API_VERSION
from entrepot.connectors.stripe.simulator import StripeSimulator
from entrepot.connectors.stripe.tests.conftest import (
    COLOGNE,
    cart,
    news_of,
    normalized,
    order_of,
    paid,
    refund_of,
)
from entrepot.connectors.stripe.webhook import TOPICS

HOOK = "https://hub.example/hooks/7"


def test_the_client_is_what_its_manifest_says(client: Client) -> None:
    for capability in (Pulls, Subscribes, OpensCheckouts, Refunds, Captures):
        assert isinstance(client, capability)


# -- who we are --


def test_a_ping_tells_the_account_and_its_mode(client: Client, simulator: StripeSimulator) -> None:
    found = client.ping()

    assert found.identity == simulator.desk.account["id"]
    assert found.name == "Entrepôt Sandbox"
    assert (found.mode, found.api_version, found.warnings) == (Mode.TEST, API_VERSION, ())


def test_a_key_of_the_other_mode_is_named(account: Account) -> None:
    live = Account(mode=Mode.LIVE, settings=account.settings)
    found = Client(Http(str(account.settings["base_url"])), live).ping()

    assert found.mode is Mode.TEST
    assert found.warnings == ("the key is of test mode, the connection of live",)


@pytest.mark.parametrize(
    ("key", "mode"),
    [
        ("sk_live_1", Mode.LIVE),
        ("rk_live_1", Mode.LIVE),
        ("sk_test_1", Mode.TEST),
        ("pk_test_1", None),
        ("nonsense", None),
    ],
)
def test_a_key_tells_its_mode(key: str, mode: Mode | None) -> None:
    assert mode_of(key) is mode


@pytest.mark.parametrize("key", ["", "nonsense", "sk_test_a b", "sk_test_…", "sk_test_rolled"])
def test_a_wrong_or_expired_key_needs_a_person(
    client_with: Callable[..., Client], simulator: StripeSimulator, key: str
) -> None:
    simulator.expire_key("sk_test_rolled")

    with pytest.raises(Misconfigured):
        client_with(secret_key=key).ping()


def test_a_key_without_a_permission_needs_a_person(
    client_with: Callable[..., Client], simulator: StripeSimulator
) -> None:
    simulator.restrict_key("rk_test_1", paths=("/v1/refunds",))
    restricted = client_with(secret_key="rk_test_1")

    assert restricted.ping().identity
    with pytest.raises(Misconfigured, match="permissions"):
        restricted.refund(refund_of("pi_1", "1"))


# -- checkouts --


def test_a_cart_becomes_a_page_and_then_an_order(
    client: Client, account: Account, simulator: StripeSimulator, clock: Clock
) -> None:
    ends = clock.now() + timedelta(hours=2)
    opened = client.open_checkout(
        cart(
            "E-CART-5", expires_at=ends, discount=Money.of("300", "EUR"), metadata=(("site", "B"),)
        )
    )
    simulator.customer_pays(
        opened.external_id, address=COLOGNE, name="Grüße GmbH", shipping_option=1
    )

    order = order_of(client, account, opened.external_id)

    assert opened.url.endswith(opened.external_id)
    assert opened.expires_at == ends.replace(microsecond=0)
    assert order.checkout_reference == "E-CART-5"
    assert [(line.sku, line.quantity) for line in order.lines] == [("MUG-BLÅ", 3), ("POSTER", 2)]
    assert order.totals.total == Money.of("3900.00", "EUR") + Money.of("5000.00", "EUR") + Money.of(
        "1490.00", "EUR"
    ) - Money.of("300.00", "EUR")
    assert order.shipping_lines[0].method_code == "exp"
    assert order.shipping_address.city == "Köln"
    assert order.payment is PaymentWord.PAID
    assert order.is_test is True


def test_the_same_key_opens_one_page(client: Client, simulator: StripeSimulator) -> None:
    asked = cart(discount=Money.of("25", "EUR"))

    first, second = client.open_checkout(asked), client.open_checkout(asked)

    assert first == second
    assert (len(simulator.books["sessions"]), len(simulator.books["coupons"])) == (1, 1)


def test_a_lost_answer_is_found_again_by_key_and_by_reference(
    client: Client, simulator: StripeSimulator
) -> None:
    simulator.faults.drop_answer = 1.0
    with pytest.raises(OutcomeUnknown):
        client.open_checkout(cart("E-CART-8"))
    simulator.faults.drop_answer = 0.0

    found = client.find_checkout(cart("E-CART-8"))
    repeated = client.open_checkout(cart("E-CART-8"))

    assert found == repeated
    assert list(simulator.books["sessions"]) == [repeated.external_id]
    assert client.find_checkout(cart("E-CART-9")) is None


def test_a_lost_coupon_does_not_stop_the_repetition(
    client: Client, simulator: StripeSimulator
) -> None:
    asked = cart("E-CART-8", discount=Money.of("25", "EUR"))
    simulator.faults.drop_answer = 1.0
    with pytest.raises(OutcomeUnknown):
        client.open_checkout(asked)
    simulator.faults.drop_answer = 0.0
    simulator.clock.advance(timedelta(days=2))  # the key is forgotten, the coupon is not

    opened = client.open_checkout(asked)

    session = simulator.books["sessions"][opened.external_id]
    assert session["total_details"]["amount_discount"] == 2500
    assert len(simulator.books["coupons"]) == 1


def test_another_cart_under_the_same_key_is_a_conflict(
    client: Client, simulator: StripeSimulator
) -> None:
    client.open_checkout(cart())

    with pytest.raises(Conflict) as caught:
        client.open_checkout(cart(success_url="https://butik.example/other"))

    assert caught.value.code == "idempotency_error"
    assert len(simulator.books["sessions"]) == 1


def test_a_key_that_is_still_at_work_leaves_the_outcome_unknown(
    client: Client, simulator: StripeSimulator
) -> None:
    simulator.replays.at_work.add("key of E-CART-1")

    with pytest.raises(OutcomeUnknown, match="in-progress"):
        client.open_checkout(cart())


def test_a_page_is_closed_once_and_a_paid_one_stays_paid(
    client: Client, account: Account, simulator: StripeSimulator
) -> None:
    abandoned = client.open_checkout(cart("E-CART-1")).external_id
    sold = client.open_checkout(cart("E-CART-2")).external_id
    simulator.customer_pays(sold, address=COLOGNE)

    for session in (abandoned, abandoned, sold):
        client.expire_checkout(session)

    assert news_of(client, account, abandoned).outcome == "expired"
    assert news_of(client, account, sold).outcome == "completed"
    with pytest.raises(Rejected):
        client.expire_checkout("cs_test_unknown")


def test_an_amount_that_stripe_cannot_take_never_leaves(
    client: Client, simulator: StripeSimulator
) -> None:
    line = CheckoutLine(sku="OUD", title="عود", quantity=2, unit_price=Money.of("5.124", "KWD"))

    with pytest.raises(Rejected, match="KWD"):
        client.open_checkout(cart(currency="KWD", lines=(line,), shipping_options=()))

    assert simulator.calls == []


def test_stripes_refusal_of_a_cart_is_the_orders_fault(client: Client, clock: Clock) -> None:
    with pytest.raises(Rejected, match="30 minutes") as caught:
        client.open_checkout(cart(expires_at=clock.now() + timedelta(minutes=5)))

    assert caught.value.fault == "order"


def test_a_session_is_read_back_with_all_of_its_lines(
    client: Client, account: Account, simulator: StripeSimulator
) -> None:
    lines = tuple(
        CheckoutLine(
            sku=f"SKU-{number}",
            title=f"Ding № {number}",
            quantity=number % 4 + 1,
            unit_price=Money.of(f"{number}.99", "SEK"),
        )
        for number in range(1, 35)
    )
    opened = client.open_checkout(cart(currency="SEK", lines=lines, shipping_options=()))
    simulator.customer_pays(opened.external_id, address=COLOGNE)

    order = order_of(client, account, opened.external_id)

    assert [(line.sku, line.quantity) for line in order.lines] == [
        (line.sku, line.quantity) for line in lines
    ]


def test_two_pages_of_one_cart_can_both_be_paid(
    client: Client, account: Account, simulator: StripeSimulator
) -> None:
    pages = [client.open_checkout(cart(name)).external_id for name in ("CART-1:a", "CART-1:b")]
    for page in pages:
        simulator.customer_pays(page, address=COLOGNE)

    orders = [order_of(client, account, page) for page in pages]

    assert [order.checkout_reference for order in orders] == ["CART-1:a", "CART-1:b"]
    assert len({order.external_id for order in orders}) == 2
    assert len({order.payment_facts[0].external_id for order in orders}) == 2


# -- captures, refunds, complaints --


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


# -- events --


def pulled(client: Client, clock: Clock, *, limit: int, hours: int = 1) -> list[PulledItem]:
    """All events since some hours ago, page after page."""
    items: list[PulledItem] = []
    since, cursor = clock.now() - timedelta(hours=hours), ""
    while True:
        page = client.pull(Flow.PAYMENTS, cursor=cursor, since=since, limit=limit)
        items += page.items
        if page.is_last:
            assert page.cursor == ""
            assert page.read_until is not None
            assert page.read_until >= clock.now() - timedelta(seconds=2)
            return items
        cursor = page.cursor


def test_polled_events_are_the_webhooks_under_the_same_key(
    client: Client, account: Account, simulator: StripeSimulator, clock: Clock
) -> None:
    client.subscribe(url=HOOK, secret="")
    for number in range(4):
        simulator.pay_outside(1000 + number, "sek", card="4242424242424242")
    simulator.pay_outside(777, "usd", card="4000000000000002")
    bodies = {
        item["id"]: item
        for item in map(_event, [delivery.body for delivery in simulator.due_deliveries()])
    }

    items = pulled(client, clock, limit=3)

    assert {item.dedupe_key for item in items} == set(bodies)
    assert len(items) == len(bodies)
    for item in items:
        assert item.topic == bodies[item.dedupe_key]["type"]
        assert _event(item.body)["data"] == bodies[item.dedupe_key]["data"]
        assert normalized(item.body, account, source="poll")


def test_a_pull_begins_at_its_instant_less_the_overlap(
    client: Client, simulator: StripeSimulator, clock: Clock
) -> None:
    simulator.pay_outside(1000, "sek")
    clock.advance(timedelta(hours=5))
    simulator.pay_outside(2000, "sek")

    before = client.pull(
        Flow.PAYMENTS, cursor="", since=clock.now() - timedelta(hours=5) + OVERLAP / 2, limit=50
    )
    after = client.pull(Flow.PAYMENTS, cursor="", since=clock.now() - timedelta(hours=2), limit=50)

    assert [len(page.items) for page in (before, after)] == [4, 2]


def test_a_pull_has_read_up_to_where_it_began_however_long_it_took() -> None:
    content = b'{"data": [{"id": "evt_9", "type": "x", "created": 500}], "has_more": false}'
    headers = {"date": "Fri, 20 Nov 2026 09:00:00 GMT"}

    first = to_page(content, headers={}, position=Position(since=100))
    told = to_page(content, headers=headers, position=Position(since=100))
    last = to_page(
        content, headers=headers, position=Position(since=100, until=400, after="evt_10")
    )
    empty = to_page(b'{"data": [], "has_more": false}', headers={}, position=Position(since=100))

    assert [page.read_until for page in (first, told, last, empty)] == [
        datetime.fromtimestamp(500, UTC),
        datetime(2026, 11, 20, 9, tzinfo=UTC),
        datetime.fromtimestamp(400, UTC),
        datetime.fromtimestamp(100, UTC),
    ]


@pytest.mark.parametrize("content", [b"<html>", b"[]", b'{"data": [{"id": 1}], "has_more": false}'])
def test_what_is_no_list_of_events_is_not_guessed_at(content: bytes) -> None:
    with pytest.raises(UnexpectedResponse):
        to_page(content, headers={}, position=Position())


def test_a_pull_without_a_beginning_reads_all_there_is(
    client: Client, simulator: StripeSimulator
) -> None:
    simulator.pay_outside(1000, "sek")

    page = client.pull(Flow.PAYMENTS, cursor="", since=None, limit=50)

    assert len(page.items) == 2
    assert page.is_last


def test_a_broken_poll_is_safe_to_repeat(client: Client, simulator: StripeSimulator) -> None:
    for fault, error in (
        ("rate_limited", RateLimited),
        ("server_error", Unavailable),
        ("unreachable", Unavailable),
    ):
        setattr(simulator.faults, fault, 1.0)
        with pytest.raises(error):
            client.pull(Flow.PAYMENTS, cursor="", since=None, limit=5)
        setattr(simulator.faults, fault, 0.0)


def test_what_is_not_there_is_none(client: Client) -> None:
    assert client.fetch(Flow.CHECKOUTS, "cs_test_unknown") is None
    assert client.fetch(Flow.PAYMENTS, "pi_unknown") is None
    assert client.fetch(Flow.PAYMENTS, "ch_unknown") is None


def test_an_unchanged_thing_that_is_read_again_has_the_same_key(
    client: Client, simulator: StripeSimulator
) -> None:
    payment = paid(client, simulator)

    first, second = client.fetch(Flow.PAYMENTS, payment), client.fetch(Flow.PAYMENTS, payment)
    client.refund(refund_of(payment, "20"))
    third = client.fetch(Flow.PAYMENTS, payment)

    assert first == second
    assert first is not None
    assert third is not None
    assert first.dedupe_key != third.dedupe_key


# -- webhooks --


def test_a_webhook_is_registered_once_with_our_version(
    client: Client, simulator: StripeSimulator
) -> None:
    (made,) = client.subscribe(url=HOOK, secret="")
    (kept,) = client.subscribe(url=HOOK, secret=made.secret)

    assert made.secret.startswith("whsec_")
    assert (made.url, made.api_version, made.topics) == (HOOK, API_VERSION, TOPICS)
    assert (kept.external_id, kept.secret) == (made.external_id, "")
    assert client.subscriptions() == [kept]


def test_a_webhook_that_somebody_changed_is_repaired(
    client: Client, simulator: StripeSimulator
) -> None:
    (made,) = client.subscribe(url=HOOK, secret="")
    endpoint = simulator.books["webhook_endpoints"][made.external_id]
    endpoint.update(status="disabled", enabled_events=["charge.succeeded"])

    (repaired,) = client.subscribe(url=HOOK, secret=made.secret)

    assert repaired.external_id == made.external_id
    assert repaired.is_active
    assert repaired.topics == TOPICS


@pytest.mark.parametrize(
    ("_case", "secret", "version"),
    [("its secret is lost", "", API_VERSION), ("another version", "whsec_by_hand", "2017-08-15")],
)
def test_a_webhook_that_cannot_be_repaired_is_replaced_alone(
    client: Client, simulator: StripeSimulator, _case: str, secret: str, version: str
) -> None:
    stranger = simulator.add_endpoint("https://other.example/hook", secret="whsec_x")
    old = simulator.add_endpoint(HOOK, secret="whsec_by_hand")
    old["api_version"] = version

    (made,) = client.subscribe(url=HOOK, secret=secret)

    assert made.secret.startswith("whsec_")
    assert {found.external_id for found in client.subscriptions()} == {
        stranger["id"],
        made.external_id,
    }


def test_removing_an_absent_webhook_changes_nothing(
    client: Client, simulator: StripeSimulator
) -> None:
    (made,) = client.subscribe(url=HOOK, secret="")

    client.unsubscribe(made.external_id)
    client.unsubscribe(made.external_id)

    assert client.subscriptions() == []


def _event(body: bytes) -> dict[str, Any]:
    return dict(json.loads(body))
