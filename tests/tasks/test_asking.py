"""Asking about attempts whose worker is gone."""

from datetime import timedelta

from django.db.models.functions import Now

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.connect.manifest import Effect
from entrepot.connections import services
from entrepot.connections.budgets import SharedBudget
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.database import sql
from entrepot.deadletters.models import DeadLetter
from entrepot.obligations.models import Obligation
from entrepot.payments import refunds
from entrepot.tasks import asking
from entrepot.tasks import connections as connection_tasks
from entrepot.tasks.registry import Priority
from tests.rules.trade import Trade, ask, euros, price, snapshot


def test_an_answer_is_owed_although_the_worker_died_before_it_could_promise_one(
    trade: Trade,
) -> None:
    lease = a_forgotten_refund(trade)
    merchant_id = trade.merchant.id

    asking.ask(merchant_id=merchant_id, attempt_id=lease.attempt_id)  # nobody answers there

    with scope.merchant(merchant_id):
        after = Attempt.objects.get(id=lease.attempt_id)
        owed = list(
            Obligation.objects.filter(end="", kind="resolve").values_list(
                "subject_kind", "subject_id"
            )
        )
    assert (after.status, after.asked) == ("unknown", 1)
    assert owed == [("attempt", lease.attempt_id)]


def test_what_a_dead_worker_had_in_hand_goes_before_all_other_work(trade: Trade) -> None:
    forgotten = a_forgotten_refund(trade)
    with scope.merchant(trade.merchant.id):
        taken = attempts.take_over(forgotten.attempt_id)
        assert taken is not None  # unknown from now on, and asked about in its time
        Attempt.objects.update(next_ask_at=Now() - timedelta(seconds=1))
    asked_about = priorities_of_questions()
    with scope.merchant(trade.merchant.id):
        Attempt.objects.update(
            status="calling", next_ask_at=None, leased_until=Now() - timedelta(seconds=1)
        )

    assert (asked_about, priorities_of_questions()) == ([Priority.HIGH], [Priority.URGENT])


def priorities_of_questions() -> list[int]:
    """Those of the jobs that are deferred now, and taken out of the queue again."""
    asking.find_forgotten()
    with scope.system():
        deferred = "DELETE FROM pgqueuer WHERE entrypoint = 'attempts.ask' RETURNING priority"
        rows = sql.fetch(deferred)
    return [priority for (priority,) in rows]


def test_a_pause_that_a_platform_asks_for_is_not_counted_as_asking(trade: Trade) -> None:
    lease = a_forgotten_refund(trade)
    merchant_id = trade.merchant.id
    budget = SharedBudget(
        connection_id=trade.shop.id, merchant_id=merchant_id, per_minute=60, burst=10
    )
    budget.learn({"retry-after": "200"}, 429)

    asking.ask(merchant_id=merchant_id, attempt_id=lease.attempt_id)

    with scope.merchant(merchant_id):
        after = Attempt.objects.get(id=lease.attempt_id)
    assert (after.status, after.asked) == ("unknown", 0)
    assert after.message.startswith("PauseAsked")
    assert after.next_ask_at is not None
    assert after.unknown_since is not None
    wait = after.next_ask_at - after.unknown_since
    # From when it became unknown, a statement or two before the pause was counted.
    assert timedelta(seconds=190) < wait < timedelta(seconds=205)


def a_forgotten_refund(trade: Trade) -> Lease:
    """A refund that was being called about when its worker died."""
    trade.tell(snapshot())
    merchant_id = trade.merchant.id
    refund = refunds.want_refund(
        merchant_id, trade.order().id, amount=euros("21.80"), by="user:3", reason="zerkratzt"
    )
    call = refunds.intend_refund(merchant_id, refund.id)
    assert call is not None
    with scope.merchant(merchant_id):
        lease = attempts.begin_call(call.lease)
        sql.run("UPDATE attempts_attempt SET leased_until = now() - interval '1 second'")
    return lease


def test_a_look_up_that_is_refused_stops_its_connection_until_the_key_is_taken_again(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    price(trade)
    house.faults.drop_answer = 1.0
    trade.work()
    house.faults.drop_answer = 0.0
    keys = dict(house.keys)
    house.keys.clear()

    ask(trade)
    refused, asked = stopped(provider), counted(trade)
    ask(trade)  # nobody has acted, and so nobody is asked

    assert refused == ("misconfigured", True)
    assert (asked, counted(trade)) == (1, 1)
    assert trade.attempts("submit") == ["unknown"]

    house.keys.update(keys)
    connection_tasks.ping(merchant_id=trade.merchant.id, subject_id=provider.id)
    ask(trade)

    assert stopped(provider) == ("live", False)
    assert trade.attempts("submit") == ["accepted"]
    assert (trade.statuses(), len(house.orders)) == (["accepted"], 1)


def test_a_removed_connection_is_asked_nothing_and_a_person_is(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    price(trade)
    house.faults.drop_answer = 1.0
    trade.work()
    services.archive(provider.id, merchant_id=trade.merchant.id, reason="Vertrag beendet")

    for _ in range(2):
        ask(trade)

    with scope.merchant(trade.merchant.id):
        attempt = Attempt.objects.get(kind="submit")
        assert DeadLetter.objects.count() == 0
    assert (attempt.status, attempt.needs_person, attempt.asked) == ("unknown", True, 0)
    assert "is archived" in attempt.message
    assert "say what became of it" in attempt.message


def stopped(connection: Connection) -> tuple[str, bool]:
    """The status of a connection, and whether it says what a platform answered."""
    with scope.merchant(connection.merchant_id):
        now = Connection.objects.get(id=connection.id)
    return now.status, "401" in now.status_reason


def counted(trade: Trade) -> int:
    """How often the only attempt to submit was asked about."""
    with scope.merchant(trade.merchant.id):
        return Attempt.objects.get(kind="submit").asked


def test_absence_is_asked_about_again_when_it_can_be_proved(trade: Trade) -> None:
    lease = a_forgotten_refund(trade)
    effect = Effect(
        guarantee="exactly_once",
        lookup_proves_absence=True,
        remembers_key=False,
        settle_seconds=300,
    )
    with scope.merchant(trade.merchant.id):
        waits = [
            _next_look_after_an_empty_one(lease.attempt_id, effect, asked=asked, leaves_for_s=left)
            for asked, left in ((0, -1), (6, -1), (6, 40))
        ]

    assert waits == [timedelta(seconds=seconds) for seconds in (301, 301, 41)]


def _next_look_after_an_empty_one(
    attempt_id: int, effect: Effect, *, asked: int, leaves_for_s: int
) -> timedelta:
    """How long until the next look-up of an attempt whose bytes may leave for so many seconds."""
    mine = Attempt.objects.filter(id=attempt_id)
    mine.update(asked=asked, first_empty_at=None, leased_until=Now() - timedelta(seconds=1))
    taken = attempts.take_over(attempt_id)
    assert taken is not None
    mine.update(may_leave_until=Now() + timedelta(seconds=leaves_for_s))
    after, is_proved = attempts.found_nothing(taken[1], effect=effect)
    assert not is_proved
    assert after.next_ask_at is not None
    assert after.last_empty_at is not None
    return timedelta(seconds=round((after.next_ask_at - after.last_empty_at).total_seconds()))
