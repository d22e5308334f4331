"""The breaker opens by its two rules and by nothing else, and one probe at a time may close it."""

from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.connect.errors import Unavailable
from entrepot.connections.breaker import SEEN_FOR_S, SharedBreaker
from entrepot.database import sql
from tests.properties import machines
from tests.rules.trade import connect

FIRST_PROBE, LONGEST_PROBE = 15, 300
SLACK = 10  # seconds: the database's clock goes on while a machine runs
_numbers = count(1)
TIMES = ("window_started_at", "opened_at", "probe_at")
# Runs of failures up to the longest that is let pass, runs without, and every other call.
ANSWERS = [
    *([False] * times for times in (1, 2, 4)),
    [True] * 9,
    [True, False] * 6,
]
who = st.integers(0, 1)


@dataclass
class Counted:
    """The two rules, said plainly: half of at least twenty calls, or five failures in a row.

    A process tells of its good calls with its next failure, or at once while others fail.
    """

    calls: int = 0
    failures: int = 0
    in_a_row: int = 0
    is_minute_over: bool = False
    untold: list[int] = field(default_factory=lambda: [0, 0])

    def succeed(self, process: int) -> None:
        if self.in_a_row == 0:
            self.untold[process] += 1
        elif not self.is_minute_over:
            self.calls += 1
        self.in_a_row = 0

    def fail(self, process: int) -> None:
        if self.is_minute_over:
            self.calls = self.failures = 0
            self.is_minute_over = False
        self.calls += self.untold[process] + 1
        self.untold[process] = 0
        self.failures += 1
        self.in_a_row += 1

    @property
    def opens(self) -> bool:
        if self.calls >= 20:
            return self.failures * 2 >= self.calls
        return self.in_a_row >= 5


class Processes(RuleBasedStateMachine):
    """Two processes that call one platform, each looking at the breaker that they share."""

    merchant: Merchant

    @initialize()
    def begin(self) -> None:
        shop = connect(self.merchant, "woocommerce", name=f"Laden {next(_numbers)}")
        self.connection_id = shop.id
        self.breakers = [self._breaker(), self._breaker()]
        self.counted = Counted()
        self.opened_for: int | None = None  # seconds; None while it is closed
        self.until_probe = 0

    @precondition(lambda self: self.opened_for is None)
    @rule(process=who, answers=st.sampled_from(ANSWERS))
    def call(self, process: int, answers: list[bool]) -> None:
        for is_available in answers:
            self._look(self.breakers[process])
            self.breakers[process].record(is_available=is_available)
            if is_available:
                self.counted.succeed(process)
                continue
            self.counted.fail(process)
            if self.counted.opens:
                self.opened_for, self.until_probe = 0, FIRST_PROBE
                return
            self._breaker().check()

    @precondition(lambda self: self.opened_for is None)
    @rule()
    def let_a_minute_go_by(self) -> None:
        self._age(61)
        self.counted.is_minute_over = True
        self.counted.untold = [0, 0]

    @precondition(lambda self: self.opened_for is not None)
    @rule(process=who, is_available=st.booleans())
    def probe(self, process: int, *, is_available: bool) -> None:
        self._begin_probe(process)
        self.nobody_calls_while_it_is_open()
        self.breakers[process].record(is_available=is_available)
        if is_available:
            self.opened_for = None
            self.counted = Counted(untold=self.counted.untold)
        else:
            self.counted.fail(process)
            assert self.opened_for is not None
            self.until_probe = min(max(self.opened_for, FIRST_PROBE), LONGEST_PROBE)

    @precondition(lambda self: self.opened_for is not None)
    @rule(process=who)
    def die_while_probing(self, process: int) -> None:
        self._begin_probe(process)
        self.breakers[process] = self._breaker()
        self.counted.untold[process] = 0

    @invariant()
    def nobody_calls_while_it_is_open(self) -> None:
        for each in self._breaker(), *self.breakers:
            if self.opened_for is None:
                self._look(each)
                continue
            with pytest.raises(Unavailable) as refused:
                self._look(each)
            assert refused.value.retry_after is not None
            wait = refused.value.retry_after.total_seconds()
            assert abs(wait - self.until_probe) < SLACK

    def _begin_probe(self, process: int) -> None:
        assert self.opened_for is not None
        self._age(self.until_probe + SLACK)
        self.opened_for += self.until_probe + SLACK
        self._look(self.breakers[process])
        self.until_probe = FIRST_PROBE

    def _look(self, breaker: SharedBreaker) -> None:
        """As before a call, a second after the last one: what was seen then counts no more."""
        breaker._looked_at -= SEEN_FOR_S
        breaker.check()

    def _age(self, seconds: int) -> None:
        for each in self.breakers:
            each._looked_at -= seconds
            each._counted_since -= seconds
        ago = [f"{name} = {name} - interval '{seconds} seconds'" for name in TIMES]
        with scope.merchant(self.merchant.id):
            sql.run(
                f"UPDATE connections_circuit_breaker SET {', '.join(ago)} WHERE connection_id = %s",
                [self.connection_id],
            )

    def _breaker(self) -> SharedBreaker:
        return SharedBreaker(connection_id=self.connection_id, merchant_id=self.merchant.id)


@pytest.mark.timeout(120)
def test_it_opens_by_its_two_rules_and_lets_one_probe_through(merchant: Merchant) -> None:
    machines.run(Processes, examples=30, steps=20, merchant=merchant)


def test_failures_in_a_row_are_counted_whichever_process_meets_them(merchant: Merchant) -> None:
    """Found by the machine, among programs that it seldom draws."""
    shop = connect(merchant, "woocommerce")
    first, second, third = (
        SharedBreaker(connection_id=shop.id, merchant_id=merchant.id) for _ in range(3)
    )
    for _ in range(2):
        first.check()
        first.record(is_available=True)
    for each in second, second, second, first, first:
        each._looked_at -= SEEN_FOR_S
        each.check()
        each.record(is_available=False)

    with pytest.raises(Unavailable):
        third.check()
