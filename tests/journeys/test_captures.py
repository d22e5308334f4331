"""A payment that is only authorized is captured or voided by a person's wish, once."""

from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts import services as attempts
from entrepot.attempts.models import Attempt
from entrepot.canon.orders import Mode
from entrepot.catalog import services as catalog
from entrepot.connections import services as connections
from entrepot.connections.models import Connection
from entrepot.connectors.stripe.simulator import StripeSimulator
from entrepot.dashboard.reading.explaining import Explanation, explain
from entrepot.events.models import Event
from entrepot.obligations.models import Obligation
from entrepot.orders import services as orders
from entrepot.orders.models import Order
from entrepot.payments import authorizations
from entrepot.payments.authorizations import CannotSettle
from entrepot.payments.models import PaymentEntry, PaymentWish
from entrepot.payments.states import WishKind
from entrepot.tasks import captures, deciding, reconciling
from tests.journeys.conftest import World
from tests.journeys.test_checkout import ADDRESS, sell

pytestmark = pytest.mark.journey

CAPTURE, VOID = WishKind.CAPTURE, WishKind.VOID


@pytest.fixture
def page(world: World) -> StripeSimulator:
    found = world.simulators["stripe"]
    assert isinstance(found, StripeSimulator)
    return found


@pytest.fixture
def waiting(world: World, mapped: dict[str, Connection], page: StripeSimulator) -> Order:
    """An order whose payment of 9900 JPY is authorized, not captured."""
    gateway = world.connect("stripe")
    connections.change_settings(
        gateway.id, merchant_id=world.merchant.id, settings={"capture": "manual"}
    )
    map_shipping(world, gateway, mapped["house"])
    _, session_id = sell(world, gateway)
    page.customer_pays(session_id, address=ADDRESS, name="さくら 花子")
    world.settle(ahead=timedelta(minutes=2))
    return order_of(world)


def map_shipping(world: World, gateway: Connection, house: Connection) -> None:
    catalog.map_shipping(
        world.merchant.id,
        storefront_id=gateway.id,
        provider_connection_id=house.id,
        method_code="*",
        provider_method="Standard",
    )


def order_of(world: World) -> Order:
    with scope.merchant(world.merchant.id):
        return Order.objects.get()


def want(world: World, order: Order, kind: WishKind, *, reason: str = "発送の前に") -> PaymentWish:
    return authorizations.want(world.merchant.id, order.id, kind=kind, by="user:1", reason=reason)


def wishes(world: World) -> list[tuple[str, str]]:
    with scope.merchant(world.merchant.id):
        return list(PaymentWish.objects.order_by("number").values_list("kind", "status"))


def attempts_of(world: World) -> list[tuple[str, str]]:
    with scope.merchant(world.merchant.id):
        rows = Attempt.objects.filter(kind__in=["capture", "void"]).order_by("id")
        return list(rows.values_list("kind", "status"))


def told(world: World, *kinds: str) -> list[tuple[str, Decimal]]:
    with scope.merchant(world.merchant.id):
        rows = PaymentEntry.objects.filter(kind__in=kinds).order_by("id")
        return list(rows.values_list("kind", "amount"))


def promises(world: World) -> list[tuple[str, str]]:
    with scope.merchant(world.merchant.id):
        rows = Obligation.objects.filter(kind__in=["capture", "void"]).order_by("id")
        return list(rows.values_list("kind", "end"))


def explained(world: World, order: Order) -> Explanation:
    with scope.merchant(world.merchant.id):
        return explain(order.id)


def intent_of(page: StripeSimulator) -> dict[str, object]:
    (intent,) = page.books["payment_intents"].values()
    return dict(intent)


def writes(page: StripeSimulator, ending: str) -> int:
    return sum(1 for method, path, _ in page.calls if method == "POST" and path.endswith(ending))


def test_an_authorized_payment_waits_and_its_capture_releases_the_order(
    world: World, waiting: Order, page: StripeSimulator
) -> None:
    said = explained(world, waiting)
    assert (waiting.payment_status, waiting.released_at) == ("authorized", None)
    assert "authorized, not captured" in said.sentence
    assert said.choices[:2] == ("Capture", "Void")
    assert world.house.books["orders"] == {}

    want(world, waiting, CAPTURE)
    world.settle(ahead=timedelta(minutes=2))

    order = order_of(world)
    assert (order.payment_status, order.released_by) == ("paid", "paid")
    assert intent_of(page)["status"] == "succeeded"
    assert told(world, "captured", "voided") == [("captured", Decimal(9900))]
    assert attempts_of(world) == [("capture", "accepted")]
    assert (wishes(world), promises(world)) == ([("capture", "done")], [("capture", "met")])
    assert len(world.house.books["orders"]) == 1
    with scope.merchant(world.merchant.id):
        assert Event.objects.filter(name="payment.captured").count() == 1


