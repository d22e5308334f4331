"""Rule 10: the outside reference derives from the sale, so that two databases collide outside."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts.models import Attempt
from entrepot.attempts.services import begin_call
from entrepot.attempts.states import LeaseLost
from entrepot.canon.orders import Mode
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.references import idempotency_key, share_reference
from entrepot.fulfillment.reship import CannotReship, ReshippedMeanwhile, reship
from entrepot.monitoring import installation
from entrepot.monitoring.installation import Place
from entrepot.notifications.attempting import MailCall, intend_mail
from entrepot.notifications.facts import RELEASED
from entrepot.notifications.models import Mail
from entrepot.notifications.services import News, decide_mail
from entrepot.notifications.states import Kind
from entrepot.orders.models import Hold
from entrepot.tasks.reconciling import reconcile_all
from entrepot.tasks.submission import submit_now
from tests.cli.shell import run
from tests.rules.trade import SHOP_ACCOUNT, Trade, connect, later, line, snapshot

HERE = Place(public_url="https://hub.moewe.example", folder=None, host="keller-1")


@pytest.fixture
def _remembers_nothing() -> Iterator[None]:
    installation.forget()
    yield
    installation.forget()


def at_house(house: ProdigiSimulator) -> list[str]:
    return sorted(order.reference for order in house.orders.values())


def copied(
    merchant: Merchant, house: ProdigiSimulator, run_jobs: Callable[..., int]
) -> tuple[Trade, Connection]:
    """The same shop and the same print house, as another database has them."""
    copy = Trade(
        merchant=merchant,
        shop=connect(merchant, "woocommerce", account=SHOP_ACCOUNT),
        run_jobs=run_jobs,
    )
    theirs = services.add_connection(
        merchant.id,
        platform="prodigi",
        mode=Mode.TEST,
        name="Druckhaus Ærø",
        settings={"api_key": "prodigi-sandbox-key", "base_url": f"{house.callback_url}/v4.0"},
    )
    return copy, services.go_live(theirs.id, merchant_id=merchant.id)


def test_a_reference_says_the_sale_and_nothing_of_our_rows(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3")
    trade.by_hand("POST-12")
    trade.tell(snapshot("10482"))
    trade.work()

    sale = {"account": SHOP_ACCOUNT, "mode": "test", "external_id": "10482"}
    (mine,) = [share for share in trade.shares() if not share.is_by_hand]
    assert at_house(house) == [f"test!möwe.example/10482/{mine.share}/1"]
    (ordered,) = house.orders.values()
    assert ordered.key == idempotency_key("submit", **sale, share=mine.share, generation=1)


def test_every_part_of_the_identity_makes_another_name_and_none_is_too_long() -> None:
    sale = {"account": SHOP_ACCOUNT, "mode": "test", "external_id": "1", "share": 1}
    sale = {**sale, "generation": 1}
    others = {
        "account": "woocommerce:berg.example",
        "mode": "live",
        "external_id": "11",
        "share": 2,
        "generation": 2,
    }
    names = {share_reference(**{**sale, name: other}) for name, other in others.items()}  # type: ignore[arg-type]
    long = [share_reference(**{**sale, "account": "a:" + "ö" * 80 + end}) for end in "xy"]  # type: ignore[arg-type]

    assert len(names | {share_reference(**sale)}) == 6  # type: ignore[arg-type]
    assert len(set(long)) == 2
    assert all(len(name) <= 60 for name in long)


def test_two_databases_with_the_same_sale_make_one_order_outside(
    trade: Trade,
    provider: Connection,
    house: ProdigiSimulator,
    other_merchant: Merchant,
    run_jobs: Callable[..., int],
) -> None:
    copy, theirs = copied(other_merchant, house, run_jobs)
    for one, place in ((trade, provider), (copy, theirs)):
        one.made_by(place, "MOEWE-A3", "POST-12")
        one.tell(snapshot())
        one.work()

    assert at_house(house) == ["test!möwe.example/10482/1/1"]
    assert (trade.statuses(), copy.statuses()) == (["accepted"], ["accepted"])
    ids = {share.external_id for one in (trade, copy) for share in one.shares()}
    assert len(ids) == 1


def test_a_replacement_is_a_fact_with_a_reason_and_an_order_of_its_own(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    (share,) = trade.shares()
    with scope.merchant(trade.merchant.id):
        item = share.items.get(sku="POST-12")

    with pytest.raises(CannotReship, match="say why"):
        reship(trade.merchant.id, share.id, by="user:1", reason="  ", units={item.id: 2})
    with pytest.raises(CannotReship, match="4 units"):
        reship(trade.merchant.id, share.id, by="user:1", reason="Bruch", units={item.id: 4})
    reship(trade.merchant.id, share.id, by="user:1", reason="Bruch", units={item.id: 2})
    trade.work()

    assert at_house(house) == [f"test!möwe.example/10482/{number}/1" for number in (1, 2)]
    again = max(house.orders.values(), key=lambda order: order.reference)
    assert [item["copies"] for item in again.items] == [2]
    assert trade.events("fulfillment_order.replaced") == ["fulfillment_order.replaced"]
    with scope.merchant(trade.merchant.id):
        replacement = FulfillmentOrder.objects.get(replaces_id=share.id)
    assert (replacement.replacement_reason, replacement.status) == ("Bruch", "accepted")
    assert trade.order().units_ordered == 5  # sent again, not sold again


def test_a_replacement_that_was_asked_for_twice_is_made_once(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    (share,) = trade.shares()
    with scope.merchant(trade.merchant.id):
        units = {share.items.get(sku="POST-12").id: 2}

    def ask(reason: str, units: dict[int, int], after: int) -> int:
        made = reship(
            trade.merchant.id, share.id, by="user:1", reason=reason, units=units, after=after
        )
        return made.share

    numbers = [ask("Bruch", units, 0) for _ in range(2)]
    with pytest.raises(ReshippedMeanwhile, match="“Bruch”") as told:
        ask("Wasserschaden", units, 0)
    with pytest.raises(ReshippedMeanwhile):
        ask("Bruch", dict.fromkeys(units, 3), 0)
    numbers.append(ask("Bruch", units, told.value.last))
    trade.work()

    assert numbers == [2, 2, 3]
    assert at_house(house) == [f"test!möwe.example/10482/{number}/1" for number in (1, 2, 3)]


def test_what_has_not_been_sent_cannot_be_sent_again(
    trade: Trade,
) -> None:
    trade.made_by(connect(trade.merchant, "prodigi", status="paused"), "MOEWE-A3")
    trade.tell(snapshot("1", line("MOEWE-A3", 2)))
    trade.work()
    (share,) = trade.shares("1")

    with pytest.raises(CannotReship, match="it is open"):
        reship(trade.merchant.id, share.id, by="user:1", reason="Bruch")

    assert len(trade.shares("1")) == 1


@pytest.mark.usefixtures("_remembers_nothing")
def test_a_database_that_was_moved_sends_nothing_until_somebody_adopts_it(
    trade: Trade, provider: Connection, house: ProdigiSimulator, tmp_path: Path
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    home = "https://hub.möwe.example"
    installation.begin(Place(public_url=home, folder=tmp_path, host="keller-1"))
    there = Place(public_url=home, folder=tmp_path, host="keller-2")
    assert "from keller-1 to keller-2" in installation.begin(there)

    trade.tell(snapshot())
    trade.work()
    assert (trade.statuses(), house.orders) == (["open"], {})

    installation.adopt(there, by="user:1", reason="der neue Keller")
    trade.work()
    share_id = trade.shares()[0].id
    submit_now(trade.merchant.id, share_id)

    assert (trade.statuses(), len(house.orders)) == (["accepted"], 1)


def one_leaving_of_two_mails(trade: Trade) -> MailCall:
    merchant = trade.merchant
    trade.tell(snapshot("1"), snapshot("2"))
    mails = [
        decide_mail(
            trade.order(number).id,
            merchant_id=merchant.id,
            news=News(kind=Kind.CONFIRMATION, fact=RELEASED, happened_at=timezone.now()),
        )
        for number in "12"
    ]
    assert mails[0] is not None
    leaving = intend_mail(merchant.id, mails[0].id)
    assert isinstance(leaving, MailCall)
    return leaving


@pytest.mark.usefixtures("_remembers_nothing")
def test_on_a_hub_that_is_nobodys_copy_reconciling_leaves_mails_and_what_is_under_way(
    trade: Trade,
) -> None:
    run("adopt")
    leaving = one_leaving_of_two_mails(trade)

    done = run("reconcile --json")

    assert done.code == 0, done.err
    told = json.loads(done.out.splitlines()[-1])
    assert (told["mails_not_sent_again"], told["was_paused"]) == (0, "")
    with scope.merchant(trade.merchant.id):
        statuses = Mail.objects.order_by("id").values_list("status", flat=True)
        assert list(statuses) == ["waiting", "waiting"]
        assert begin_call(leaving.lease).attempt_id == leaving.lease.attempt_id


def test_of_a_copy_what_was_about_to_leave_is_asked_about_and_what_waited_stays(
    trade: Trade,
) -> None:
    merchant = trade.merchant
    leaving = one_leaving_of_two_mails(trade)

    done = reconcile_all(is_copy=True)

    assert done.mails == 1
    with scope.merchant(merchant.id):
        statuses = Mail.objects.order_by("id").values_list("status", flat=True)
        assert list(statuses) == ["waiting", "skipped"]
        attempt = Attempt.objects.get(id=leaving.lease.attempt_id)
        assert (attempt.status, attempt.calls) == ("unknown", 0)
        with pytest.raises(LeaseLost):
            begin_call(leaving.lease)


@pytest.mark.usefixtures("_remembers_nothing")
def test_a_restored_copy_asks_the_platforms_before_it_lets_anything_out(
    trade: Trade,
    provider: Connection,
    house: ProdigiSimulator,
    other_merchant: Merchant,
    run_jobs: Callable[..., int],
) -> None:
    """`entrepot reconcile`, of a copy that was made before the share was sent."""
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    run("adopt")
    copy, theirs = copied(other_merchant, house, run_jobs)
    installation.pause_installation(HERE, reason="restored from Sicherung.dump")
    copy.made_by(theirs, "MOEWE-A3", "POST-12")
    copy.tell(snapshot())
    copy.work()
    before = (copy.statuses(), paused())

    first = run("reconcile --json")
    after_first = paused()
    kept = run("reconcile --keep-paused --json")
    after_kept = paused()
    last = run("reconcile --json")

    assert before == (["open"], "restored from Sicherung.dump")
    assert first.code == 1
    assert "some platforms did not answer, so effects stay paused" in first.err
    asked = json.loads(first.out.splitlines()[-1])
    assert len(asked.pop("failed")) == 1  # the shop, which is not there in this test
    assert asked == {
        "orders_read_again": 0,
        "shares_found_at_providers": 1,
        "shares_asked": 1,
        "refunds_found": 0,
        "captures_and_voids_found": 0,
        "mails_not_sent_again": 0,  # it was not even wanted: the sale is older than the pause
        "was_paused": "restored from Sicherung.dump",
    }
    assert (kept.code, last.code) == (0, 0), (kept.err, last.err)
    assert (after_first, after_kept, paused()) == (before[1], before[1], "")
    copy.work()
    assert copy.statuses() == ["accepted"]
    assert at_house(house) == ["test!möwe.example/10482/1/1"]


@pytest.mark.usefixtures("_remembers_nothing")
def test_what_people_typed_in_cannot_be_read_again_and_keeps_nothing_from_going_on(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.shop = connect(trade.merchant, "direct", account="direct:möwe")
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    installation.pause_installation(HERE, reason="restored from Sicherung.dump")
    trade.tell(snapshot())
    trade.work()

    done = reconcile_all(is_copy=True)

    assert trade.statuses() == ["open"]
    assert (done.asked, done.failed, done.orders) == (1, [], 0)


@pytest.mark.usefixtures("_remembers_nothing")
def test_what_another_copy_may_have_handed_over_is_not_made_anew_under_another_name(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    """Three sold, handed over by the other copy; then one is given back, and two are planned."""
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    installation.pause_installation(HERE, reason="restored from Sicherung.dump")
    trade.tell(snapshot("10482", line("MOEWE-A3", 3)))
    trade.work()
    installation.go_on_reconciled(HERE, by="command_line")

    trade.tell(later(snapshot("10482", line("MOEWE-A3", 2))))
    trade.work()

    assert trade.statuses() == ["cancelled"]
    assert house.orders == {}
    with scope.merchant(trade.merchant.id):
        (hold,) = Hold.objects.filter(lifted_at=None)
        assert hold.kind == "content_differs"
        assert "test!möwe.example/10482/1/1 may have been handed over" in hold.reason


def paused() -> str:
    """Why nothing leaves; empty when it may."""
    installation.forget()
    with scope.system():
        return installation.effects_paused_reason()
