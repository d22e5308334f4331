"""How far a flow was read, as a platform says it, and what of that is believed."""

from datetime import datetime, timedelta

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.connections import cursors
from entrepot.connections.models import Cursor
from entrepot.database import clock
from tests.connections.accounts import a_gateway


@pytest.mark.parametrize(
    ("_case", "ahead", "believed"),
    [
        ("a platform that is behind us", timedelta(hours=-3), timedelta(hours=-3)),
        ("one whose clock is ahead of ours", timedelta(days=2), timedelta(0)),
    ],
)
def test_nothing_counts_as_read_before_it_has_happened(
    merchant: Merchant, _case: str, ahead: timedelta, believed: timedelta
) -> None:
    gateway = a_gateway(merchant)
    with scope.system():
        cursors.claim_due()
    now: datetime = clock.now()

    with scope.merchant(merchant.id):
        reading = cursors.reading_of(gateway.id, "payments")
        assert reading is not None
        cursors.advance(reading, position="", read_until=now + ahead, is_last=True)
        kept = Cursor.objects.get(connection=gateway, flow="payments").read_until

    assert kept is not None
    assert abs(kept - (now + believed)) < timedelta(seconds=10)
