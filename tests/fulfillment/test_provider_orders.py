"""Providers' words that come together say what they would have said one after another."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from entrepot.access import scope
from entrepot.canon.fulfillment import (
    IssueKind,
    ProviderIssue,
    ProviderOrder,
    ProviderStage,
    ShipmentState,
)
from entrepot.connections.models import Connection
from entrepot.database import clock, sql
from entrepot.events.models import Event
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.progress import ProviderNews, apply_provider_orders
from tests.fulfillment.hearing import NOON, accepted, facts, hear, left, owed, said
from tests.rules.trade import Trade, connect


@pytest.fixture
def provider(trade: Trade) -> Connection:
    """A print house without an outside, which makes both prints and cards."""
    house = connect(trade.merchant, "prodigi")
    trade.made_by(house, "MOEWE-A3", "POST-12")
    return house


def test_an_older_word_after_the_newer_one_changes_nothing(
    trade: Trade, provider: Connection
) -> None:
    (share,) = accepted(trade, "1")

    hear(
        trade,
        provider,
        said(share, left("s-1", tracking="JD01"), minute=2, stage=ProviderStage.COMPLETE),
        said(share, left("s-2", tracking="JD02"), minute=1),
    )

    (found,) = trade.shares("1")
    assert (found.provider_stage, found.status) == ("complete", "closed")
    assert found.provider_updated_at == NOON + timedelta(minutes=2)
    assert facts(trade) == (
        ["s-1"],
        [(1, 2, "shipped"), (1, 3, "shipped")],
        [(1, "JD01", "unknown")],
    )
    assert trade.events("fulfillment_order.changed") == ["fulfillment_order.changed"]


def test_shares_of_one_order_that_leave_together_have_numbers_of_their_own(
    trade: Trade,
) -> None:
    prints, cards = connect(trade.merchant, "prodigi"), connect(trade.merchant, "prodigi")
    trade.made_by(prints, "MOEWE-A3")
    trade.made_by(cards, "POST-12")
    first, second = accepted(trade, "1")

    with scope.system():
        apply_provider_orders(
            [
                ProviderNews(
                    merchant_id=trade.merchant.id,
                    connection_id=share.connection_id,
                    answer=said(share, left(f"s-{share.share}", tracking=f"JD0{share.share}")),
                    cause=f"inbox:{share.share}",
                )
                for share in (first, second)
            ]
        )

    assert facts(trade) == (
        ["s-1", "s-2"],
        [(1, 2, "shipped"), (2, 3, "shipped")],
        [(1, "JD01", "unknown"), (2, "JD02", "unknown")],
    )
    assert trade.statuses("1") == ["closed", "closed"]
    assert trade.order("1").fulfillment_status == "shipped"


def test_a_shipment_told_twice_together_counts_once(trade: Trade, provider: Connection) -> None:
    (share,) = accepted(trade, "1")
    part = left("s-1", tracking="JD01", units={1: 1})

    hear(trade, provider, said(share, part), said(share, part), said(share, part, minute=3))

    assert facts(trade) == (["s-1"], [(1, 1, "shipped")], [(1, "JD01", "unknown")])
    assert trade.lines("1")["MOEWE-A3"].units_shipped == 1
    assert trade.statuses("1") == ["accepted"]
    assert trade.events("shipment.recorded", "parcel.added") == [
        "parcel.added",
        "shipment.recorded",
    ]
    assert owed(trade) == ["deliver"]


def test_tracking_that_comes_in_a_later_word_of_the_batch_belongs_to_the_same_parcel(
    trade: Trade, provider: Connection
) -> None:
    (share,) = accepted(trade, "1")

    hear(
        trade,
        provider,
        said(share, left("s-1")),
        said(share, left("s-1", tracking="JD 01 23 45 67"), minute=2),
        said(share, left("s-1", tracking="JD02"), minute=3),
    )

    assert facts(trade)[2] == [(1, "JD 01 23 45 67", "unknown"), (2, "JD02", "unknown")]
    with scope.merchant(trade.merchant.id):
        told = Event.objects.filter(subject_kind__in=["shipment", "parcel"]).order_by("id")
        names = [(one.name, one.cause) for one in told if not one.name.startswith("obligation")]
        assert names == [
            ("shipment.recorded", "inbox:1"),
            ("parcel.added", f"fulfillment_order:{share.id}"),
            ("shipment.tracked", f"fulfillment_order:{share.id}"),
            ("parcel.added", f"fulfillment_order:{share.id}"),
            ("shipment.tracked", f"fulfillment_order:{share.id}"),
        ]
    assert {"jd01234567", "jd02"} <= _terms(trade)


def _terms(trade: Trade) -> set[str]:
    with scope.merchant(trade.merchant.id):
        rows = sql.fetch("SELECT term FROM search_term WHERE kind = 'order'")
    return {term for (term,) in rows}


def test_what_left_entirely_is_not_cancelled_by_the_next_word(
    trade: Trade, provider: Connection
) -> None:
    (share,) = accepted(trade, "1")

    hear(
        trade,
        provider,
        said(share, left("s-1", tracking="JD01")),
        said(share, minute=2, stage=ProviderStage.CANCELLED),
    )

    assert trade.statuses("1") == ["closed"]
    assert trade.holds("1") == []


def test_what_leaves_after_it_was_cancelled_is_a_case_for_a_person(
    trade: Trade, provider: Connection
) -> None:
    (share,) = accepted(trade, "1")

    hear(
        trade,
        provider,
        said(share, stage=ProviderStage.CANCELLED),
        said(share, left("s-1", tracking="JD01"), minute=2),
    )

    assert trade.statuses("1") == ["cancelled"]
    assert sorted(kind for kind, _ in trade.holds("1")) == ["refused", "shipped_after_cancel"]
    assert facts(trade)[2] == [(1, "JD01", "unknown")]
    with scope.merchant(trade.merchant.id):
        held = Event.objects.filter(name="order.held").order_by("id")
        assert [one.cause for one in held] == ["inbox:1", "inbox:2"]


def test_a_part_that_left_stays_planned_when_the_rest_is_cancelled_in_the_same_batch(
    trade: Trade, provider: Connection
) -> None:
    share, other = accepted(trade, "1", "2")

    hear(
        trade,
        provider,
        said(share, left("s-1", units={1: 1})),
        said(other, left("s-2")),
        said(share, left("s-1", units={1: 1}), minute=2, stage=ProviderStage.CANCELLED),
    )

    assert (trade.statuses("1"), trade.statuses("2")) == (["cancelled"], ["closed"])
    lines = trade.lines("1")
    assert [lines[sku].units_planned for sku in ("MOEWE-A3", "POST-12")] == [1, 0]


def test_a_shipment_that_is_taken_back_in_the_same_batch_owes_nothing_and_is_to_be_sent_again(
    trade: Trade, provider: Connection
) -> None:
    share, other = accepted(trade, "1", "2")
    hear(trade, provider, said(share, left("s-0")))

    hear(
        trade,
        provider,
        said(other, left("s-1", tracking="JD01"), minute=2),
        said(share, left("s-0", state=ShipmentState.CANCELLED), minute=2),
        said(other, left("s-1", state=ShipmentState.CANCELLED), minute=3),
    )

    assert (trade.statuses("1"), trade.statuses("2")) == (["accepted"], ["accepted"])
    assert facts(trade)[2] == [(1, "", "voided"), (1, "JD01", "voided")]
    assert trade.lines("2")["POST-12"].units_shipped == 0
    assert owed(trade) == ["ship"]
    assert trade.events("fulfillment_order.reopened") == ["fulfillment_order.reopened"]


def test_goods_that_turn_out_to_come_in_two_shipments_leave_once(
    trade: Trade, provider: Connection
) -> None:
    (share,) = accepted(trade, "1")

    hear(trade, provider, said(share, left("s-1", units={1: 2, 2: 3})))
    hear(
        trade,
        provider,
        said(share, left("s-1", units={1: 1, 2: 3}), left("s-2", units={1: 1}), minute=2),
    )

    lines = trade.lines("1")
    assert [lines[sku].units_shipped for sku in ("MOEWE-A3", "POST-12")] == [2, 3]
    assert facts(trade) == (
        ["s-1", "s-2"],
        [(1, 2, "shipped"), (1, 3, "shipped")],
        [(1, "", "unknown"), (2, "", "unknown")],
    )
    assert trade.statuses("1") == ["closed"]


def test_what_goes_instead_of_a_void_shipment_leaves_with_the_same_word(
    trade: Trade, provider: Connection
) -> None:
    (share,) = accepted(trade, "1")
    hear(trade, provider, said(share, left("s-1", units={1: 2, 2: 3})))

    void = left("s-1", state=ShipmentState.CANCELLED)
    hear(trade, provider, said(share, void, left("s-2", units={1: 2, 2: 3}), minute=2))

    lines = trade.lines("1")
    assert [lines[sku].units_shipped for sku in ("MOEWE-A3", "POST-12")] == [2, 3]
    assert trade.statuses("1") == ["closed"]


def test_a_case_that_is_reported_and_gone_in_one_batch_is_held_and_lifted(
    trade: Trade, provider: Connection
) -> None:
    share, other = accepted(trade, "1", "2")
    issue = ProviderIssue(kind=IssueKind.PAYMENT_NEEDED, code="order.pay", message="bitte zahlen")

    hear(
        trade,
        provider,
        said(share, issues=[issue]),
        said(other, issues=[issue]),
        said(share, minute=2),
    )

    assert (trade.holds("1"), trade.holds("2")) == (
        [],
        [("payment_needed", f"{other.id}:order.pay")],
    )
    assert trade.shares("1")[0].details["held"] == []
    assert trade.shares("2")[0].details["held"] == [["payment_needed", f"{other.id}:order.pay"]]
    with scope.merchant(trade.merchant.id):
        told = Event.objects.filter(name__in=["order.held", "order.hold_lifted"]).order_by("id")
        assert [(one.name, one.cause) for one in told] == [
            ("order.held", "inbox:1"),
            ("order.held", "inbox:2"),
            ("order.hold_lifted", "inbox:3"),
        ]


def test_a_word_that_brings_nothing_new_is_not_written_until_the_last_reading_is_old(
    trade: Trade, provider: Connection
) -> None:
    (share,) = accepted(trade, "1")
    word = said(share, left("s-1", tracking="JD01", units={1: 1}))
    hear(trade, provider, word)
    (before,) = trade.shares("1")

    hear(trade, provider, word)

    (repeated,) = trade.shares("1")
    assert before.provider_read_at is not None
    assert repeated.provider_read_at == before.provider_read_at
    with scope.merchant(trade.merchant.id):
        FulfillmentOrder.objects.update(provider_read_at=clock.now() - timedelta(minutes=2))

    hear(trade, provider, word)

    (later,) = trade.shares("1")
    assert later.provider_read_at is not None
    assert later.provider_read_at > before.provider_read_at


def test_a_word_about_a_share_that_has_left_counts_nothing_again(
    trade: Trade, provider: Connection
) -> None:
    (share,) = accepted(trade, "1")
    word = said(share, left("s-1", tracking="JD01"))
    hear(trade, provider, word)

    with CaptureQueriesContext(connections["system"]) as asked:
        hear(trade, provider, word)

    assert [one["sql"] for one in asked if "UPDATE " in one["sql"].replace("FOR UPDATE", "")] == []
    assert trade.statuses("1") == ["closed"]


def test_what_left_before_the_share_was_taken_closes_it_with_the_next_word(
    trade: Trade, provider: Connection
) -> None:
    (share,) = accepted(trade, "1")
    word = said(share, left("s-1", tracking="JD01"))
    with scope.merchant(trade.merchant.id):
        FulfillmentOrder.objects.update(status="open")
    hear(trade, provider, word)
    assert trade.statuses("1") == ["open"]
    with scope.merchant(trade.merchant.id):
        FulfillmentOrder.objects.update(status="accepted")

    hear(trade, provider, word)

    assert trade.statuses("1") == ["closed"]


@pytest.mark.parametrize("_case", ["first", "repeated", "news"])
def test_more_shares_need_no_more_statements(
    trade: Trade, provider: Connection, _case: str
) -> None:
    shares = accepted(trade, *(str(number) for number in range(8)))
    issue = ProviderIssue(kind=IssueKind.PAYMENT_NEEDED, code="order.pay", message="bitte zahlen")

    def words(some: Sequence[FulfillmentOrder]) -> list[ProviderOrder]:
        return [
            said(share, left(f"s-{share.id}", tracking=f"JD{share.id}"), issues=[issue])
            for share in some
        ]

    counts = []
    for some in (shares[:2], shares[2:]):
        told = words(some)
        if _case != "first":
            hear(trade, provider, *told)
        if _case == "news":
            told = [replace(one, updated_at=NOON + timedelta(hours=1)) for one in told]
        with CaptureQueriesContext(connections["system"]) as asked:
            hear(trade, provider, *told)
        counts.append(len(asked))

    assert counts[0] == counts[1]
    assert trade.statuses("0") == trade.statuses("7") == ["closed"]
