"""Mutated payloads through edge and intake: no 5xx, no traceback, nothing half-written or forged.

`FUZZ_PAYLOADS` is how many per platform: a few in the suite, 100,000 by `make fuzz`. `FUZZ_SEED`
repeats a run.
"""

import base64
import hashlib
import hmac
import http.client
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.canon.orders import Mode
from entrepot.config.asgi import edge_application
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.database import sql
from entrepot.intake.drain import drain
from tests.connections.accounts import SHOP_SECRET, a_gateway, a_print_house, a_shop, hook_path
from tests.fuzz.mutations import mutated, payloads_of
from tests.serving import serve

PAYLOADS = int(os.environ.get("FUZZ_PAYLOADS", "240"))
SEED = int(os.environ.get("FUZZ_SEED", "7"))
BATCH = 500
SENDERS = 4
GATEWAY_SECRET = "whsec_geheim_1"
CARRIER_SECRET = "geheim-ß-77"
TOPICS = ("order.updated", "order.created", "order.deleted", "product.updated", "no such topic", "")
ANSWERS = {200, 400, 401, 404, 413}
# A shop's ping is not signed and is answered 200 as well; nothing is kept of it.
TAKEN = {'{"status":"stored"}', '{"status":"duplicate"}'}

Headers = dict[str, str]


@dataclass(frozen=True)
class Delivery:
    """One request; a forged one must never be taken."""

    body: bytes
    headers: Headers
    path: str
    is_forged: bool


def _signed_as_shop(body: bytes, chance: random.Random) -> Headers:
    digest = hmac.digest(SHOP_SECRET.encode(), body, hashlib.sha256)
    return {
        "X-WC-Webhook-Topic": chance.choice(TOPICS),
        "X-WC-Webhook-Signature": base64.b64encode(digest).decode(),
    }


def _signed_as_gateway(body: bytes, chance: random.Random) -> Headers:
    at = int(time.time()) + chance.choice((0, 0, -200, 30))
    signed = hmac.new(GATEWAY_SECRET.encode(), b"%d." % at + body, hashlib.sha256)
    return {"Stripe-Signature": f"t={at},v1={signed.hexdigest()}"}


def _signed_as_carrier(body: bytes, chance: random.Random) -> Headers:
    signed = hmac.new(CARRIER_SECRET.encode(), body, hashlib.sha256)
    return {"X-Hmac-Signature": f"hmac-sha256-hex={signed.hexdigest()}"}


def _a_carrier(merchant: Merchant) -> Connection:
    return services.add_connection(
        merchant.id,
        platform="easypost",
        mode=Mode.TEST,
        name="Paketdienst",
        settings={"api_key": "EZTK123", "webhook_secret": CARRIER_SECRET},
    )


Sign = Callable[[bytes, random.Random], Headers]
SIGNED: dict[str, tuple[Callable[[Merchant], Connection], Sign]] = {
    "woocommerce": (lambda merchant: a_shop(merchant, mode=Mode.TEST), _signed_as_shop),
    "stripe": (lambda merchant: a_gateway(merchant, secret=GATEWAY_SECRET), _signed_as_gateway),
    "easypost": (_a_carrier, _signed_as_carrier),
    # It signs nothing: the token in the address is the proof, and a body is only a hint.
    "prodigi": (lambda merchant: a_print_house(merchant, mode=Mode.TEST), lambda *_: {}),
}


