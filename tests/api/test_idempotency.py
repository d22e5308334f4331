"""The same key with the same request is answered as before, and done once."""

import threading
from concurrent.futures import ThreadPoolExecutor

from django.db import connections
from django.http import HttpResponse

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.access.permissions import SCOPES
from entrepot.api.idempotency import CLAIM_S, Repeatable, around_calls
from entrepot.api.models import KeptAnswer
from entrepot.database import sql
from entrepot.orders.models import Note
from tests.api.calling import Answered, Caller, caller
from tests.dashboard.scene import Scene

NOTE = "/api/v1/orders/10482/notes"


def notes(shop: Scene) -> int:
    with scope.merchant(shop.merchant.id):
        return Note.objects.filter(text__startswith="Rückruf").count()


def test_a_repeat_gets_the_first_answer_and_nothing_is_done_again(
    machine: Caller, shop_day: Scene
) -> None:
    first = machine.post(NOTE, {"text": "Rückruf um 9"}, key="note-1")
    again = machine.post(NOTE, {"text": "Rückruf um 9"}, key="note-1")

    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert notes(shop_day) == 1


def test_another_request_of_the_same_key_is_refused(machine: Caller, shop_day: Scene) -> None:
    machine.post(NOTE, {"text": "Rückruf um 9"}, key="note-1")

    body = machine.post(NOTE, {"text": "Rückruf um 10"}, key="note-1")
    path = machine.post("/api/v1/orders/10482/hold", {"reason": "x"}, key="note-1")

    assert (body.status, path.status) == (422, 422)
    assert "another request" in body.body["detail"]
    assert notes(shop_day) == 1


def test_a_refusal_is_not_kept_so_that_the_key_may_be_used_again(
    machine: Caller, shop_day: Scene
) -> None:
    refused = machine.post("/api/v1/orders/nobody/notes", {"text": "Rückruf"}, key="k")
    done = machine.post(NOTE, {"text": "Rückruf"}, key="k")

    assert (refused.status, done.status) == (404, 201)
    assert notes(shop_day) == 1


def test_keys_of_one_merchant_or_mode_are_not_those_of_another(
    machine: Caller, test_machine: Caller, stranger: Caller, shop_day: Scene
) -> None:
    path, body = "/api/v1/pauses", {"reason": "Inventur"}

    answers = [one.post(path, body, key="same") for one in (machine, test_machine, stranger)]

    assert [answer.status for answer in answers] == [201, 201, 201]
    assert len({answer.body["id"] for answer in answers}) == 3


def test_who_may_see_less_does_not_get_the_others_answer(shop_day: Scene) -> None:
    reason = {"reason": "Rückruf"}
    seeing = caller(shop_day.merchant)
    blind = caller(shop_day.merchant, scopes=set(SCOPES) - {"personal_data:read"})

    full = seeing.post("/api/v1/orders/10482/hold", reason, key="k")
    less = blind.post("/api/v1/orders/10482/hold", reason, key="k")

    assert full.body["customer"]["email"] == "mareike@seemail.example"
    assert less.status == 422
    assert "mareike" not in less.text


def test_many_at_once_do_it_once(machine: Caller, shop_day: Scene) -> None:
    many = 6
    ready = threading.Barrier(many)

    def send(_: int) -> Answered:
        ready.wait()
        return _in_thread(machine)

    with ThreadPoolExecutor(many) as pool:
        answers = list(pool.map(send, range(many)))

    statuses = [answer.status for answer in answers]
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert notes(shop_day) == 1
    waiting = [answer for answer in answers if answer.status == 409]
    assert all(answer.headers["Retry-After"] == "1" for answer in waiting)


def _in_thread(machine: Caller) -> Answered:
    try:
        return machine.post(NOTE, {"text": "Rückruf um 9"}, key="at-once")
    finally:
        connections.close_all()


def test_a_claim_that_a_dead_process_left_ends_by_itself(merchant: Merchant, database: str) -> None:
    wanted = Repeatable(merchant_id=merchant.id, mode="live", key="k", fingerprint=b"f" * 32)

    with scope.merchant(merchant.id):
        sql.run(
            "INSERT INTO api_kept_answer (merchant_id, mode, idempotency_key, fingerprint, body,"
            " claimed_until) VALUES (%s, 'live', 'k', %s, '', now() - interval '1 second')",
            [merchant.id, wanted.fingerprint],
        )
    assert CLAIM_S > 25  # a call may last its whole deadline
    answer = around_calls(wanted, lambda: HttpResponse(b"{}", status=201))

    assert answer.status_code == 201
    with scope.merchant(merchant.id):
        assert KeptAnswer.objects.get().status_code == 201


def test_what_is_kept_is_sealed(machine: Caller, shop_day: Scene) -> None:
    machine.post("/api/v1/orders/10482/hold", {"reason": "Rückruf"}, key="k")

    with scope.merchant(shop_day.merchant.id):
        kept = bytes(KeptAnswer.objects.get().body)
    assert b"mareike" not in kept
    assert len(kept) > 1000
