"""Another shipping method: free until submission; afterwards a request, and an answer."""

from datetime import timedelta

import pytest

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.models import Attempt
from entrepot.canon.messages import Flow
from entrepot.canon.orders import Mode
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.database import clock
from entrepot.events.models import Event
from entrepot.fulfillment import changing, methods
from entrepot.fulfillment.changes import METHOD
from entrepot.fulfillment.methods import CannotChooseMethod
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.orders import services as orders
from entrepot.tasks import deciding, rereading
from entrepot.tasks.asking import find_forgotten
from entrepot.tasks.fulfillment import sweep
from tests.rules.trade import Trade, ask, later, price, snapshot

LEFT_BEFORE = (
    "It left by the former method before its provider could be asked to ship it otherwise:"
    " tell the customer, then release"
)
WHY = "Kundin hat für Eilversand angerufen"


def choose(trade: Trade, method: str, *, number: int = 1) -> FulfillmentOrder:
    share = next(row for row in trade.shares() if row.share == number)
    return methods.choose_method(
        trade.merchant.id, share.id, method=method, by="user:1", reason=WHY
    )


def sent_by(house: ProdigiSimulator) -> list[str]:
    return [order.asked["shippingMethod"] for order in house.orders.values()]


def writes(house: ProdigiSimulator) -> int:
    """How often the house was asked to ship something otherwise."""
    return sum(path.lower().endswith("/updateshippingmethod") for _, path, _ in house.calls)


def asked(trade: Trade) -> list[str]:
    return trade.attempts("change_shipping")


def method_of(trade: Trade, *, number: int = 1) -> tuple[str, str, str]:
    share = next(row for row in trade.shares() if row.share == number)
    return share.shipping_method, share.chosen_method, share.refused_method


@pytest.fixture
def made(trade: Trade, provider: Connection) -> Trade:
    """A trade whose goods the house makes, and has an order of already."""
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    return trade


def test_after_submission_the_provider_is_asked_once_and_its_yes_recorded(
    made: Trade, house: ProdigiSimulator
) -> None:
    choose(made, "Express")
    choose(made, "Express")
    made.work()
    choose(made, "express")
    made.work()

    assert (sent_by(house), writes(house), asked(made)) == (["Express"], 1, ["accepted"])
    assert method_of(made) == ("Express", "Express", "")
    assert made.events(
        "fulfillment_order.shipping_chosen", "fulfillment_order.shipping_answered"
    ) == ["fulfillment_order.shipping_chosen", "fulfillment_order.shipping_answered"]
    with scope.merchant(made.merchant.id):
        chosen = Event.objects.get(name="fulfillment_order.shipping_chosen")
    assert (chosen.data["from"], chosen.data["to"]) == ("Standard", "Express")
    assert (chosen.actor, chosen.reason) == ("user:1", WHY)


def test_what_is_so_already_is_found_and_nothing_is_sent(
    made: Trade, house: ProdigiSimulator
) -> None:
    (there,) = house.orders.values()
    there.asked["shippingMethod"] = "Overnight"  # somebody did it in the house's own pages

    choose(made, "Overnight")
    made.work()

    assert (writes(house), asked(made)) == (0, ["accepted"])
    assert method_of(made) == ("Overnight", "Overnight", "")


def test_a_no_is_a_case_with_the_providers_words_and_is_not_asked_again(
    made: Trade, house: ProdigiSimulator
) -> None:
    made.clock.advance(timedelta(minutes=40))  # a lab has begun
    choose(made, "Express")
    made.work()
    made.tell(later(snapshot(), customer_note="noch etwas"))
    made.work()
    sweep()
    made.work()

    (share,) = made.shares()
    assert made.holds() == [("changed_after_sending", f"{share.id}:shipping")]
    assert made.reasons() == [
        (
            "The provider was asked to ship it otherwise, and it changed nothing:"
            " action not available (ActionNotAvailable)"
        )
    ]
    assert (sent_by(house), writes(house), asked(made)) == (["Standard"], 1, ["rejected"])
    assert method_of(made) == ("Standard", "Express", "Express")