def test_the_same_wish_twice_is_one_wish_and_the_other_is_refused(
    world: World, waiting: Order, page: StripeSimulator
) -> None:
    first = want(world, waiting, CAPTURE)
    second = want(world, waiting, CAPTURE, reason="もう一度")
    with pytest.raises(CannotSettle, match="a capture of it is under way"):
        want(world, waiting, VOID)
    for _ in range(2):
        captures.capture(merchant_id=world.merchant.id, subject_id=first.id)
    world.settle(ahead=timedelta(minutes=2))

    assert second.id == first.id
    assert attempts_of(world) == [("capture", "accepted")]
    assert told(world, "captured") == [("captured", Decimal(9900))]
    with pytest.raises(CannotSettle, match="no payment of it is authorized"):
        want(world, order_of(world), CAPTURE)


def call_without_an_answer(world: World, wish: PaymentWish) -> None:
    """A call that never arrived, and of which nobody knows that."""
    intended = authorizations.intend(world.merchant.id, wish.id)
    assert intended is not None
    with scope.merchant(world.merchant.id):
        lease = attempts.begin_call(intended[1])
    authorizations.record_unknown(world.merchant.id, wish.id, lease=lease, message="keine Antwort")


@pytest.mark.parametrize("has_arrived", [True, False])
def test_a_lost_answer_is_looked_up_before_anything_is_sent_again(
    world: World, waiting: Order, page: StripeSimulator, has_arrived: bool
) -> None:
    page.faults.lose_webhook = 1.0
    wish = want(world, waiting, CAPTURE)
    if has_arrived:
        page.break_next_write(does_work=True)
        world.run_jobs()
    else:
        call_without_an_answer(world, wish)
    assert attempts_of(world) == [("capture", "unknown")]
    assert wishes(world) == [("capture", "wanted")]

    world.ask()

    assert writes(page, "/capture") == 1
    assert attempts_of(world) == [("capture", "accepted")]
    assert told(world, "captured") == [("captured", Decimal(9900))]
    assert (wishes(world), promises(world)) == ([("capture", "done")], [("capture", "met")])
    world.settle(ahead=timedelta(minutes=2))
    assert order_of(world).released_by == "paid"


def test_a_person_may_say_what_became_of_it_and_the_gateways_word_is_no_second_capture(
    world: World, waiting: Order, page: StripeSimulator
) -> None:
    page.break_next_write(does_work=True)
    want(world, waiting, CAPTURE)
    world.run_jobs()
    with scope.merchant(world.merchant.id):
        attempt = Attempt.objects.get(kind="capture")
        deciding.decide(
            world.merchant.id, attempt.id, happened=True, by="user:1", reason="im Dashboard gesehen"
        )
    world.settle(ahead=timedelta(minutes=2))

    assert attempts_of(world) == [("capture", "accepted")]
    assert told(world, "captured") == [("captured", Decimal(9900))]
    assert (wishes(world), order_of(world).payment_status) == ([("capture", "done")], "paid")


def test_an_authorization_that_ran_out_is_refused_and_the_order_says_so(
    world: World, waiting: Order, page: StripeSimulator
) -> None:
    page.faults.lose_webhook = 1.0
    world.clock.advance(timedelta(days=8))
    page.tick()

    want(world, waiting, CAPTURE)
    world.run_jobs()

    order = order_of(world)
    assert attempts_of(world) == [("capture", "rejected")]
    assert told(world, "captured", "voided") == [("voided", Decimal(9900))]
    assert (wishes(world), promises(world)) == ([("capture", "failed")], [("capture", "void")])
    assert (order.payment_status, order.released_at) == ("unpaid", None)
    with scope.merchant(world.merchant.id):
        assert "given up at the gateway" in PaymentWish.objects.get().message
    with pytest.raises(CannotSettle, match="no payment of it is authorized"):
        want(world, order, CAPTURE)


def test_a_refused_capture_stays_owed_and_may_be_wanted_again(
    world: World, waiting: Order, page: StripeSimulator
) -> None:
    with scope.merchant(world.merchant.id):
        PaymentEntry.objects.filter(kind="authorized").update(amount=Decimal(99_000))
    want(world, waiting, CAPTURE)
    world.run_jobs()
    assert attempts_of(world) == [("capture", "rejected")]
    assert (wishes(world), promises(world)) == ([("capture", "failed")], [("capture", "")])
    assert "amount_too_large" in explained(world, waiting).sentence

    with scope.merchant(world.merchant.id):
        PaymentEntry.objects.filter(kind="authorized").update(amount=Decimal(9900))
    want(world, waiting, CAPTURE)
    world.settle(ahead=timedelta(minutes=2))

    assert attempts_of(world) == [("capture", "rejected"), ("capture", "accepted")]
    assert promises(world) == [("capture", "void"), ("capture", "met")]
    assert order_of(world).payment_status == "paid"


