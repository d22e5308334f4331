"""Of several workers at one attempt, only the holder of the current token ever writes."""

from collections.abc import Callable
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts import services
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import IllegalStep, Kind, LeaseLost, Status
from entrepot.database import sql

WORKERS = 3
_numbers = count(1)
WRITES: dict[str, Callable[[Lease], object]] = {
    "call": services.begin_call,
    "accept": lambda lease: services.accept(lease, outcome={"external_id": "ord_鴎"}),
    "reject": lambda lease: services.reject(lease, outcome={}, message="no such paper"),
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
steps = st.tuples(
    st.integers(0, WORKERS - 1), st.sampled_from(["expire", "take over", "take over", *WRITES])
)


@settings(settings.get_profile("properties"), max_examples=25)
@given(program=st.lists(steps, min_size=4, max_size=14))
def test_only_the_holder_of_the_current_token_writes(
    merchant: Merchant, program: list[tuple[int, str]]
) -> None:
    attempt_id, first = _intended(merchant)
    leases: dict[int, Lease] = {0: first}
    holder, status, is_over = 0, Status.INTENDED, False

    for worker, move in program:
        before = _row(merchant, attempt_id)
        if move == "expire":
            _expire(merchant, attempt_id)
            is_over = True
            continue
        if move == "take over":
            taken = _take_over(merchant, attempt_id)
            may = is_over and status in TAKEN_OVER
            assert (taken is not None) == may
            if taken is not None:
                assert taken.token > before[1]
                leases[worker], holder, status = taken, worker, TAKEN_OVER[status]
                is_over = status != Status.UNKNOWN or _is_free(merchant, attempt_id)
            continue
        if worker not in leases:
            continue
        refused = _write(merchant, leases[worker], move)
        is_current = leases[worker].token == leases[holder].token
        if not is_current:
            assert refused is LeaseLost
        elif (move, status) in MOVES:
            assert refused is None
            status = MOVES[move, status]
            is_over = _is_free(merchant, attempt_id)  # a call renews the lease
        else:
            assert refused is IllegalStep
        if refused is not None:
            assert _row(merchant, attempt_id) == before
    assert _row(merchant, attempt_id)[0] == status


def _intended(merchant: Merchant) -> tuple[int, Lease]:
    number = next(_numbers)
    with scope.merchant(merchant.id):
        made = services.intend(
            merchant_id=merchant.id,
            mode="test",
            kind=Kind.SUBMIT,
            connection_id=None,
            order_id=None,
            subject=("fulfillment_order", number),
            reference=f"sale-{number}-1",
            generation=1,
            idempotency_key=f"key-{number}",
        )
    assert made is not None
    return made.attempt_id, made


def _row(merchant: Merchant, attempt_id: int) -> tuple[str, int, dict[str, object], int]:
    with scope.merchant(merchant.id):
        row = Attempt.objects.get(id=attempt_id)
    return row.status, row.token, row.outcome, row.calls


def _is_free(merchant: Merchant, attempt_id: int) -> bool:
    with scope.merchant(merchant.id):
        return bool(
            sql.fetch_value(
                "SELECT leased_until IS NULL OR leased_until < now()"
                " FROM attempts_attempt WHERE id = %s",
                [attempt_id],
            )
        )


def _expire(merchant: Merchant, attempt_id: int) -> None:
    with scope.merchant(merchant.id):
        sql.run(
            "UPDATE attempts_attempt SET leased_until = now() - interval '1 second' WHERE id = %s",
            [attempt_id],
        )


def _take_over(merchant: Merchant, attempt_id: int) -> Lease | None:
    with scope.merchant(merchant.id):
        taken = services.take_over(attempt_id)
    return None if taken is None else taken[1]


def _write(merchant: Merchant, lease: Lease, move: str) -> type[Exception] | None:
    try:
        with scope.merchant(merchant.id):
            WRITES[move](lease)
    except (LeaseLost, IllegalStep) as refused:
        return type(refused)
    return None