def test_the_case_is_over_when_it_shall_go_as_it_goes_after_all(
    made: Trade, house: ProdigiSimulator
) -> None:
    made.clock.advance(timedelta(minutes=40))
    choose(made, "Express")
    made.work()
    assert len(made.holds()) == 1

    choose(made, "Standard")
    made.work()

    assert (made.holds(), asked(made), writes(house)) == ([], ["rejected"], 1)


def test_a_person_may_have_it_asked_again_after_a_no(made: Trade, house: ProdigiSimulator) -> None:
    made.clock.advance(timedelta(minutes=40))
    choose(made, "Express")
    made.work()

    choose(made, "Express")
    made.work()

    assert (asked(made), writes(house)) == (["rejected", "rejected"], 2)
    with scope.merchant(made.merchant.id):
        found = Attempt.objects.filter(kind="change_shipping").values_list("reference", flat=True)
        assert len(set(found)) == 2


def test_a_word_that_the_provider_does_not_know_is_a_case(
    made: Trade, house: ProdigiSimulator
) -> None:
    choose(made, "Möwenpost")
    made.work()

    assert (sent_by(house), asked(made)) == (["Standard"], ["rejected"])
    assert "MustBeAValidValue" in made.reasons()[0]


def test_three_choices_in_a_row_are_three_requests(made: Trade, house: ProdigiSimulator) -> None:
    for method in ("Express", "Standard", "Express"):
        choose(made, method)
        made.work()

    assert (asked(made), sent_by(house)) == (["accepted"] * 3, ["Express"])


@pytest.mark.parametrize("has_arrived", [True, False])
def test_a_lost_answer_is_looked_up_before_it_is_asked_again(
    made: Trade, house: ProdigiSimulator, has_arrived: bool
) -> None:
    choose(made, "Express")
    if has_arrived:
        house.answers_to_lose = 1
        made.work()
    else:
        call_without_an_answer(made)
    assert asked(made) == ["unknown"]

    ask(made)

    assert (writes(house), asked(made)) == (1, ["accepted"])
    assert (sent_by(house), made.holds()) == (["Express"], [])
    assert method_of(made) == ("Express", "Express", "")


def call_without_an_answer(trade: Trade) -> int:
    """A call that never arrived, and of which nobody knows that; the attempt's id."""
    (share,) = trade.shares()
    decided = changing.intend_change(METHOD, trade.merchant.id, fulfillment_order_id=share.id)
    assert decided is not None
    with scope.merchant(trade.merchant.id):
        lease = attempts.begin_call(decided.lease)
    changing.record_change_unknown(
        trade.merchant.id, share.id, lease=lease, message="keine Antwort"
    )
    return lease.attempt_id


def test_a_lost_answer_about_what_has_left_meanwhile_is_a_case(
    made: Trade, house: ProdigiSimulator
) -> None:
    choose(made, "Express")
    call_without_an_answer(made)
    (there,) = house.orders.values()
    house.finish(there.id)

    ask(made)

    assert (writes(house), asked(made)) == (0, ["rejected"])
    assert made.reasons() == [
        "The provider was asked to ship it otherwise, and it changed nothing: it has left already"
    ]


def test_what_nobody_wants_any_more_is_not_sent_again(made: Trade, house: ProdigiSimulator) -> None:
    choose(made, "Express")
    call_without_an_answer(made)
    choose(made, "Standard")

    ask(made)

    assert (writes(house), sent_by(house), made.holds()) == (0, ["Standard"], [])
    assert asked(made) == ["unknown"]  # a second empty look-up, later, proves it


def test_a_person_may_say_that_it_happened_or_that_it_did_not(
    made: Trade, house: ProdigiSimulator
) -> None:
    choose(made, "Express")
    attempt_id = call_without_an_answer(made)
    with scope.merchant(made.merchant.id):
        word = {"by": "user:1", "reason": "am Telefon gefragt"}
        deciding.decide(made.merchant.id, attempt_id, happened=False, **word)
    made.work()
    assert (asked(made), sent_by(house)) == (["accepted"], ["Express"])

    choose(made, "Overnight")
    attempt_id = call_without_an_answer(made)
    with scope.merchant(made.merchant.id):
        deciding.decide(made.merchant.id, attempt_id, happened=True, **word)
    made.work()

    assert (asked(made), writes(house)) == (["accepted", "accepted"], 1)
    assert method_of(made) == ("Overnight", "Overnight", "")


