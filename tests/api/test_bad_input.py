"""Whatever is sent, the answer is clear and never a fault of ours."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.calling import Answered, Caller
from tests.api.walking import Operation, filled, operations
from tests.dashboard.scene import Scene

ODD: tuple[Any, ...] = (
    None, "", " ", "x" * 5000, "\x00", "\ud800", "نص", "1e999", "NaN", -1, 0, 2**63, 10**40, 1.5,
    True, [], [None], {}, {"a": {"b": []}}, [[[]]],
)  # fmt: skip
ODD_WORDS = ("0", "-1", "9" * 30, "%00", "x" * 3000, "%F0%9F%8C%8A", "..%2f", "id:")
RAW = (
    b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"reason": ', b'"text"', b"[" * 5000,
    b'{"a":' * 3000, b"\x00" * 10,
)  # fmt: skip
FILES = (
    b"", b"\xff\xfe\x00", b"a,b\n1,2\n", b'sku,kind\n"open', b"sku,sku,kind\n", b"\n",
)  # fmt: skip
SEED = 20261120


def checked(operation: Operation, answer: Answered, what: object) -> None:
    """Never a fault of ours, and a refusal says what is wrong."""
    assert answer.status < 500, f"{operation.name} {what!r}: {answer.text[:500]}"
    if answer.status >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json", operation.name
        assert answer.body["detail"], operation.name


def changed(body: Any, dice: random.Random) -> Iterator[Any]:
    """The body with one thing after the other replaced by something odd, or left out."""
    yield dice.choice(ODD)
    if isinstance(body, dict):
        for name in body:
            yield {key: value for key, value in body.items() if key != name}
            for odd in dice.sample(ODD, 1):
                yield {**body, name: odd}
            for deeper in changed(body[name], dice) if isinstance(body[name], dict | list) else ():
                yield {**body, name: deeper}
    if isinstance(body, list):
        for place, item in enumerate(body):
            for odd in changed(item, dice):
                yield [*body[:place], odd, *body[place + 1 :]]


@pytest.fixture
def dice() -> random.Random:
    return random.Random(SEED)


def test_odd_bodies_are_refused_or_taken_never_a_fault(
    machine: Caller, shop_day: Scene, dice: random.Random
) -> None:
    values = _values(shop_day)
    for operation in (one for one in operations() if not one.is_reading):
        path = filled(operation.path, values)
        for body in changed(operation.body or {}, dice):
            raw = json.dumps(body).encode()
            checked(operation, machine.send(operation.method, path, raw), body)
        for raw in dice.sample(RAW, 2):
            checked(operation, machine.send(operation.method, path, raw), raw[:20])


def test_odd_words_in_addresses_are_refused_or_found_never_a_fault(
    machine: Caller, shop_day: Scene, dice: random.Random
) -> None:
    for operation in (one for one in operations() if "{" in one.path):
        for word in dice.sample(ODD_WORDS, 4):
            names = dict.fromkeys(("key", "sku", "reference"), word)
            ids = {name: word for name in _values(shop_day) if name not in names}
            path = filled(operation.path, {**ids, **names})
            checked(operation, machine.send(operation.method, path, operation.body), word)


def test_odd_queries_are_refused_or_answered_never_a_fault(
    machine: Caller, shop_day: Scene, dice: random.Random
) -> None:
    odd = ("", "-1", "9" * 30, "x" * 400, "true", "2026-13-45", "0001-01-01T00:00:00Z", "W10")
    for operation in (one for one in operations() if one.is_reading):
        path = filled(operation.path, _values(shop_day))
        for name in operation.query:
            for word in dice.sample(odd, 3):
                checked(operation, machine.get(path, **{name: word}), (name, word))


@pytest.mark.parametrize("size", [11 * 1024 * 1024])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(machine: Caller, size: int) -> None:
    answer = machine.send("POST", "/api/v1/orders", b" " * size)

    assert answer.status == 413
    assert "10 MB" in answer.body["detail"]


def test_a_file_that_is_no_table_is_refused(machine: Caller) -> None:
    for path in ("/api/v1/order-imports", "/api/v1/mapping-imports"):
        for raw in (
            b"",
            b"\xff\xfe\x00",
            "sku,kind\nA\x00,nothing".encode("utf-16"),
            b"a,b\n1,2\n",
            b'sku,kind\n"open',
            b"sku,sku,kind\n",
            b"\n",
        ):
            answer = machine.send("POST", path, raw, content_type="text/csv")
            assert answer.status == 422, (path, raw, answer.text)


def _values(shop: Scene) -> dict[str, object]:
    """Things that are there, so that odd words reach the services."""
    return {
        "key": "10482",
        "sku": "PRT-LEU-5070",
        "reference": "co_nothing",
        "connection_id": shop.connections["shop"].id,
        "share_id": 1,
        "hold_id": 1,
        "refund_id": 1,
        "pause_id": 1,
        "message_id": 1,
        "attempt_id": 1,
        "obligation_id": 1,
        "mail_id": 1,
        "alert_id": 1,
    }
