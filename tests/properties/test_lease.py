"""Of several workers at one effect, only the holder of the current token ever writes.

And its bytes leave again only when it is proved that nothing of them arrived.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts import services
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import IllegalStep, Kind, LeaseLost, Status, StillLeaving
from entrepot.connect.manifest import Effect
from entrepot.database import sql
from tests.properties import machines

SETTLE = 30
Given = TypeVar("Given")
Answer = TypeVar("Answer")
_subjects = count(1)
WRITES: dict[str, Callable[[Lease], object]] = {
    "call": services.begin_call,
    "accept": lambda lease: services.accept(lease, outcome={"external_id": "ord_鴎"}),
    "reject": lambda lease: services.reject(lease, outcome={"code": "A3"}, message="no such paper"),
    "stop": lambda lease: services.stop(lease, message="never left"),
    "lose": lambda lease: services.lose(lease, message="the connection broke"),
}
# What a write makes of each status; what is not here is refused.
MOVES = {
    ("call", Status.INTENDED): Status.CALLING,
    ("accept", Status.CALLING): Status.ACCEPTED,
    ("accept", Status.UNKNOWN): Status.ACCEPTED,
    ("reject", Status.CALLING): Status.REJECTED,
    ("reject", Status.UNKNOWN): Status.REJECTED,
    ("stop", Status.INTENDED): Status.NOT_SENT,
    ("stop", Status.CALLING): Status.NOT_SENT,
    ("stop", Status.UNKNOWN): Status.NOT_SENT,
    ("lose", Status.CALLING): Status.UNKNOWN,
}
TAKEN_OVER = {
    Status.INTENDED: Status.NOT_SENT,
    Status.CALLING: Status.UNKNOWN,
    Status.UNKNOWN: Status.UNKNOWN,
}


@dataclass
class Known:
    """What has to be true of one attempt."""

    status: Status = Status.INTENDED
    token: int = 1
    calls: int = 0
    is_free: bool = False  # nobody's lease runs
    may_leave: bool = False  # the bytes of a call may still be on their way
    empty_for: int | None = None  # seconds since the first look-up that tells found nothing

    @property
    def is_live(self) -> bool:
        return self.status in TAKEN_OVER

    def end(self, status: Status) -> None:
        self.status, self.is_free, self.may_leave = status, True, False

    def become_unknown(self) -> None:
        self.status, self.is_free, self.empty_for = Status.UNKNOWN, True, None


class Workers(RuleBasedStateMachine):
    """Workers that take turns at one effect, freeze, die, and are asked about.

    Rules are what is allowed as things stand; all else is tried after each of them, some at a time.
    """

    merchant: Merchant

    @initialize()
    def begin(self) -> None:
        self.subject = next(_subjects)
        self.attempts: dict[int, Known] = {}
        self.leases: list[Lease] = []  # whose holders are all still there, and do not know
        self.tries = count()
        self._begin(self._intend(1))

    @precondition(lambda self: not self.last.is_live)
    @rule()
    def intend(self) -> None:
        """Whoever wants the effect wants it by its reference; that rises with a proven outcome."""
        last = self.last
        if last.status in {Status.ACCEPTED, Status.REJECTED}:
            self._begin(self._intend(len(self.attempts) + 1))
        else:
            last.status, last.token, last.is_free = Status.INTENDED, last.token + 1, False
            self._has(self._intend(len(self.attempts)))

    @precondition(lambda self: self.last.status == Status.INTENDED)
    @rule()
    def call(self) -> None:
        last = self.last
        last.status, last.calls = Status.CALLING, last.calls + 1
        last.is_free, last.may_leave = False, True
        self._has(self._do(services.begin_call, self.leases[-1]))

    @precondition(lambda self: self.last.status in {Status.CALLING, Status.UNKNOWN})
    @rule(ending=st.sampled_from(["accept", "reject", "stop"]))
    def learn_how_it_ended(self, ending: str) -> None:
        status = MOVES[ending, self.last.status]
        self._do(WRITES[ending], self.leases[-1])
        self.last.end(status)

    @precondition(lambda self: self.last.status == Status.CALLING)
    @rule()
    def lose_the_answer(self) -> None:
        self._do(WRITES["lose"], self.leases[-1])
        self.last.become_unknown()
        self.last.may_leave = False  # the holder itself says that the call is over

    @precondition(lambda self: self.last.is_live and not self.last.is_free)
    @rule()
    def freeze(self) -> None:
        self._change("leased_until = now() - interval '1 second'")
        self.last.is_free = True

    @precondition(lambda self: self.last.is_live)
    @rule()
    def take_over(self) -> None:
        last = self.last
        if not last.is_free:
            self.freeze()
        taken = self._do(services.take_over, max(self.attempts))
        assert taken is not None
        last.token += 1
        if last.status == Status.INTENDED:
            last.end(Status.NOT_SENT)
        elif last.status == Status.CALLING:
            last.become_unknown()
        else:
            last.is_free = False
        self._has(taken[1])

    @precondition(lambda self: self.last.status == Status.UNKNOWN)
    @rule(
        seconds=st.sampled_from([SETTLE + 1, SETTLE // 3]),
        proves=st.sampled_from([True, True, False]),
    )
    def look_in_vain_after(self, seconds: int, *, proves: bool) -> None:
        last = self.last
        self._change(f"first_empty_at = first_empty_at - interval '{seconds} seconds'")
        if last.empty_for is not None:
            last.empty_for += seconds
        effect = Effect(
            guarantee="exactly_once", settle_seconds=SETTLE, lookup_proves_absence=proves
        )
        _, is_absent = self._do(
            lambda lease: services.found_nothing(lease, effect=effect), self.leases[-1]
        )
        tells = not last.may_leave
        assert is_absent == (proves and tells and (last.empty_for or 0) > SETTLE)
        last.is_free = True
        if is_absent:
            last.end(Status.NOT_SENT)
        elif tells:
            last.empty_for = last.empty_for or 0

    @precondition(lambda self: self.last.status == Status.UNKNOWN and self.last.may_leave)
    @rule()
    def wait_for_the_bytes(self) -> None:
        self._change("may_leave_until = now() - interval '1 second'")
        self.last.may_leave = False

    @precondition(lambda self: self.last.status == Status.UNKNOWN)
    @rule(happened=st.booleans())
    def let_a_person_decide(self, *, happened: bool) -> None:
        last = self.last
        if last.may_leave and not happened:
            self.wait_for_the_bytes()
        self._do(self._decide, happened)
        last.token += 1
        last.end(Status.ACCEPTED if happened else Status.NOT_SENT)

    @invariant()
    def the_rows_are_as_known(self) -> None:
        with scope.merchant(self.merchant.id):
            rows = Attempt.objects.filter(id__in=self.attempts).order_by("id")
            found = list(rows.values_list("id", "status", "token", "calls"))
        assert found == [
            (attempt_id, known.status, known.token, known.calls)
            for attempt_id, known in sorted(self.attempts.items())
        ]

    @invariant()
    def nobody_else_does_anything(self) -> None:
        last, attempt_id = self.last, max(self.attempts)
        if last.is_live:
            assert self._intend(len(self.attempts) + next(self.tries) % 2) is None
        if not (last.is_live and last.is_free):
            assert self._do(services.take_over, attempt_id) is None
        if last.status != Status.UNKNOWN:
            self._refused(IllegalStep, self._decide, given=next(self.tries) % 2 == 0)
        elif last.may_leave:
            self._refused(StillLeaving, self._decide, given=False)
        moves = sorted(WRITES)
        for lease in self.leases[-2:]:
            move = moves[next(self.tries) % len(moves)]
            known = self.attempts[lease.attempt_id]
            if lease.token != known.token:
                self._refused(LeaseLost, WRITES[move], lease)
            elif (move, known.status) not in MOVES:
                self._refused(IllegalStep, WRITES[move], lease)

    @property
    def last(self) -> Known:
        """The attempt under way, or the last one."""
        return self.attempts[max(self.attempts)]

    def _begin(self, lease: Lease | None) -> None:
        assert lease is not None
        assert lease.attempt_id not in self.attempts
        self.attempts[lease.attempt_id] = Known()
        self._has(lease)

    def _has(self, lease: Lease | None) -> None:
        assert lease is not None
        assert lease.token == self.attempts[lease.attempt_id].token
        self.leases.append(lease)

    def _do(self, what: Callable[[Given], Answer], given: Given) -> Answer:
        with scope.merchant(self.merchant.id):
            return what(given)

    def _refused(
        self, refusal: type[Exception], what: Callable[[Given], object], given: Given
    ) -> None:
        with pytest.raises(refusal) as raised:
            self._do(what, given)
        assert raised.type is refusal

    def _intend(self, generation: int) -> Lease | None:
        with scope.merchant(self.merchant.id):
            return services.intend(
                merchant_id=self.merchant.id,
                mode="test",
                kind=Kind.SUBMIT,
                connection_id=None,
                order_id=None,
                subject=("fulfillment_order", self.subject),
                reference=f"sale-{self.subject}-{generation}",
                generation=generation,
                idempotency_key=f"key-{self.subject}-{generation}",
            )

    def _decide(self, happened: bool) -> object:
        return services.decide(
            self.merchant.id,
            max(self.attempts),
            happened=happened,
            by="user:1",
            reason="asked by telephone",
        )

    def _change(self, change: str) -> None:
        with scope.merchant(self.merchant.id):
            sql.run(f"UPDATE attempts_attempt SET {change} WHERE id = %s", [max(self.attempts)])


@pytest.mark.timeout(120)
def test_only_the_holder_of_the_current_token_writes(merchant: Merchant) -> None:
    machines.run(Workers, examples=15, steps=25, merchant=merchant)
