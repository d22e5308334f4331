"""What the page benchmarks ask for: addresses of a filled hub's largest merchant, by name."""

import random
from typing import Any
from urllib.parse import urlencode

from benchmarks.history import History, email_of

# Samples are drawn with this, so that two databases are asked alike.
SEED = 11


def pages(history: History, *, samples: int) -> dict[str, list[str]]:
    """The pages that people open all day; each name with as many addresses as samples."""
    from entrepot.database import sql  # noqa: PLC0415 -- app not ready
    from entrepot.notifications.links import tracking_token  # noqa: PLC0415 -- likewise

    drawn = _orders(history, samples)
    ids = [row[0] for row in drawn]
    deep = [f"/orders/?before={at.timestamp():.6f}:{id_}" for id_, at, *_ in drawn]
    shops = [row[0] for row in sql.fetch("SELECT id FROM connections_connection ORDER BY id", None)]
    asked = {
        "home, today": ["/"],
        "home, 7 days": ["/?days=7"],
        "home, 30 days": ["/?days=30"],
        "orders, first page": ["/orders/"],
        "orders, deep page": deep,
        "order": [f"/orders/{id_}/" for id_ in ids],
        "order, whole timeline": [f"/orders/{id_}/?timeline=full" for id_ in ids],
        "needs attention": ["/attention/"],
        "owed, overdue": ["/owed/overdue/"],
        "inbox": ["/inbox/"],
        "inbox, parked": ["/inbox/?outcome=parked"],
        "inbox, applied": ["/inbox/?outcome=applied"],
        "inbox, ignored": ["/inbox/?outcome=ignored"],
        "inbox, repeated": ["/inbox/?outcome=repeated"],
        "inbox, deep page": [f"/inbox/?before={id_ * 2}" for id_ in ids],
        "message": [f"/inbox/{id_ * 2}/" for id_ in ids],
        "connections": ["/connections/"],
        "connection": [f"/connections/{id_}/" for id_ in shops],
        "jobs": ["/jobs/"],
        "mappings": ["/mappings/"],
        "messages": ["/messages/"],
        "pick lists": ["/picklists/"],
        "tracking page": [
            f"/t/{tracking_token(history.merchant_ids[0], id_)}/" for id_ in ids[:samples]
        ],
    }
    return {name: _repeated(found, samples) for name, found in asked.items()}


def searches(history: History, *, samples: int) -> dict[str, list[str]]:
    """Every identifier that somebody may paste into the box, and parts that many orders share."""
    drawn = _orders(history, samples)
    words = {
        "number": [row[2] for row in drawn],
        "reference": [row[3] for row in drawn],
        "e-mail": [email_of(row[4]) for row in drawn],
        "payment id": [row[5][0] for row in drawn],
        "tracking number": _column(_TRACKING, drawn),
        "provider's number": _column(_PROVIDERS, drawn),
        "whole name": _column(_NAMES, drawn),
        "name of many": ["anna", "陽子", "müller"],
        "nothing known": ["no such thing", "zzz-1", "777777777777"],
    }
    return {
        f"search, {name}": _repeated(
            [f"/search/?{urlencode({'q': word})}" for word in found], samples
        )
        for name, found in words.items()
    }


