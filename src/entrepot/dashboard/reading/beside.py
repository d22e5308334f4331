"""The small things that stand beside an order, read with one statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from entrepot.database import sql
from entrepot.orders.models import Note, Order, Tag, TaxLine
from entrepot.payments.models import Refund

# By orders_tag_key, orders_note_order_id, orders_tax_line_order, payments_refund_key and
# orders_customer. Amounts travel as text: a json number would be a float.
_BESIDE = """
    SELECT
        ARRAY(SELECT t.word FROM orders_tag AS t WHERE t.order_id = %(id)s ORDER BY t.id),
        ARRAY(
            SELECT json_build_object('author', n.author, 'text', n.text, 'at', n.written_at)::text
            FROM orders_note AS n
            WHERE n.order_id = %(id)s
            ORDER BY n.written_at DESC, n.id DESC
            LIMIT 50
        ),
        ARRAY(
            SELECT json_build_object(
                'name', x.name, 'rate', x.rate::text, 'amount', x.amount::text,
                'is_included', x.is_included
            )::text
            FROM orders_tax_line AS x
            WHERE x.order_id = %(id)s
            ORDER BY x.id
        ),
        ARRAY(
            SELECT json_build_object(
                'status', r.status, 'reason', r.reason, 'at', r.wanted_at,
                'amount', r.amount::text, 'currency', r.currency
            )::text
            FROM payments_refund AS r
            WHERE r.order_id = %(id)s AND r.status IN ('wanted', 'pending')
            ORDER BY r.number
        ),
        (
            SELECT count(*)
            FROM orders_order AS o
            WHERE o.customer_id = %(customer)s AND o.mode = %(mode)s
                AND o.placed_at < %(placed_at)s
        )
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Tags and taxes in their order, notes the newest first, refunds under way by number.

    `earlier` counts the customer's orders before this one.
    """

    tags: list[Tag]
    notes: list[Note]
    taxes: list[TaxLine]
    refunds: list[Refund]
    earlier: int


def beside(order: Order) -> Beside:
    """What stands beside an order."""
    found = sql.fetch_one(
        _BESIDE,
        {
            "id": order.id,
            "customer": order.customer_id,
            "mode": order.mode,
            "placed_at": order.placed_at,
        },
    )
    assert found is not None
    tags, notes, taxes, refunds, earlier = found
    return Beside(
        tags=[Tag(word=word) for word in tags],
        notes=[_note(msgspec.json.decode(told)) for told in notes],
        taxes=[_tax(msgspec.json.decode(told)) for told in taxes],
        refunds=[_refund(msgspec.json.decode(told)) for told in refunds],
        earlier=earlier,
    )


def _note(told: Mapping[str, Any]) -> Note:
    at = datetime.fromisoformat(told["at"])
    return Note(author=told["author"], text=told["text"], written_at=at)


def _tax(told: Mapping[str, Any]) -> TaxLine:
    return TaxLine(
        name=told["name"],
        rate=None if told["rate"] is None else Decimal(told["rate"]),
        amount=Decimal(told["amount"]),
        is_included=told["is_included"],
    )


def _refund(told: Mapping[str, Any]) -> Refund:
    return Refund(
        status=told["status"],
        reason=told["reason"],
        wanted_at=datetime.fromisoformat(told["at"]),
        amount=Decimal(told["amount"]),
        currency=told["currency"],
    )