def test_a_choice_while_it_is_handed_over_is_asked_once_it_has_been(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    price(trade)
    house.answers_to_lose = 1
    trade.work()
    assert trade.statuses() == ["submitted"]

    choose(trade, "Express")
    trade.work()
    assert asked(trade) == []
    ask(trade)
    trade.work()

    assert (trade.attempts("submit"), asked(trade)) == (["accepted"], ["accepted"])
    assert sent_by(house) == ["Express"]


def test_it_waits_while_effects_are_stopped_and_is_asked_afterwards(
    made: Trade, house: ProdigiSimulator
) -> None:
    stop = services.pause_effects(made.merchant.id, mode=Mode.TEST, reason="Inventur", by="user:1")
    choose(made, "Express")
    made.work()
    assert (writes(house), asked(made)) == (0, [])

    services.resume_effects(stop.id, merchant_id=made.merchant.id, by="user:1")
    sweep()
    made.work()

    assert sent_by(house) == ["Express"]


def test_what_leaves_before_anybody_could_ask_is_a_case(
    made: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    stop = services.pause_effects(made.merchant.id, mode=Mode.TEST, reason="Inventur", by="user:1")
    choose(made, "Express")
    (there,) = house.orders.values()
    house.finish(there.id)
    hear(made, provider, there.id)

    assert made.statuses() == ["closed"]
    assert made.reasons() == [LEFT_BEFORE]
    services.resume_effects(stop.id, merchant_id=made.merchant.id, by="user:1")
    sweep()
    made.work()
    assert (writes(house), asked(made)) == (0, [])


def test_what_leaves_while_nobody_asks_although_somebody_meant_to_is_a_case(
    made: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    share = choose(made, "Express")
    meant = changing.intend_change(METHOD, made.merchant.id, fulfillment_order_id=share.id)
    assert meant is not None  # and its worker dies
    (there,) = house.orders.values()
    house.finish(there.id)
    hear(made, provider, there.id)
    assert (made.statuses(), made.reasons()) == (["closed"], [])

    with scope.merchant(made.merchant.id):
        Attempt.objects.filter(id=meant.lease.attempt_id).update(leased_until=clock.now())
    find_forgotten()
    made.work()

    assert (writes(house), asked(made)) == (0, ["not_sent"])
    assert made.reasons() == [LEFT_BEFORE]


def hear(trade: Trade, provider: Connection, external_id: str) -> None:
    """Have the provider's word about its order read."""
    rereading.read_again(
        trade.merchant.id, provider.id, flow=Flow.FULFILLMENTS, external_id=external_id
    )
    trade.work(timedelta(minutes=1))


def test_a_cancelled_share_is_not_changed_and_says_why(
    made: Trade, house: ProdigiSimulator
) -> None:
    order = made.order()
    orders.cancel_units(made.merchant.id, order.id, by="user:1", reason="doch nicht")
    made.work()

    with pytest.raises(CannotChooseMethod, match="it is cancelled"):
        choose(made, "Express")
    assert (writes(house), asked(made)) == (0, [])


@pytest.mark.parametrize(
    ("method", "reason", "why"),
    [("Express", "  ", "say why"), ("  ", WHY, "name the shipping method")],
)
def test_a_choice_needs_a_word_and_a_reason(
    made: Trade, method: str, reason: str, why: str
) -> None:
    (share,) = made.shares()

    with pytest.raises(CannotChooseMethod, match=why):
        methods.choose_method(made.merchant.id, share.id, method=method, by="user:1", reason=reason)

    assert method_of(made) == ("Standard", "", "")
    assert made.events("fulfillment_order.shipping_chosen") == []