@pytest.mark.timeout(60 + PAYLOADS // 5)
@pytest.mark.parametrize("platform", SIGNED)
def test_mutated_payloads_are_taken_whole_parked_or_refused(
    merchant: Merchant, platform: str
) -> None:
    connect, sign = SIGNED[platform]
    made = connect(merchant)
    connection = services.go_live(made.id, merchant_id=merchant.id)
    chance = random.Random(f"{SEED} {platform}")
    bodies = islice(mutated(payloads_of(platform), chance), PAYLOADS)
    deliveries = (_delivery(body, connection, platform, sign, chance) for body in bodies)
    said: Counter[str] = Counter()

    with capture_logs() as logged, serve(edge_application, lifespan="on") as address:
        while batch := list(islice(deliveries, BATCH)):
            answers = list(_answers(address, batch))
            assert [status for status, _ in answers if status not in ANSWERS] == []
            taken = [told for told, (_, word) in zip(batch, answers, strict=True) if word in TAKEN]
            assert [told for told in taken if told.is_forged] == []
            said.update(body for _, body in answers)
            while drain("live"):
                pass

    assert said['{"status":"stored"}'] > PAYLOADS // 4, said
    assert _count("SELECT count(*) FROM inbox_message") == said['{"status":"stored"}']
    assert [one for one in logged if one["log_level"] in {"error", "critical"}] == []
    assert _faults() == {name: [] for name in FAULTS}


def _delivery(
    body: bytes, connection: Connection, platform: str, sign: Sign, chance: random.Random
) -> Delivery:
    path, headers = hook_path(connection), sign(body, chance)
    is_signed = platform != "prodigi"
    if chance.random() < 0.7:
        return Delivery(body, headers, path, is_forged=False)
    if not is_signed:
        return Delivery(body, headers, path[:-1] + "!", is_forged=True)
    match chance.randrange(4):
        case 0:
            return Delivery(body, {}, path, is_forged=True)
        case 1:
            return Delivery(body + b" ", headers, path, is_forged=True)
        case 2:
            name = next(name for name in headers if "ignature" in name)
            odd = chance.choice(("", "häh", "t=1,v1=00", "=" * 4000, headers[name][:-2]))
            return Delivery(body, {**headers, name: odd}, path, is_forged=True)
        case _:
            return Delivery(body[: len(body) // 2] + b"\x00", headers, path, is_forged=True)


def _answers(address: str, batch: list[Delivery]) -> Iterator[tuple[int, str]]:
    """Send a batch over a few connections at once; status and body of each, in order."""
    place = urlsplit(address)

    def send(part: list[Delivery]) -> list[tuple[int, str]]:
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
        told = []
        for one in part:
            headers = {name: value.encode() for name, value in one.headers.items()}
            connection.request("POST", one.path, one.body, headers)
            answer = connection.getresponse()
            told.append((answer.status, answer.read().decode()))
        connection.close()
        return told

    size = -(-len(batch) // SENDERS)
    parts = [batch[at : at + size] for at in range(0, len(batch), size)]
    with ThreadPoolExecutor(SENDERS) as pool:
        for answers in pool.map(send, parts):
            yield from answers


# Each finds what must not be: rows that a parked message left behind, counters without their facts.
FAULTS = {
    "messages without an end": """
        SELECT m.id
        FROM inbox_message AS m
        WHERE NOT EXISTS (SELECT FROM inbox_outcome AS o WHERE o.message_id = m.id)
    """,
    "work that goes on for ever": "SELECT message_id FROM inbox_work WHERE NOT is_parked",
    "reasons that nobody foresaw": """
        SELECT message_id, reason
        FROM inbox_outcome
        WHERE reason ~ 'Traceback|cannot read it: |Error: '
    """,
    "facts of parked messages": """
        SELECT DISTINCT e.name, e.cause
        FROM event AS e
        JOIN inbox_work AS w ON e.cause = 'inbox:' || w.message_id
        WHERE w.is_parked AND e.name <> 'inbox.parked'
    """,
    "orders that no event made": """
        SELECT o.id
        FROM orders_order AS o
        WHERE 1 <> (
            SELECT count(*) FROM event AS e WHERE e.order_id = o.id AND e.name = 'order.imported'
        )
    """,
    "orders whose units are not those of their lines": """
        SELECT o.id
        FROM orders_order AS o
        LEFT JOIN orders_line AS l ON l.order_id = o.id
        GROUP BY o.id
        HAVING o.units_ordered <> coalesce(sum(l.quantity), 0)
            OR o.units_cancelled <> coalesce(sum(l.units_cancelled), 0)
    """,
    "orders whose money is not that of their entries": """
        SELECT o.id
        FROM orders_order AS o
        LEFT JOIN payments_entry AS e
            ON e.order_id = o.id AND e.counts AND e.kind = 'captured' AND e.currency = o.currency
        GROUP BY o.id
        HAVING o.amount_captured <> coalesce(sum(e.amount), 0)
            OR o.amount_refunded > o.amount_captured + o.amount_disputed
    """,
    "orders whose holds are not counted": """
        SELECT o.id
        FROM orders_order AS o
        WHERE o.open_holds <> (
            SELECT count(*) FROM orders_hold AS h WHERE h.order_id = o.id AND h.lifted_at IS NULL
        )
    """,
}


def _faults() -> dict[str, list[tuple[object, ...]]]:
    with scope.system():
        return {name: sql.fetch(statement)[:5] for name, statement in FAULTS.items()}


def _count(statement: str) -> int:
    with scope.system():
        return int(sql.fetch_value(statement))