def filters(*, samples: int) -> dict[str, list[str]]:
    """Each filter of the orders list, with values that are common, rare, and not there at all."""
    from entrepot.dashboard.reading import flow  # noqa: PLC0415 -- app not ready
    from entrepot.dashboard.reading.headline import State  # noqa: PLC0415 -- likewise
    from entrepot.database import sql  # noqa: PLC0415 -- likewise
    from entrepot.orders.states import (  # noqa: PLC0415 -- likewise
        FulfillmentStatus,
        HoldKind,
        PaymentStatus,
    )

    names = dict(sql.fetch("SELECT code, id FROM connections_connection"))
    values: dict[str, list[object]] = {
        "state": list(State),
        "storefront": [names["shop"], names["boutique"]],
        "provider": [names["prints"], names["hand"]],
        "hold": [HoldKind.UNMAPPED_SKU, HoldKind.ADDRESS_REFUSED, HoldKind.COST],
        "payment": list(PaymentStatus),
        "fulfillment": list(FulfillmentStatus),
        "owed": ["overdue", "hour", "today"],
        "sku": ["PRT-0001", "PRT-1990", "PRT-19*", "NO-SUCH"],
        "country": ["DE", "KW", "IS", "ZA"],
        "currency": ["EUR", "JPY", "USD", "GBP"],
        "tag": ["gift 🎁", "wedding 💍", "nobody's"],
        "place": [row[0] for row in flow.PLACES if row[0] not in {"refused", "parked"}],
        "reached": list(flow.STAGES),
        "find": ["anna", "100", "no such thing"],
        "from": ["2026-11-01"],
        "to": ["2026-09-01"],
        "heard": ["2026-11-20"],
    }
    return {
        f"orders by {key}: {value}": [f"/orders/?{urlencode({key: str(value)})}"] * samples
        for key, known in values.items()
        for value in known
    } | {
        "orders by two: DE and paid": ["/orders/?country=DE&payment=paid"] * samples,
        "orders by two: IS and gift": [f"/orders/?{urlencode({'country': 'IS', 'tag': 'gift 🎁'})}"]
        * samples,
    }


def rest(history: History, *, samples: int) -> dict[str, list[str]]:
    """The lists of the REST interface, and one order; with the merchant's API key."""
    from entrepot.database import sql  # noqa: PLC0415 -- app not ready

    drawn = _orders(history, samples)
    shop = sql.fetch_value("SELECT id FROM connections_connection WHERE code = 'boutique'")
    lists = (
        "orders", "orders?payment_status=refunded", "orders?status=open", "orders?is_held=true",
        "orders?hold=unmapped_sku", f"orders?connection_id={shop}", "orders?sku=PRT-1990",
        "orders?sku=PRT-19*", f"orders?{urlencode({'tag': 'wedding 💍'})}", "orders?currency=JPY",
        "orders?find=100777", f"orders?{urlencode({'email': email_of(77)})}",
        "orders?placed_to=2026-09-01T00:00:00Z", "orders?updated_since=2026-11-20T00:00:00Z",
        "fulfillment-orders", "fulfillment-orders?status=accepted", "inbox",
        "inbox?outcome=ignored", "inbox?has_repeats=true", "attempts", "attempts?status=unknown",
        "dead-letters", "obligations", "obligations?is_overdue=true", "mails",
        "mails?status=bounced", "notifications", "connections", "mappings", "health",
    )  # fmt: skip
    asked = {f"REST {path}": [f"/api/v1/{path}"] for path in lists}
    asked["REST one order"] = [f"/api/v1/orders/{row[3]}" for row in drawn]
    asked["REST one order's events"] = [f"/api/v1/orders/{row[3]}/events" for row in drawn]
    return {name: _repeated(found, samples) for name, found in asked.items()}


_DRAWN = """
    SELECT id, placed_at, number, reference, customer_id, transaction_ids
    FROM orders_order
    WHERE id = ANY (%s)
    ORDER BY id
"""
_TRACKING = "SELECT tracking_number FROM fulfillment_parcel WHERE order_id = ANY (%s)"
_PROVIDERS = (
    "SELECT external_id FROM fulfillment_order WHERE order_id = ANY (%s) AND external_id <> ''"
)
_NAMES = """
    SELECT c.name
    FROM orders_order AS o
    JOIN customers_customer AS c ON c.id = o.customer_id
    WHERE o.id = ANY (%s)
"""


def _orders(history: History, samples: int) -> list[tuple[Any, ...]]:
    """Orders of every age, spread over the whole past."""
    from entrepot.database import sql  # noqa: PLC0415 -- app not ready

    draw = random.Random(SEED)
    ids = [draw.randint(1, history.orders) for _ in range(samples * 4)]
    found = sql.fetch(_DRAWN, [ids])
    draw.shuffle(found)
    return found[:samples]


def _column(statement: str, drawn: list[tuple[Any, ...]]) -> list[str]:
    from entrepot.database import sql  # noqa: PLC0415 -- app not ready

    return [row[0] for row in sql.fetch(statement, [[row[0] for row in drawn]])]


def _repeated(found: list[str], samples: int) -> list[str]:
    return [found[number % len(found)] for number in range(samples)]
