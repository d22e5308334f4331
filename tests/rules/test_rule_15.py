"""Rule 15: effects can be stopped at once and lose nothing; a flow that runs away stops itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.attempts.rates import fuse
from entrepot.attempts.states import Kind
from entrepot.canon.orders import Mode
from entrepot.connections import services
from entrepot.connections.models import Connection, EffectPause
from entrepot.connections.states import EffectFlow
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from tests.rules.trade import Trade, connect, line, snapshot

FLOW_OF = {
    Kind.SUBMIT: EffectFlow.SUBMISSIONS,
    Kind.REFUND: EffectFlow.REFUNDS,
    Kind.MAIL: EffectFlow.MAILS,
    Kind.WRITE_BACK: EffectFlow.WRITE_BACKS,
}
_number = iter(range(10_000))


@pytest.fixture
def busy(trade: Trade) -> Connection:
    """A live connection whose effects of the past a test makes up."""
    with scope.merchant(trade.merchant.id):
        return connect(trade.merchant, "prodigi", mode="live", policy={})


def did(connection: Connection, kind: Kind, count: int, *, ago: timedelta) -> None:
    with scope.merchant(connection.merchant_id):
        Attempt.objects.bulk_create(
            Attempt(
                merchant_id=connection.merchant_id,
                mode=connection.mode,
                kind=kind,
                connection_id=connection.id,
                subject_kind="thing",
                subject_id=number,
                reference=f"thing/{number}",
                idempotency_key=f"key-{number}",
                status="accepted",
                intended_at=timezone.now() - ago,
            )
            for number in (next(_number) for _ in range(count))
        )


def asked(connection: Connection, kind: Kind) -> bool:
    with scope.merchant(connection.merchant_id):
        fresh = Connection.objects.get(id=connection.id)
        return fuse(fresh, FLOW_OF[kind], kind=kind).is_allowed


def stops(trade: Trade) -> list[tuple[str, bool]]:
    with scope.merchant(trade.merchant.id):
        found = EffectPause.objects.filter(resumed_at=None).order_by("id")
        return list(found.values_list("flow", "is_fuse"))


@pytest.mark.parametrize("kind", list(FLOW_OF))
def test_the_fifty_first_in_an_hour_blows_the_fuse_of_its_flow_only(
    trade: Trade, busy: Connection, kind: Kind
) -> None:
    did(busy, kind, 49, ago=timedelta(minutes=59))
    did(busy, kind, 300, ago=timedelta(minutes=61) * 24 * 30)  # a month ago is not usual
    assert asked(busy, kind)

    did(busy, kind, 1, ago=timedelta(0))

    assert not asked(busy, kind)
    assert not asked(busy, kind)
    assert stops(trade) == [(FLOW_OF[kind], True)]
    others = [other for other in FLOW_OF if other is not kind]
    assert all(asked(busy, other) for other in others)


def test_five_times_the_usual_hour_is_the_ceiling_where_much_is_usual(
    trade: Trade, busy: Connection
) -> None:
    noon = timezone.now().replace(minute=30, second=0) - timedelta(hours=3)
    for day, count in enumerate((16, 24), start=1):
        did(busy, Kind.SUBMIT, count, ago=timezone.now() - noon + timedelta(days=day))
    did(busy, Kind.SUBMIT, 99, ago=timedelta(minutes=5))
    assert asked(busy, Kind.SUBMIT)

    did(busy, Kind.SUBMIT, 1, ago=timedelta(minutes=1))

    assert not asked(busy, Kind.SUBMIT)
    with scope.merchant(trade.merchant.id):
        reason = EffectPause.objects.get().reason
    assert reason == (
        "101 submissions within an hour, 20 are usual and 100 the most; resume if they are right"
    )


def test_who_lets_it_go_on_is_not_asked_again_by_the_next_one(
    trade: Trade, busy: Connection
) -> None:
    did(busy, Kind.SUBMIT, 70, ago=timedelta(minutes=20))
    assert not asked(busy, Kind.SUBMIT)
    with scope.merchant(trade.merchant.id):
        stop_id = EffectPause.objects.get().id

    services.resume_effects(stop_id, merchant_id=trade.merchant.id, by="user:1")

    assert asked(busy, Kind.SUBMIT)
    did(busy, Kind.SUBMIT, 50, ago=timedelta(0))
    assert not asked(busy, Kind.SUBMIT)
    with scope.merchant(trade.merchant.id):
        assert EffectPause.objects.filter(is_fuse=True).count() == 2


def test_a_blown_fuse_holds_submissions_back_and_all_leave_once_it_is_resumed(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    services.change_policy(
        provider.id,
        merchant_id=trade.merchant.id,
        changes={"hourly_ceilings": {"submissions": 2}},
    )
    for number in range(5):
        trade.tell(snapshot(f"{number}", line("MOEWE-A3", 2 + number)))
    trade.work()

    assert (len(house.orders), stops(trade)) == (2, [("submissions", True)])

    services.change_policy(
        provider.id,
        merchant_id=trade.merchant.id,
        changes={"hourly_ceilings": {"submissions": 9}},
    )
    with scope.merchant(trade.merchant.id):
        stop_id = EffectPause.objects.get(resumed_at=None).id
    services.resume_effects(stop_id, merchant_id=trade.merchant.id, by="user:1")
    trade.work(timedelta(minutes=1))
    trade.work(timedelta(minutes=1))  # they go on at an even pace: the last is not due at once

    copies = sorted(order.items[0]["copies"] for order in house.orders.values())
    assert copies == [2, 3, 4, 5, 6]
    assert stops(trade) == []


@pytest.mark.parametrize(
    ("_case", "connection", "flow"),
    [
        ("everything", False, ""),
        ("one flow", False, "submissions"),
        ("one connection", True, ""),
        ("one flow of one connection", True, "submissions"),
    ],
)
def test_a_stop_works_at_once_and_loses_nothing(
    trade: Trade,
    provider: Connection,
    house: ProdigiSimulator,
    _case: str,
    connection: bool,
    flow: str,
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    stop = services.pause_effects(
        trade.merchant.id,
        mode=Mode.TEST,
        connection_id=provider.id if connection else None,
        flow=flow,
        reason="Inventur",
        by="user:1",
    )
    trade.tell(snapshot())
    trade.work()
    assert (len(house.orders), trade.statuses()) == (0, ["open"])

    services.resume_effects(stop.id, merchant_id=trade.merchant.id, by="user:1")
    trade.work(timedelta(minutes=1))

    assert (len(house.orders), trade.statuses()) == (1, ["accepted"])


def test_a_stop_of_another_flow_connection_or_mode_stops_nothing_here(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    elsewhere = connect(trade.merchant, "stripe")
    for mode, connection_id, flow in (
        (Mode.TEST, None, "refunds"),
        (Mode.LIVE, None, ""),
        (Mode.TEST, elsewhere.id, ""),
    ):
        services.pause_effects(
            trade.merchant.id,
            mode=mode,
            connection_id=connection_id,
            flow=flow,
            reason="anderswo",
            by="user:1",
        )

    trade.tell(snapshot())
    trade.work()

    assert trade.statuses() == ["accepted"]
