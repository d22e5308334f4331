"""Promises: opened once, ended once, told once when they are late."""

from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.events import outbox
from entrepot.events.models import Event
from entrepot.obligations import services
from entrepot.obligations.models import Obligation
from entrepot.obligations.services import NewObligation
from entrepot.obligations.states import End, Kind


def promise(merchant: Merchant, subject_id: int, **changes: object) -> NewObligation:
    values: dict[str, object] = {
        "merchant_id": merchant.id,
        "mode": "live",
        "kind": Kind.SUBMIT,
        "subject_kind": "fulfillment_order",
        "subject_id": subject_id,
        "order_id": 1000 + subject_id,
    }
    return NewObligation(**(values | changes))  # type: ignore[arg-type]


def names_of_events(merchant: Merchant) -> list[str]:
    with scope.merchant(merchant.id):
        return list(
            Event.objects.filter(merchant_id=merchant.id)
            .exclude(name="merchant.created")
            .order_by("id")
            .values_list("name", flat=True)
        )


def test_a_promise_is_due_after_the_default_time_of_its_kind(merchant: Merchant) -> None:
    with scope.merchant(merchant.id), outbox.because(cause="event:9"):
        opened = services.open_many(
            [promise(merchant, 1), promise(merchant, 2, kind=Kind.TELL_CUSTOMER)]
        )

    with scope.merchant(merchant.id):
        rows = {row.subject_id: row for row in Obligation.objects.filter(merchant_id=merchant.id)}
    assert opened == 2
    assert rows[1].due_at - rows[1].opened_at == timedelta(minutes=15)
    assert rows[2].due_at - rows[2].opened_at == timedelta(minutes=5)
    assert rows[1].cause == "event:9"
    assert names_of_events(merchant) == ["obligation.opened", "obligation.opened"]


def test_a_merchants_own_deadline_wins_and_counts_from_the_given_instant(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    cooled_off = timezone.now() + timedelta(minutes=30)
    services.set_deadline(merchant.id, Kind.SUBMIT, allowed=timedelta(minutes=40))

    with scope.system():
        services.open_many(
            [
                promise(merchant, 1, counts_from=cooled_off),
                promise(other_merchant, 1, counts_from=cooled_off),
            ]
        )

    with scope.system():
        due = dict(Obligation.objects.values_list("merchant_id", "due_at"))
    assert due[merchant.id] == cooled_off + timedelta(minutes=40)
    assert due[other_merchant.id] == cooled_off + timedelta(minutes=15)


def test_opening_twice_keeps_the_first_deadline(merchant: Merchant) -> None:
    first = timezone.now() + timedelta(days=3)
    shipping = promise(merchant, 7, kind=Kind.SHIP, due_at=first)
    with scope.merchant(merchant.id):
        services.open_many([shipping])

        again = services.open_many(
            [promise(merchant, 7, kind=Kind.SHIP, due_at=first + timedelta(days=9)), shipping]
        )

    with scope.merchant(merchant.id):
        rows = list(Obligation.objects.filter(merchant_id=merchant.id))
    assert again == 0
    assert [row.due_at for row in rows] == [first]
    assert names_of_events(merchant) == ["obligation.opened"]


def test_a_kind_without_a_default_needs_a_deadline(merchant: Merchant) -> None:
    with scope.merchant(merchant.id), pytest.raises(services.DeadlineMissing):
        services.open_many([promise(merchant, 1), promise(merchant, 2, kind=Kind.SHIP)])

    with scope.merchant(merchant.id):
        assert Obligation.objects.filter(merchant_id=merchant.id).count() == 0


def test_a_promise_is_met_once_and_may_be_opened_again(merchant: Merchant) -> None:
    key = (merchant.id, "submit", "fulfillment_order", 1)
    with scope.merchant(merchant.id):
        services.open_many([promise(merchant, 1), promise(merchant, 2)])

        met = services.meet_many([key, (merchant.id, "refund", "fulfillment_order", 1)])
        again = services.meet_many([key])
        reopened = services.open_many([promise(merchant, 1)])

    with scope.merchant(merchant.id):
        ends = list(
            Obligation.objects.filter(merchant_id=merchant.id)
            .order_by("id")
            .values_list("subject_id", "end")
        )
    assert (met, again, reopened) == (1, 0, 1)
    assert ends == [(1, End.MET), (2, ""), (1, "")]


def test_what_went_away_is_void_with_its_reason(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        services.open_many([promise(merchant, 3)])
    with scope.merchant(merchant.id), outbox.because(actor="user:4"):
        services.void_many(
            [(merchant.id, "submit", "fulfillment_order", 3)], reason="the order is cancelled"
        )

    with scope.merchant(merchant.id):
        row = Obligation.objects.get(merchant_id=merchant.id)
    assert (row.end, row.ended_by, row.reason) == (End.VOID, "user:4", "the order is cancelled")
    assert names_of_events(merchant) == ["obligation.opened", "obligation.voided"]


def test_a_person_waives_with_a_reason_and_only_their_own(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    with scope.merchant(merchant.id):
        services.open_many([promise(merchant, 5)])
        row_id = Obligation.objects.get(merchant_id=merchant.id).id

    with pytest.raises(services.ReasonMissing):
        services.waive(row_id, merchant_id=merchant.id, by="user:1", reason="  ")
    with pytest.raises(services.UnknownObligation):
        services.waive(row_id, merchant_id=other_merchant.id, by="user:2", reason="not mine")
    waived = services.waive(row_id, merchant_id=merchant.id, by="user:1", reason="Kunde weiß es")
    with pytest.raises(services.UnknownObligation):
        services.waive(row_id, merchant_id=merchant.id, by="user:1", reason="again")

    assert (waived.end, waived.ended_by, waived.reason) == (
        End.WAIVED,
        "user:1",
        "Kunde weiß es",
    )
    assert names_of_events(merchant) == ["obligation.opened", "obligation.waived"]


def test_a_missed_deadline_is_told_once(merchant: Merchant, other_merchant: Merchant) -> None:
    late = timezone.now() - timedelta(minutes=21)
    with scope.system():
        services.open_many(
            [
                promise(merchant, 1, due_at=late),
                promise(merchant, 2, due_at=late),
                promise(merchant, 3),
                promise(other_merchant, 4, due_at=late),
            ]
        )

    told = [services.tell_overdue(limit=2), services.tell_overdue(), services.tell_overdue()]

    assert told == [2, 1, 0]
    assert names_of_events(merchant).count("obligation.overdue") == 2
    assert names_of_events(other_merchant).count("obligation.overdue") == 1
