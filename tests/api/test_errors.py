"""What a program is told when the hub itself is in trouble."""

import pytest
from django.db import InterfaceError, OperationalError

from entrepot.api.errors import problem_of


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("terminating connection due to administrator command"),
        InterfaceError("connection already closed"),
    ],
)
def test_a_lost_database_is_a_reason_to_ask_again_and_not_our_fault(error: Exception) -> None:
    answer = problem_of(error).response("/api/v1/orders")

    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert b"Idempotency-Key" in answer.content
    assert str(error).encode() not in answer.content
