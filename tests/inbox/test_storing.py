"""What came in is stored once, whole and sealed; repeats are counted."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connections

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.connect.webhook import Refused
from entrepot.connections.models import Connection
from entrepot.inbox import claiming, queries, sealing, services
from entrepot.inbox.models import InboxMessage, InboxOutcome, InboxSeen, InboxWork, Refusal
from entrepot.inbox.states import Outcome, Source
from entrepot.inbox.storing import IMPORT_LANE, Incoming, Stored
from tests.connections.accounts import a_print_house, a_shop, events_of, fresh

BODY = '{"id": 4711, "name": "Jürgen Å ✓", "total": "1250", "currency": "JPY"}'.encode()


@pytest.fixture
def shop(merchant: Merchant) -> Connection:
    return a_shop(merchant)


def incoming(shop: Connection, number: int = 1, **changes: Any) -> Incoming:
    plain = Incoming(
        merchant_id=shop.merchant_id,
        connection_id=shop.id,
        mode=shop.mode,
        source=Source.WEBHOOK,
        topic="order.updated",
        body=BODY,
        dedupe_key=f"delivery-{number}",
        headers={"x-wc-webhook-topic": "order.updated"},
    )
    return replace(plain, **changes)


def stored(*batch: Incoming) -> list[Stored]:
    with scope.system():
        return services.store(batch)


def test_a_message_is_kept_sealed_and_opens_as_it_came(shop: Connection) -> None:
    (one,) = stored(incoming(shop))

    with scope.merchant(shop.merchant_id):
        message = InboxMessage.objects.get()
        work = InboxWork.objects.get()
    assert (message.id, one.is_repeat) == (one.message_id, False)
    assert (message.size, message.topic, message.headers) == (
        len(BODY),
        "order.updated",
        {"x-wc-webhook-topic": "order.updated"},
    )
    assert b"4711" not in bytes(message.body or b"")
    assert services.open_body(message) == BODY
    assert (work.message_id, work.lane, work.tries, work.is_parked) == (
        one.message_id,
        "live",
        0,
        False,
    )


def test_a_repeat_is_counted_and_stored_no_second_time(shop: Connection) -> None:
    (first,) = stored(incoming(shop))
    (second,) = stored(incoming(shop, body=b"another body under the same name"))
    (third,) = stored(incoming(shop))

    with scope.merchant(shop.merchant_id):
        seen = InboxSeen.objects.get()
        assert InboxMessage.objects.count() == InboxWork.objects.count() == 1
    assert [(one.message_id, one.is_repeat) for one in (second, third)] == [
        (first.message_id, True)
    ] * 2
    assert seen.repeats == 2
    assert seen.repeated_at is not None


def test_repeats_within_one_batch_are_one_message(shop: Connection) -> None:
    answers = stored(incoming(shop, 1), incoming(shop, 2), incoming(shop, 1), incoming(shop, 1))

    with scope.merchant(shop.merchant_id):
        assert InboxMessage.objects.count() == 2
        counts = dict(InboxSeen.objects.values_list("message_id", "repeats"))
    assert [one.is_repeat for one in answers] == [False, False, True, True]
    assert answers[0].message_id == answers[2].message_id == answers[3].message_id
    assert counts == {answers[0].message_id: 2, answers[1].message_id: 0}


def test_without_a_name_the_body_is_its_own(shop: Connection) -> None:
    answers = stored(
        incoming(shop, dedupe_key=""),
        incoming(shop, dedupe_key="", body=BODY + b" "),
        incoming(shop, dedupe_key=""),
    )

    assert [one.is_repeat for one in answers] == [False, False, True]


def test_the_same_name_at_another_connection_is_another_message(
    shop: Connection, merchant: Merchant, other_merchant: Merchant
) -> None:
    foreign = a_shop(other_merchant)

    answers = stored(incoming(shop), incoming(foreign), incoming(a_print_house(merchant)))

    assert [one.is_repeat for one in answers] == [False] * 3
    with scope.merchant(other_merchant.id):
        assert [row.connection_id for row in InboxMessage.objects.all()] == [foreign.id]


def test_a_message_cannot_be_stored_for_a_connection_of_another(
    shop: Connection, other_merchant: Merchant
) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        stored(incoming(shop, merchant_id=other_merchant.id))
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        stored(incoming(shop, mode="test"))


def test_text_that_postgresql_refuses_is_made_keepable(shop: Connection) -> None:
    stored(incoming(shop, topic="order\x00.up\ud800dated", headers={"x-odd": "a\x00b\ud800"}))

    with scope.merchant(shop.merchant_id):
        message = InboxMessage.objects.get()
    assert message.topic == "order\ufffd.up?dated"
    assert message.headers == {"x-odd": "a\ufffdb?"}


def test_many_writers_of_the_same_deliveries_store_each_once(shop: Connection) -> None:
    batch = [incoming(shop, number) for number in range(40)]

    def write(turn: int) -> int:
        try:
            mine = batch[turn:] + batch[:turn] if turn % 2 else list(reversed(batch))
            return sum(not one.is_repeat for one in stored(*mine))
        finally:
            connections["system"].close()

    with ThreadPoolExecutor(6) as pool:
        fresh_ones = list(pool.map(write, range(12)))

    with scope.merchant(shop.merchant_id):
        repeats = sum(InboxSeen.objects.values_list("repeats", flat=True))
        assert InboxMessage.objects.count() == 40
    assert sum(fresh_ones) == 40
    assert repeats == 11 * 40


def test_the_intake_is_woken_once_per_batch_that_holds_news(
    shop: Connection, database: str
) -> None:
    with psycopg.connect(database, autocommit=True) as listener:
        listener.execute("LISTEN entrepot_intake")
        stored(*(incoming(shop, number) for number in range(7)))
        stored(incoming(shop, 3))

        heard = list(listener.notifies(timeout=0.5, stop_after=2))

    assert len(heard) == 1


@pytest.fixture
def waiting(shop: Connection) -> list[int]:
    answers = stored(*(incoming(shop, number) for number in range(5)))
    return [one.message_id for one in answers]


def claimed(limit: int = 10, *, lasts: timedelta = timedelta(seconds=60)) -> list[claiming.Claimed]:
    with scope.system():
        return claiming.claim(limit=limit, lasts=lasts)


def test_a_claim_is_exclusive_ordered_and_opens(shop: Connection, waiting: list[int]) -> None:
    first, second, third = claimed(3), claimed(3), claimed(3)

    assert [one.message_id for one in first] == waiting[:3]
    assert [one.message_id for one in second] == waiting[3:]
    assert third == []
    message = first[0].opened()
    assert (message.source, message.topic, message.body) == ("webhook", "order.updated", BODY)
    assert message.headers == {"x-wc-webhook-topic": "order.updated"}


def test_claims_of_two_at_once_do_not_wait_for_each_other(waiting: list[int]) -> None:
    with scope.system():
        mine = claiming.claim(limit=2)
        with ThreadPoolExecutor(1) as pool:
            theirs = pool.submit(_claim_and_close, 10).result(10)

    assert [one.message_id for one in mine] == waiting[:2]
    assert theirs == waiting[2:]


def _claim_and_close(limit: int) -> list[int]:
    try:
        return [one.message_id for one in claimed(limit)]
    finally:
        connections["system"].close()


def test_a_claim_that_died_is_given_out_again(waiting: list[int]) -> None:
    claimed(5, lasts=timedelta(0))

    again = claimed(5)

    assert [(one.message_id, one.tries) for one in again] == [(each, 2) for each in waiting]


def test_who_has_few_messages_does_not_wait_for_whom_has_many(
    waiting: list[int], other_merchant: Merchant
) -> None:
    theirs = [one.message_id for one in stored(incoming(a_shop(other_merchant), 7))]

    first, second = claimed(4), claimed(4)

    assert [one.message_id for one in first] == [*waiting[:2], *theirs]
    assert [one.message_id for one in second] == waiting[2:]


def test_a_claim_of_large_bodies_takes_fewer(waiting: list[int]) -> None:
    taken = []
    with scope.system():
        for _ in range(4):
            found = claiming.claim(limit=10, most_bytes=len(BODY) + 1)
            taken.append([one.message_id for one in found])

    assert taken == [waiting[:2], waiting[2:4], waiting[4:], []]


def test_lanes_are_claimed_apart(shop: Connection, waiting: list[int]) -> None:
    (imported,) = stored(incoming(shop, 99, lane=IMPORT_LANE, source=Source.IMPORT))

    with scope.system():
        of_import = claiming.claim(IMPORT_LANE, limit=10)

    assert [one.message_id for one in of_import] == [imported.message_id]
    assert [one.message_id for one in claimed()] == waiting


def test_finished_messages_leave_the_work_and_keep_their_outcome(
    shop: Connection, waiting: list[int]
) -> None:
    claimed()
    results = [
        services.Finished(message_id=waiting[0], outcome=Outcome.APPLIED, order_id=17),
        services.Finished(message_id=waiting[1], outcome=Outcome.IGNORED, reason="not ours\x00"),
    ]

    with scope.system():
        ended, again = services.finish(results), services.finish(results)

    with scope.merchant(shop.merchant_id):
        left = set(InboxWork.objects.values_list("message_id", flat=True))
        outcomes = list(
            InboxOutcome.objects.order_by("id").values_list("message_id", "outcome", "order_id")
        )
    assert (ended, again) == (2, 0)
    assert left == set(waiting[2:])
    assert outcomes == [(waiting[0], "applied", 17), (waiting[1], "ignored", None)]


def test_what_time_may_heal_comes_back_later(shop: Connection, waiting: list[int]) -> None:
    claimed()
    with scope.system():
        services.retry(waiting[:1], after=timedelta(0), reason="deadlock")
        services.retry(waiting[1:2], after=timedelta(hours=1), reason="database away")

    assert [one.message_id for one in claimed()] == waiting[:1]


def test_a_parked_message_waits_for_a_person_who_replays_it(
    shop: Connection, waiting: list[int]
) -> None:
    claimed()
    with scope.system():
        services.park(waiting[0], reason="total: 12 is not 13")
        services.park(waiting[0], reason="said twice")
        services.retry(waiting[1:], after=timedelta(0), reason="")

    (parked,) = _listed(shop, outcome=Outcome.PARKED)
    assert (parked.id, parked.reason) == (waiting[0], "total: 12 is not 13")
    assert [one.message_id for one in claimed()] == waiting[1:]

    again = services.replay(waiting[:2], merchant_id=shop.merchant_id, reason="mapping mended")

    assert again == waiting[:1]  # the other one waits anyway
    assert [(one.message_id, one.tries) for one in claimed()] == [(waiting[0], 1)]


def test_a_finished_message_can_be_replayed(shop: Connection, waiting: list[int]) -> None:
    claimed()
    with scope.system():
        services.finish([services.Finished(message_id=waiting[0], outcome=Outcome.APPLIED)])

    services.replay(waiting[:1], merchant_id=shop.merchant_id)

    assert [one.message_id for one in claimed()] == waiting[:1]


def test_an_erased_body_is_not_replayed(shop: Connection, waiting: list[int]) -> None:
    with scope.system():
        InboxMessage.objects.filter(id=waiting[1]).update(body=None)

    with pytest.raises(sealing.BodyErased, match=f"m-{waiting[1]}"):
        services.replay(waiting, merchant_id=shop.merchant_id)


def test_only_what_is_parked_is_discarded(shop: Connection, waiting: list[int]) -> None:
    with scope.system():
        services.park(waiting[2], reason="no such currency")

    gone = services.discard(waiting, merchant_id=shop.merchant_id, reason="a test order")

    (discarded,) = _listed(shop, outcome=Outcome.DISCARDED)
    assert gone == [waiting[2]]
    assert (discarded.id, discarded.reason) == (waiting[2], "a test order")
    assert len(_listed(shop, outcome=Outcome.WAITING)) == 4


def test_another_merchant_can_neither_replay_nor_discard_it(
    shop: Connection, waiting: list[int], other_merchant: Merchant
) -> None:
    with scope.system():
        services.park(waiting[0], reason="unreadable")

    assert services.replay(waiting, merchant_id=other_merchant.id) == []
    assert services.discard(waiting, merchant_id=other_merchant.id, reason="mine?") == []
    assert len(_listed(shop, outcome=Outcome.PARKED)) == 1


def test_lists_show_outcome_repeats_and_pages(shop: Connection, waiting: list[int]) -> None:
    stored(incoming(shop, 1), incoming(shop, 1))

    page = _listed(shop, limit=3)
    rest = _listed(shop, limit=3, before_id=page[-1].id)

    assert [one.id for one in page + rest] == sorted(waiting, reverse=True)
    assert {one.id: one.repeats for one in page + rest if one.repeats} == {waiting[1]: 2}
    assert [one.id for one in _listed(shop, has_repeats=True)] == [waiting[1]]
    assert {one.outcome for one in page + rest} == {Outcome.WAITING}


def _listed(shop: Connection, **narrowed: Any) -> list[queries.Received]:
    with scope.merchant(shop.merchant_id):
        return queries.messages(shop.merchant_id, connection_id=shop.id, **narrowed)


def refuse(shop: Connection, body: bytes = b"x" * 9000) -> bool:
    return services.refuse(
        connection_id=shop.id,
        merchant_id=shop.merchant_id,
        refused=Refused("signature_mismatch", expected="HMAC\x00", seen="AAAA"),
        status_code=401,
        headers={"x-wc-webhook-signature": "AAAA"},
        body=body,
    )


def test_of_a_refusal_hash_headers_and_the_beginning_are_kept(shop: Connection) -> None:
    assert refuse(shop)

    with scope.merchant(shop.merchant_id):
        (kept,) = queries.refusals(shop.merchant_id)
    assert (kept.check_failed, kept.status_code, kept.size) == ("signature_mismatch", 401, 9000)
    assert bytes(kept.beginning) == b"x" * 4096
    assert kept.expected == "HMAC\ufffd"


def test_the_third_refusal_in_a_row_is_an_event(shop: Connection) -> None:
    for _ in range(5):
        refuse(shop)

    alarms = [row for row in events_of(shop) if row[0] == "connection.deliveries_refused"]
    assert alarms == [
        ("connection.deliveries_refused", {"check": "signature_mismatch", "refused": 3}, "")
    ]
    assert fresh(shop).refused_in_a_row == 5


def test_refusals_are_capped_per_connection_and_hour(shop: Connection, merchant: Merchant) -> None:
    kept = [refuse(shop) for _ in range(services.REFUSALS_PER_HOUR + 3)]
    other = a_print_house(merchant)

    assert kept == [True] * services.REFUSALS_PER_HOUR + [False] * 3
    assert refuse(other)
    with scope.merchant(shop.merchant_id):
        assert Refusal.objects.count() == services.REFUSALS_PER_HOUR + 1
