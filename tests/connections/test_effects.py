"""Outside effects happen only where somebody lets them, and stop at once."""

from collections.abc import Iterator

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.canon.orders import Mode
from entrepot.connections import effects, faults, services
from entrepot.connections.effects import Verdict
from entrepot.connections.models import Connection, EffectPause
from entrepot.connections.states import EffectFlow
from tests.connections.accounts import a_gateway, a_print_house, fresh


@pytest.fixture
def house(merchant: Merchant) -> Connection:
    made = a_print_house(merchant)
    return services.go_live(made.id, merchant_id=merchant.id)


def verdict(connection: Connection, flow: EffectFlow = EffectFlow.SUBMISSIONS) -> Verdict:
    with scope.merchant(connection.merchant_id):
        return effects.effects_allowed(fresh(connection), flow)


def test_a_live_connection_may(house: Connection) -> None:
    assert verdict(house) == Verdict(is_allowed=True)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("observing", "press Go live"),
        ("paused", "is paused: stocktaking"),
        ("misconfigured", "refuses our credentials: 401"),
        ("archived", "was removed"),
    ],
)
def test_any_other_may_not_and_says_why(house: Connection, status: str, said: str) -> None:
    who = house.merchant_id
    match status:
        case "observing":
            services.observe(house.id, merchant_id=who, reason="looking")
        case "paused":
            services.pause(house.id, merchant_id=who, reason="stocktaking")
        case "misconfigured":
            faults.refuse_ping(house.id, merchant_id=who, reason="401")
        case _:
            services.archive(house.id, merchant_id=who, reason="closed")

    found = verdict(house)

    assert not found.is_allowed
    assert said in found.reason


def stop(house: Connection, **what: object) -> EffectPause:
    return services.pause_effects(
        house.merchant_id,
        mode=Mode(house.mode),
        reason="mist",
        by="user:3",
        **what,  # type: ignore[arg-type]
    )


def test_a_stop_reaches_what_it_names_and_nothing_else(
    house: Connection, merchant: Merchant
) -> None:
    other = services.go_live(a_gateway(merchant, mode=Mode.LIVE).id, merchant_id=merchant.id)
    submissions, refunds = EffectFlow.SUBMISSIONS, EffectFlow.REFUNDS

    of_flow = stop(house, flow=refunds)
    by_flow = [verdict(c, f).is_allowed for c in (house, other) for f in (submissions, refunds)]
    services.resume_effects(of_flow.id, merchant_id=merchant.id, by="user:3")
    of_connection = stop(house, connection_id=house.id)
    by_connection = [verdict(c).is_allowed for c in (house, other)]
    services.resume_effects(of_connection.id, merchant_id=merchant.id, by="user:3")
    of_all = stop(house)
    by_all = [verdict(c).is_allowed for c in (house, other)]
    services.resume_effects(of_all.id, merchant_id=merchant.id, by="user:3")

    assert by_flow == [True, False, True, False]
    assert by_connection == [False, True]
    assert by_all == [False, False]
    assert verdict(house).is_allowed


def test_a_stop_of_one_mode_leaves_the_other(house: Connection, merchant: Merchant) -> None:
    services.pause_effects(merchant.id, mode=Mode.TEST, reason="trying", by="user:3")

    assert verdict(house).is_allowed


def test_the_same_stop_twice_is_one_and_ends_once(house: Connection) -> None:
    first, second = stop(house), stop(house)

    ended = services.resume_effects(first.id, merchant_id=house.merchant_id, by="user:3")
    again = services.resume_effects(first.id, merchant_id=house.merchant_id, by="user:4")

    assert first.id == second.id
    assert (again.resumed_by, again.resumed_at) == ("user:3", ended.resumed_at)


@pytest.fixture
def moved_installation() -> Iterator[None]:
    def said() -> str:
        return "this database was restored: run `entrepot adopt`"

    effects.install(said)
    yield
    effects.uninstall(said)


def test_a_moved_installation_does_nothing_outside(
    house: Connection, moved_installation: None
) -> None:
    found = verdict(house)

    assert found == Verdict(
        is_allowed=False, reason="this database was restored: run `entrepot adopt`"
    )


@pytest.mark.parametrize(
    ("in_last_hour", "usual", "is_allowed"),
    [(50, 0.0, True), (51, 0.0, False), (100, 20.0, True), (101, 20.0, False)],
)
def test_a_fuse_blows_above_five_times_the_usual_hour_and_fifty(
    house: Connection, in_last_hour: int, usual: float, is_allowed: bool
) -> None:
    found = effects.check_fuse(
        house, EffectFlow.REFUNDS, in_last_hour=in_last_hour, usual_per_hour=usual
    )

    assert found.is_allowed is is_allowed
    assert verdict(house, EffectFlow.REFUNDS).is_allowed is is_allowed
    assert verdict(house, EffectFlow.SUBMISSIONS).is_allowed
    with scope.merchant(house.merchant_id):
        assert EffectPause.objects.filter(is_fuse=True).count() == (0 if is_allowed else 1)


def test_a_merchants_own_ceiling_counts_instead(house: Connection) -> None:
    services.change_policy(
        house.id,
        merchant_id=house.merchant_id,
        changes={"hourly_ceilings": {"submissions": 3}},
    )

    found = effects.check_fuse(
        fresh(house), EffectFlow.SUBMISSIONS, in_last_hour=4, usual_per_hour=900.0
    )

    assert not found.is_allowed
    assert "4 submissions within an hour" in found.reason
