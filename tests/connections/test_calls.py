"""Calls leave within a shared budget, spare a platform that is down, and are kept redacted."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.connect.errors import RateLimited, Rejected, Unavailable
from entrepot.connect.simulator import Clock, Request, Response, Simulator
from entrepot.connect.watching import Priority
from entrepot.connections import doors, queries, services
from entrepot.connections.breaker import SharedBreaker
from entrepot.connections.budgets import SharedBudget
from entrepot.connections.models import CircuitBreaker, Connection, RateBudget
from entrepot.dashboard.reading.connections import tiles
from entrepot.database import sql
from entrepot.events import outbox
from tests.connections.accounts import a_print_house, a_shop
from tests.serving import serve


class Counter(Simulator):
    """Answers what the test says, and counts."""

    def __init__(self) -> None:
        super().__init__(Clock())
        self.answers: list[Response] = []
        self.route("GET", "/v4.0/orders/{id}", self.answer)
        self.route("POST", "/v4.0/orders", self.answer)

    def answer(self, request: Request) -> Response:
        return self.answers.pop(0) if self.answers else Response(200, {"id": "ord_1"})


@pytest.fixture
def outside() -> Iterator[tuple[Counter, str]]:
    counter = Counter()
    with serve(counter) as address:
        yield counter, address


@pytest.fixture
def house(merchant: Merchant, outside: tuple[Counter, str]) -> Connection:
    made = a_print_house(merchant)
    return services.change_settings(
        made.id, merchant_id=merchant.id, settings={"base_url": f"{outside[1]}/v4.0"}
    )


LANES: tuple[Priority, ...] = ("people", "live", "bulk")


def budget_of(
    connection: Connection, *, per_minute: int, burst: int, patience: timedelta = timedelta(0)
) -> SharedBudget:
    return SharedBudget(
        connection_id=connection.id,
        merchant_id=connection.merchant_id,
        per_minute=per_minute,
        burst=burst,
        patience=dict.fromkeys(LANES, patience),
    )


def spend(budget: SharedBudget, priority: Priority) -> int:
    """Take until refused; how many calls were let through."""
    taken = 0
    while taken < 1000:
        try:
            budget.take(cost=1, priority=priority)
        except RateLimited:
            return taken
        taken += 1
    raise AssertionError("nobody stopped it")


def test_two_processes_share_one_budget_and_people_keep_a_lane(merchant: Merchant) -> None:
    shop = a_shop(merchant)
    one, other = (budget_of(shop, per_minute=1, burst=40) for _ in range(2))

    by_bulk = spend(one, "bulk")
    by_live = spend(other, "live")
    by_people = spend(other, "people")

    assert by_bulk == 28  # 30 % are left to the others
    assert by_live == 8  # 10 % are left to people
    assert by_people == 4


def test_threads_never_take_more_than_there_is(merchant: Merchant) -> None:
    shop = a_shop(merchant)
    budgets = [budget_of(shop, per_minute=1, burst=30) for _ in range(4)]

    def work(budget: SharedBudget) -> int:
        try:
            return spend(budget, "people")
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(work, budgets * 2))

    assert 26 <= sum(taken) <= 30  # a loan that lapses is lost, never doubled


def test_a_budget_refills_with_time(merchant: Merchant) -> None:
    shop = a_shop(merchant)
    budget = budget_of(shop, per_minute=60, burst=10)
    spend(budget, "people")

    with scope.merchant(merchant.id):
        sql.run("UPDATE connections_rate_budget SET refilled_at = refilled_at - interval '6 s'")

    assert spend(budget, "people") in {6, 7}


@pytest.mark.parametrize(
    ("_case", "status", "headers", "seconds"),
    [
        ("Retry-After", 429, {"retry-after": "40"}, 40),
        ("nothing said", 429, {}, 10),
        ("nothing left", 200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "25"}, 25),
        ("the draft's names", 200, {"ratelimit-remaining": "0", "ratelimit-reset": "30"}, 30),
        ("absurdly long", 429, {"retry-after": "999999"}, 900),
    ],
)
def test_a_pause_that_the_platform_asks_for_holds_everywhere(
    merchant: Merchant, _case: str, status: int, headers: dict[str, str], seconds: int
) -> None:
    shop = a_shop(merchant)
    budget_of(shop, per_minute=0, burst=0).learn(headers, status)

    with pytest.raises(RateLimited) as refused:
        budget_of(shop, per_minute=0, burst=0).take(cost=1, priority="people")

    wait = refused.value.retry_after
    assert wait is not None
    assert seconds - 5 < wait.total_seconds() <= seconds


def test_who_waits_for_the_end_of_a_pause_gives_its_thread_to_others(merchant: Merchant) -> None:
    shop = a_shop(merchant)
    budget = budget_of(shop, per_minute=600, burst=3, patience=timedelta(minutes=1))
    budget.learn({"retry-after": "4"}, 429)

    with pytest.raises(RateLimited) as refused:
        budget.take(cost=1, priority="live")

    assert refused.value.retry_after is not None
    assert refused.value.retry_after > timedelta(seconds=2)


def test_a_call_waits_a_little_for_its_turn(merchant: Merchant) -> None:
    shop = a_shop(merchant)
    spend(budget_of(shop, per_minute=600, burst=3), "people")
    asked_at = time.monotonic()

    budget_of(shop, per_minute=600, burst=3, patience=timedelta(seconds=5)).take(
        cost=2, priority="people"
    )

    assert 0 < time.monotonic() - asked_at < 5


def test_a_merchant_may_allow_more_calls_than_the_manifest(
    merchant: Merchant, outside: tuple[Counter, str], house: Connection
) -> None:
    services.change_policy(
        house.id, merchant_id=merchant.id, changes={"calls_per_minute": 1, "burst": 1}
    )
    http = doors.door(house.id, priority="people")
    http.get("/orders/ord_1")

    with pytest.raises(RateLimited):
        http.get("/orders/ord_1")
    assert len(outside[0].calls) == 1


def test_a_spent_budget_says_how_long_to_wait(merchant: Merchant) -> None:
    budget = budget_of(a_shop(merchant), per_minute=30, burst=5)
    spend(budget, "people")

    with pytest.raises(RateLimited) as refused:
        budget.take(cost=2, priority="people")

    wait = refused.value.retry_after
    assert wait is not None
    assert timedelta(seconds=2) < wait <= timedelta(seconds=4)


def test_what_is_left_needs_no_pause(merchant: Merchant) -> None:
    shop = a_shop(merchant)
    budget = budget_of(shop, per_minute=0, burst=0)

    budget.learn({"x-ratelimit-remaining": "7", "x-ratelimit-reset": "25"}, 200)
    budget.take(cost=3, priority="bulk")

    with scope.merchant(merchant.id):
        assert RateBudget.objects.get().blocked_until is None


def breaker_of(connection: Connection) -> SharedBreaker:
    return SharedBreaker(connection_id=connection.id, merchant_id=connection.merchant_id)


def test_five_failures_in_a_row_open_the_breaker_of_a_quiet_connection(merchant: Merchant) -> None:
    shop = a_shop(merchant)
    one, other = breaker_of(shop), breaker_of(shop)

    for _ in range(4):
        one.record(is_available=False)
    other.check()
    one.record(is_available=False)

    with pytest.raises(Unavailable) as refused:
        breaker_of(shop).check()
    assert refused.value.retry_after is not None


def test_a_success_ends_a_row_of_failures(merchant: Merchant) -> None:
    shop = a_shop(merchant)
    breaker = breaker_of(shop)

    for _ in range(4):
        for _ in range(4):
            breaker.record(is_available=False)
        breaker.record(is_available=True)

    breaker.check()
    with scope.merchant(merchant.id):
        assert CircuitBreaker.objects.get().opened_at is None


@pytest.mark.parametrize(("good_between", "opened_by"), [(0, 5), (1, 10), (2, None)])
def test_a_busy_connection_opens_at_half_of_at_least_twenty_calls(
    merchant: Merchant, good_between: int, opened_by: int | None
) -> None:
    breaker = breaker_of(a_shop(merchant))

    assert _failures_until_open(breaker, merchant, good_between) == opened_by


def _failures_until_open(
    breaker: SharedBreaker, merchant: Merchant, good_between: int
) -> int | None:
    for failures in range(1, 20):
        for _ in range(good_between):
            breaker.record(is_available=True)
        breaker.record(is_available=False)
        with scope.merchant(merchant.id):
            if CircuitBreaker.objects.get().opened_at is not None:
                return failures
    return None


def test_one_probe_is_let_through_and_closes_it(merchant: Merchant) -> None:
    shop = a_shop(merchant)
    breaker = breaker_of(shop)
    for _ in range(5):
        breaker.record(is_available=False)
    _let_probe(merchant)

    first, second = breaker_of(shop), breaker_of(shop)
    first.check()
    with pytest.raises(Unavailable):
        second.check()
    first.record(is_available=True)

    second.check()


def test_a_failed_probe_keeps_it_open(merchant: Merchant) -> None:
    shop = a_shop(merchant)
    breaker = breaker_of(shop)
    for _ in range(5):
        breaker.record(is_available=False)
    _let_probe(merchant)

    breaker.check()
    breaker.record(is_available=False)

    with pytest.raises(Unavailable):
        breaker_of(shop).check()


def _let_probe(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        sql.run("UPDATE connections_circuit_breaker SET probe_at = clock_timestamp()")


def test_only_unavailable_counts_and_the_open_breaker_saves_the_call(
    house: Connection, outside: tuple[Counter, str]
) -> None:
    counter, _ = outside
    counter.answers = [Response(422, {"no": "good"}) for _ in range(6)]
    for _ in range(6):
        with pytest.raises(Rejected):
            doors.door(house.id).get("/orders/ord_1")
    counter.answers = [Response(503, {"down": True}) for _ in range(9)]
    for _ in range(9):
        with pytest.raises(Unavailable):
            doors.door(house.id).get("/orders/ord_1")

    assert len(counter.calls) == 6 + 5


def test_a_call_is_kept_with_its_cause_and_without_secrets_and_addresses(
    house: Connection, outside: tuple[Counter, str]
) -> None:
    with outbox.because(cause="attempt:41"):
        doors.door(house.id).post(
            "/orders",
            json={"apiKey": "key-73c2d1", "email": "mia.ø+x@example.co.uk", "name": "Ærø\x00"},
            params={"token": house.token},
        )

    with scope.merchant(house.merchant_id):
        (kept,) = queries.recent_calls(house.id)
    assert (kept.method, kept.status_code, kept.outcome, kept.cause) == (
        "POST",
        200,
        "ok",
        "attempt:41",
    )
    text = f"{kept.url} {kept.sent} {kept.answered}"
    assert "key-73c2d1" not in text
    assert house.token not in text
    assert "example.co.uk" not in text
    assert '"id":"ord_1"' in kept.answered


def test_failed_calls_are_kept_and_counted_in_the_tile(
    house: Connection, outside: tuple[Counter, str]
) -> None:
    counter, _ = outside
    counter.answers = [Response(503), Response(404), Response(200, {})]
    for wanted in (Unavailable, Rejected):
        with pytest.raises(wanted):
            doors.door(house.id).get("/orders/ord_7")
    doors.door(house.id).get("/orders/ord_7")

    with scope.merchant(house.merchant_id):
        (tile,) = tiles("live")
        outcomes = [call.outcome for call in queries.recent_calls(house.id)]
    assert outcomes == ["ok", "Rejected", "Unavailable"]
    assert (tile.calls, tile.errors) == (3, 1)


def test_an_archived_connection_makes_no_calls(
    house: Connection, outside: tuple[Counter, str]
) -> None:
    services.archive(house.id, merchant_id=house.merchant_id, reason="closed")

    with pytest.raises(doors.ConnectionArchived):
        doors.client(house.id)
    assert outside[0].calls == []
