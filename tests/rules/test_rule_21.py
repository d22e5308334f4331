"""Rule 21: the customer's address is sent as typed; after submission a change is a request."""

from dataclasses import replace
from datetime import timedelta

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.canon.messages import Flow
from entrepot.canon.orders import Mode
from entrepot.canon.places import Address
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.customers.queries import address_of
from entrepot.database import clock
from entrepot.fulfillment import changing, readdressing
from entrepot.fulfillment.changes import RECIPIENT
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.planning import plan_order
from entrepot.orders import services as orders
from entrepot.tasks import rereading
from entrepot.tasks.asking import find_forgotten
from entrepot.tasks.fulfillment import sweep
from tests.rules.trade import BUYER, HOME, Trade, ask, buyer, connect, later, snapshot

MOVED = replace(HOME, line1="Gänsemarkt 9/Ø", city="Hamburg", postal_code="20354", phone="+49401")
LEFT_BEFORE = (
    "It left for the former address before its provider could be asked to send it elsewhere:"
    " have its carrier redirect it, or tell the customer, then release"
)
TYPED = replace(HOME, line1="straße d. möwen 7 !!", city="köln - nippes", phone="+49221")


def sent(trade: Trade, house: ProdigiSimulator) -> list[str]:
    return [order.asked["recipient"]["address"]["line1"] for order in house.orders.values()]


def move(trade: Trade, address: Address, *, external_id: str = "10482") -> None:
    orders.change_address(
        trade.merchant.id,
        trade.order(external_id).id,
        address=address,
        by="user:1",
        reason="Kundin ist umgezogen",
    )


