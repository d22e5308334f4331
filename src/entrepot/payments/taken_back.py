"""Finds refunds that a source named before and names no more: somebody took them back there.

A shop whose staff delete a refund sends no word of it; the order just names one refund fewer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.canon.money import Money
from entrepot.canon.orders import OrderSnapshot
from entrepot.canon.payments import PaymentFact, PaymentFactKind
from entrepot.connect.haste import hurried
from entrepot.database import sql
from entrepot.payments.ledger import IncomingFact

# A reading that was under way while a refund was made does not name it yet.
READINGS_OVERLAP = hurried(timedelta(minutes=10))
REASON = "the source names it no more"
# Only what messages named: a refund that we alone know of is left alone. By the index on order_id.
_GONE = """
    SELECT batch.n, entry.external_id, entry.payment_external_id, entry.amount, entry.currency,
        entry.method
    FROM {batch}
    JOIN payments_entry AS entry ON entry.order_id = batch.order_id
    WHERE entry.kind = 'refunded'
        AND entry.account = batch.account
        AND NOT entry.is_from_gateway
        AND entry.cause LIKE 'inbox:%%'
        AND entry.learned_at < batch.known_before
        AND entry.external_id <> ALL (batch.named)
        AND NOT EXISTS (
            SELECT FROM payments_entry AS failed
            WHERE failed.order_id = entry.order_id
                AND failed.kind = 'refund_failed'
                AND failed.external_id = entry.external_id
        )
    ORDER BY entry.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What a source says now of an order that we know, and when it was read."""

    snapshot: OrderSnapshot
    merchant_id: int
    mode: str
    account: str
    connection_id: int
    order_id: int
    message_id: int | None
    read_at: datetime


def refunds_taken_back(tellings: Iterable[Telling]) -> list[IncomingFact]:
    """The facts that end what sources name no more; on locked orders, in the open scope.

    Only a source that names all its refunds is heard: they add up to what it has given back.
    """
    heard = [telling for telling in tellings if _names_all(telling.snapshot)]
    if not heard:
        return []
    batch = sql.recordset(
        [
            {
                "order_id": telling.order_id,
                "account": telling.account,
                "known_before": telling.read_at - READINGS_OVERLAP,
                "named": [fact.external_id for fact in telling.snapshot.payment_facts],
            }
            for telling in heard
        ],
        {
            "order_id": "bigint",
            "account": "text",
            "known_before": "timestamptz",
            "named": "text[]",
        },
    )
    found = sql.fetch_dicts(_GONE.format(batch=batch.sql), [batch.parameter])
    return [
        _taken_back(
            heard[row["n"]],
            external_id=row["external_id"],
            payment=row["payment_external_id"],
            amount=Money(row["amount"], row["currency"]),
            method=row["method"],
        )
        for row in found
    ]


def _names_all(snapshot: OrderSnapshot) -> bool:
    named = sum(
        fact.amount.amount
        for fact in snapshot.payment_facts
        if fact.kind is PaymentFactKind.REFUNDED
    )
    return named == snapshot.totals.refunded.amount


def _taken_back(
    telling: Telling, *, external_id: str, payment: str, amount: Money, method: str
) -> IncomingFact:
    return IncomingFact(
        fact=PaymentFact(
            kind=PaymentFactKind.REFUND_FAILED,
            external_id=external_id,
            payment_external_id=payment,
            amount=amount,
            happened_at=telling.read_at,
            method=method,
            reason=REASON,
        ),
        merchant_id=telling.merchant_id,
        mode=telling.mode,
        account=telling.account,
        connection_id=telling.connection_id,
        is_from_gateway=False,
        message_id=telling.message_id,
        order_id=telling.order_id,
    )