def test_a_cancelled_order_is_voided_and_not_captured(
    world: World, waiting: Order, page: StripeSimulator
) -> None:
    early = want(world, waiting, CAPTURE)
    orders.cancel_units(world.merchant.id, waiting.id, by="user:1", reason="注文の取り消し")
    captures.capture(merchant_id=world.merchant.id, subject_id=early.id)
    assert (wishes(world), attempts_of(world)) == ([("capture", "failed")], [])
    with pytest.raises(CannotSettle, match="void the payment instead"):
        want(world, order_of(world), CAPTURE)
    assert "Void" in explained(world, waiting).choices

    want(world, order_of(world), VOID)
    world.settle(ahead=timedelta(minutes=2))

    assert intent_of(page)["status"] == "canceled"  # typos: meant
    assert attempts_of(world) == [("void", "accepted")]
    assert told(world, "captured", "voided") == [("voided", Decimal(9900))]
    assert wishes(world) == [("capture", "failed"), ("void", "done")]
    assert world.house.books["orders"] == {}


def test_a_void_of_what_was_captured_there_is_refused(
    world: World, waiting: Order, page: StripeSimulator
) -> None:
    page.faults.lose_webhook = 1.0
    page.capture_in_dashboard(str(intent_of(page)["id"]))

    want(world, waiting, VOID)
    world.run_jobs()

    assert attempts_of(world) == [("void", "rejected")]
    assert wishes(world) == [("void", "failed")]
    assert told(world, "captured", "voided") == [("captured", Decimal(9900))]
    assert order_of(world).released_by == "paid"


def test_paused_effects_let_it_wait_and_a_capture_by_others_ends_the_wish(
    world: World, waiting: Order, page: StripeSimulator
) -> None:
    connections.pause_effects(
        world.merchant.id, mode=Mode.TEST, flow="refunds", reason="Inventur", by="user:1"
    )
    want(world, waiting, CAPTURE)
    world.settle(ahead=timedelta(minutes=2))
    assert (attempts_of(world), wishes(world)) == ([], [("capture", "wanted")])
    assert "Inventur" in explained(world, waiting).sentence

    page.capture_in_dashboard(str(intent_of(page)["id"]))
    world.settle(ahead=timedelta(minutes=2))

    assert (attempts_of(world), wishes(world)) == ([], [("capture", "done")])
    assert promises(world) == [("capture", "met")]
    assert order_of(world).released_by == "paid"


def test_history_is_left_alone(world: World, waiting: Order) -> None:
    with scope.merchant(world.merchant.id):
        Order.objects.update(is_history=True)

    with pytest.raises(CannotSettle, match="before go-live"):
        want(world, order_of(world), CAPTURE)
    assert wishes(world) == []


def test_another_merchant_has_no_wish_about_it(
    world: World, waiting: Order, other_merchant: Merchant
) -> None:
    with pytest.raises(Order.DoesNotExist):
        authorizations.want(
            other_merchant.id, waiting.id, kind=CAPTURE, by="user:9", reason="fremd"
        )

    wish = want(world, waiting, CAPTURE)
    with pytest.raises(PaymentWish.DoesNotExist):
        authorizations.intend(other_merchant.id, wish.id)


@pytest.mark.parametrize("kind", [CAPTURE, VOID])
def test_reconciling_looks_a_wish_up_and_sends_nothing(
    world: World, waiting: Order, page: StripeSimulator, kind: WishKind
) -> None:
    """Of a copy that was made before the other hub carried it out."""
    page.faults.lose_webhook = 1.0
    connections.pause_effects(
        world.merchant.id, mode=Mode.TEST, flow="refunds", reason="復元", by="user:1"
    )
    want(world, waiting, kind)
    before = reconciling.reconcile_all(is_copy=True)
    assert (before.captures, attempts_of(world)) == (0, [])

    payment = str(intent_of(page)["id"])
    if kind is CAPTURE:
        page.capture_in_dashboard(payment)
    else:
        page.cancel_in_dashboard(payment)
    after = reconciling.reconcile_all(is_copy=True)

    assert (after.captures, after.failed) == (1, [])
    assert attempts_of(world) == [(str(kind), "accepted")]
    assert (wishes(world), promises(world)) == ([(str(kind), "done")], [(str(kind), "met")])
    assert (writes(page, "/capture"), writes(page, "/cancel")) == (0, 0)


def test_reconciling_leaves_what_cannot_be_taken_to_its_own_job(
    world: World, waiting: Order, page: StripeSimulator
) -> None:
    page.faults.lose_webhook = 1.0
    want(world, waiting, CAPTURE)
    with scope.merchant(world.merchant.id):
        PaymentWish.objects.update(payment_external_id="pi_unknown")

    done = reconciling.reconcile_all(is_copy=True)

    assert (done.captures, done.failed) == (0, [])
    assert (attempts_of(world), wishes(world)) == ([], [("capture", "wanted")])