def test_what_was_typed_is_sent_and_kept_beside_what_a_person_accepts(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    services.pause(provider.id, merchant_id=trade.merchant.id, reason="noch nicht")
    told = snapshot("b", shipping_address=TYPED, customer=buyer(2))
    trade.tell(snapshot("a", shipping_address=TYPED), told)
    move(trade, HOME, external_id="b")
    trade.tell(later(told, customer_note="bitte klingeln"))
    services.resume(provider.id, merchant_id=trade.merchant.id, reason="jetzt")
    trade.work(timedelta(minutes=1))

    assert sorted(sent(trade, house)) == sorted([TYPED.line1, HOME.line1])
    order = trade.order("b")
    with scope.merchant(trade.merchant.id):
        assert address_of(order.typed_address_id) == TYPED
        assert address_of(order.address_id) == HOME


def test_only_what_nobody_could_deliver_to_blocks(trade: Trade, provider: Connection) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    odd = replace(HOME, postal_code="", region="???", city="")
    trade.tell(
        snapshot("odd", shipping_address=odd),
        snapshot("nameless", shipping_address=replace(HOME, name="", line1="")),
    )
    trade.work()

    assert trade.holds("nameless") == [("address_refused", "")]
    assert trade.reasons("nameless") == ["The address lacks a name and a street"]
    # The house itself refuses a letter without a town: its word, not our guess.
    assert [kind for kind, _ in trade.holds("odd")] == ["address_refused"]
    assert trade.attempts("submit") == ["rejected"]


def test_a_change_before_submission_asks_nobody(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    services.pause(provider.id, merchant_id=trade.merchant.id, reason="noch nicht")
    trade.tell(snapshot())
    trade.work()
    move(trade, MOVED)
    services.resume(provider.id, merchant_id=trade.merchant.id, reason="jetzt")
    trade.work(timedelta(minutes=1))

    assert (sent(trade, house), trade.attempts("change_recipient")) == ([MOVED.line1], [])


def test_a_change_after_submission_is_asked_of_the_provider_and_its_yes_recorded(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    move(trade, MOVED)
    trade.work()

    (share,) = trade.shares()
    assert sent(trade, house) == [MOVED.line1]
    assert trade.attempts("change_recipient") == ["accepted"]
    assert share.sent_address_id == trade.order().address_id
    assert trade.events("fulfillment_order.readdressed") == ["fulfillment_order.readdressed"]
    (ordered,) = house.orders.values()
    assert ordered.asked["recipient"]["email"] == BUYER.email


def test_an_edit_in_the_shop_is_asked_of_the_provider_as_well(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    trade.tell(later(snapshot(), shipping_address=MOVED))
    trade.work()

    assert (sent(trade, house), trade.holds()) == ([MOVED.line1], [])


def test_a_no_is_a_case_for_a_person_with_the_providers_words_and_is_not_asked_again(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    trade.clock.advance(timedelta(minutes=40))  # a lab has begun
    move(trade, MOVED)
    trade.work()
    trade.tell(later(snapshot(), customer_note="noch etwas"))
    trade.work()

    (share,) = trade.shares()
    assert trade.holds() == [("changed_after_sending", f"{share.id}:address")]
    assert trade.reasons() == [
        (
            "The provider was asked to send it elsewhere, and it changed nothing:"
            " action not available (ActionNotAvailable)"
        )
    ]
    assert (sent(trade, house), trade.attempts("change_recipient")) == ([HOME.line1], ["rejected"])


def test_the_case_is_over_when_it_shall_go_where_it_goes_after_all(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    trade.clock.advance(timedelta(minutes=40))
    move(trade, MOVED)
    trade.work()
    assert len(trade.holds()) == 1

    move(trade, HOME)
    trade.work()

    assert (trade.holds(), trade.attempts("change_recipient")) == ([], ["rejected"])


def test_there_and_back_and_there_again_are_three_requests(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    for address in (MOVED, HOME, MOVED):
        move(trade, address)
        trade.work()

    assert trade.attempts("change_recipient") == ["accepted"] * 3
    assert sent(trade, house) == [MOVED.line1]
    with scope.merchant(trade.merchant.id):
        references = Attempt.objects.filter(kind="change_recipient").values_list("reference")
        assert len(set(references)) == 3


def test_a_lost_answer_is_looked_up_before_it_is_asked_again(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    house.answers_to_lose = 1
    move(trade, MOVED)
    trade.work()
    assert trade.attempts("change_recipient") == ["unknown"]
    trade.clock.advance(timedelta(minutes=40))  # asked again, the house would say no by now

    ask(trade)

    assert trade.attempts("change_recipient") == ["accepted"]
    assert (sent(trade, house), trade.holds()) == ([MOVED.line1], [])


def test_it_waits_while_effects_are_stopped_and_is_asked_afterwards(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    stop = services.pause_effects(trade.merchant.id, mode=Mode.TEST, reason="Inventur", by="user:1")
    move(trade, MOVED)
    trade.work()
    assert (sent(trade, house), trade.attempts("change_recipient")) == ([HOME.line1], [])

    services.resume_effects(stop.id, merchant_id=trade.merchant.id, by="user:1")
    sweep()
    trade.work()

    assert sent(trade, house) == [MOVED.line1]


def test_a_provider_that_cannot_change_it_is_a_case_for_a_person(trade: Trade) -> None:
    cannot = connect(trade.merchant, "by_hand")
    trade.made_by(cannot, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    (share,) = plan_order(trade.merchant.id, trade.order().id)
    with scope.merchant(trade.merchant.id):
        FulfillmentOrder.objects.filter(id=share.id).update(
            status="accepted", external_id="x-1", sent_address_id=trade.order().address_id
        )
    move(trade, MOVED)
    trade.work()

    assert readdressing.shares_elsewhere(trade.merchant.id, [trade.order().id]) == []
    assert trade.reasons() == [
        "The provider was asked to send it elsewhere, and it cannot change where an order goes"
    ]


def leave(trade: Trade, provider: Connection, house: ProdigiSimulator) -> None:
    """Have the goods leave the house, and its word about that read."""
    (there,) = house.orders.values()
    house.finish(there.id)
    rereading.read_again(
        trade.merchant.id, provider.id, flow=Flow.FULFILLMENTS, external_id=there.id
    )
    trade.work(timedelta(minutes=1))


def test_what_leaves_for_the_former_address_before_anybody_could_ask_is_a_case(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    stop = services.pause_effects(trade.merchant.id, mode=Mode.TEST, reason="Inventur", by="user:1")
    move(trade, MOVED)
    leave(trade, provider, house)

    (share,) = trade.shares()
    assert (share.status, trade.reasons()) == ("closed", [LEFT_BEFORE])
    assert trade.holds() == [("changed_after_sending", f"{share.id}:address")]

    services.resume_effects(stop.id, merchant_id=trade.merchant.id, by="user:1")
    sweep()
    trade.work()
    assert (sent(trade, house), trade.attempts("change_recipient")) == ([HOME.line1], [])


def test_what_leaves_while_its_asker_is_dead_is_a_case(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    (share,) = trade.shares()
    move(trade, MOVED)
    meant = changing.intend_change(RECIPIENT, trade.merchant.id, fulfillment_order_id=share.id)
    assert meant is not None  # and its worker dies
    leave(trade, provider, house)
    assert (trade.statuses(), trade.reasons()) == (["closed"], [])

    with scope.merchant(trade.merchant.id):
        Attempt.objects.filter(id=meant.lease.attempt_id).update(leased_until=clock.now())
    find_forgotten()
    trade.work()

    assert (sent(trade, house), trade.attempts("change_recipient")) == ([HOME.line1], ["not_sent"])
    assert trade.reasons() == [LEFT_BEFORE]


def test_an_address_that_changes_once_all_has_left_is_no_case(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    leave(trade, provider, house)

    move(trade, MOVED)
    trade.work()

    assert (trade.holds(), trade.attempts("change_recipient")) == ([], [])
