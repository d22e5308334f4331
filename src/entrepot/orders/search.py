"""The one index of identifiers: whatever somebody pastes leads to its order.

A long identifier (a tracking number, most of all) is written by people and carriers in groups:
"1Z 999 AA1 01 2345 6784". It is kept and looked up as written, and without what parts the groups.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from entrepot.canon.orders import OrderSnapshot
from entrepot.database import sql

LONGEST = 120
# What a term is: an identifier of an order, or a name of its customer, which not everybody may see.
IDENTIFIER, NAME = "order", "name"
# Shorter ones are told apart by their signs: the order 1-234 is not the order 1234.
SHORTEST_IN_GROUPS = 8
PARTING = " .-\N{HYPHEN}\N{FIGURE DASH}\N{EN DASH}\N{EM DASH}"
_unparted = str.maketrans("", "", PARTING)
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
    """The words under which an order is found; `names` by those who may see customers."""

    merchant_id: int
    mode: str
    order_id: int
    words: Iterable[str]
    names: Iterable[str] = ()


def normalized(word: str) -> str:
    """How the index writes a term: no capitals, no surrounding signs, one form per letter."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    return " ".join(folded.split()).lstrip("#")[:LONGEST]


def terms_of(word: str) -> list[str]:
    """The terms by which a word is kept and looked up: as written, then without its groups.

    The second is the first where the word has no groups.
    """
    term = normalized(word)
    whole = term.translate(_unparted)
    is_grouped = len(whole) >= SHORTEST_IN_GROUPS and any(map(str.isdigit, whole))
    return [term, whole if is_grouped else term]


def kinds_for(*, sees_people: bool) -> list[str]:
    """The kinds of terms by which somebody may find orders: nobody guesses what is not shown."""
    return [IDENTIFIER, NAME] if sees_people else [IDENTIFIER]


def words_of(snapshot: OrderSnapshot) -> set[str]:
    """The identifiers that a snapshot can be found by: number, ids, payment ids.

    An e-mail address leads to its customer, and from there to the orders.
    """
    return {
        snapshot.number,
        snapshot.external_id,
        snapshot.checkout_reference,
        *snapshot.transaction_ids,
    }


def names_of(snapshot: OrderSnapshot) -> set[str]:
    """The customer's name, in whole and in its parts."""
    name = snapshot.customer.name or snapshot.shipping_address.name
    return {name, *name.split()}


def keep_terms(orders: Iterable[OrderTerms]) -> None:
    """Add terms to the index; known ones stay."""
    rows = {
        (order.merchant_id, term, kind, order.order_id): {
            "merchant_id": order.merchant_id,
            "mode": order.mode,
            "term": term,
            "kind": kind,
            "object_id": order.order_id,
        }
        for order in orders
        for kind, words in ((IDENTIFIER, order.words), (NAME, order.names))
        for word in words
        for term in terms_of(word)
        if term
    }
    if rows:
        batch = sql.recordset(rows.values(), _COLUMNS)
        sql.run(_KEEP.format(batch=batch.sql), [batch.parameter])
