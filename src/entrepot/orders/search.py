"""The one index of identifiers: whatever somebody pastes leads to its order."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from entrepot.canon.orders import OrderSnapshot
from entrepot.database import sql

LONGEST = 120
_COLUMNS = {
    "merchant_id": "bigint",
    "mode": "text",
    "term": "text",
    "kind": "text",
    "object_id": "bigint",
}
_KEEP = """
    INSERT INTO search_term (merchant_id, mode, term, kind, object_id)
    SELECT merchant_id, mode, term, kind, object_id
    FROM {batch}
    ORDER BY merchant_id, term, kind, object_id
    ON CONFLICT (merchant_id, term, kind, object_id) DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """The words under which an order is found."""

    merchant_id: int
    mode: str
    order_id: int
    words: Iterable[str]


def normalized(word: str) -> str:
    """How the index writes a term: no capitals, no surrounding signs, one form per letter."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    return " ".join(folded.split()).lstrip("#")[:LONGEST]


def words_of(snapshot: OrderSnapshot) -> set[str]:
    """What a snapshot can be found by: number, ids, payment ids, the customer's names.

    An e-mail address leads to its customer, and from there to the orders.
    """
    name = snapshot.customer.name or snapshot.shipping_address.name
    return {
        snapshot.number,
        snapshot.external_id,
        snapshot.checkout_reference,
        *snapshot.transaction_ids,
        name,
        *name.split(),
    }


def keep_terms(orders: Iterable[OrderTerms]) -> None:
    """Add terms to the index; known ones stay."""
    rows = {
        (order.merchant_id, term, order.order_id): {
            "merchant_id": order.merchant_id,
            "mode": order.mode,
            "term": term,
            "kind": "order",
            "object_id": order.order_id,
        }
        for order in orders
        for term in map(normalized, order.words)
        if term
    }
    if rows:
        batch = sql.recordset(rows.values(), _COLUMNS)
        sql.run(_KEEP.format(batch=batch.sql), [batch.parameter])
