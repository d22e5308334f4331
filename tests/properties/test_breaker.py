"""The breaker opens by its two rules and by nothing else, whatever the calls did before."""

from itertools import count

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.connect.errors import Unavailable
from entrepot.connections.breaker import SharedBreaker
from entrepot.database import sql
from tests.rules.trade import connect

_numbers = count(1)


class Counted:
    """The two rules, said plainly: half of at least twenty calls, or five failures in a row."""

    def __init__(self) -> None:
        self.calls = 0
        self.failures = 0
        self.in_a_row = 0

    def opens_after(self, *, is_available: bool) -> bool:
        self.calls += 1
        if is_available:
            self.in_a_row = 0
            return False
        self.failures += 1
        self.in_a_row += 1
        if self.calls >= 20:
            return self.failures * 2 >= self.calls
        return self.in_a_row >= 5


@st.composite
def answers(draw: st.DrawFn) -> list[bool]:
    """Up to 45 calls, in runs of failures as long as the first rule allows or one more, or shorter.

    Calls that fail each by its own chance hardly ever fail five times in a row.
    """
    longest = draw(st.integers(1, 6))
    runs = draw(
        st.lists(
            st.tuples(st.integers(0, 4), st.integers(max(longest - 1, 1), longest)),
            min_size=1,
            max_size=15,
        )
    )
    told = [[True] * good + [False] * bad for good, bad in runs]
    return [is_available for run in told for is_available in run][:45]


@settings(settings.get_profile("properties"), max_examples=40)
@example(told=[True, True, *[False] * 5])
@example(told=[*[False] * 4, True, *[False] * 4])
@example(told=[True, False] * 10)
@example(told=[*[True, False] * 9, True, True, False])
@given(told=answers())
def test_it_opens_by_its_two_rules_and_lets_one_probe_through(
    merchant: Merchant, told: list[bool]
) -> None:
    shop = connect(merchant, "woocommerce", name=f"Laden {next(_numbers)}")
    breaker = SharedBreaker(connection_id=shop.id, merchant_id=merchant.id)
    counted = Counted()

    for is_available in told:
        breaker.record(is_available=is_available)
        if counted.opens_after(is_available=is_available):
            break
        _another(shop.id, merchant).check()
    else:
        return

    with pytest.raises(Unavailable) as refused:
        _another(shop.id, merchant).check()
    assert refused.value.retry_after is not None
    with scope.merchant(merchant.id):
        sql.run(
            "UPDATE connections_circuit_breaker SET probe_at = clock_timestamp()"
            " WHERE connection_id = %s",
            [shop.id],
        )
    probe = _another(shop.id, merchant)
    probe.check()
    with pytest.raises(Unavailable):
        _another(shop.id, merchant).check()
    probe.record(is_available=True)
    _another(shop.id, merchant).check()


def _another(connection_id: int, merchant: Merchant) -> SharedBreaker:
    """The same breaker as another process has it."""
    return SharedBreaker(connection_id=connection_id, merchant_id=merchant.id)
