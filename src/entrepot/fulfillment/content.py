"""Names what a share would send, so that an edit of the sale is noticed before it is sent."""

import hashlib
from collections.abc import Iterable

import msgspec

from entrepot.orders.models import Line, Order

KEPT = 32


def content_of(order: Order, lines: Iterable[Line]) -> str:
    """The name of what is made for some lines: SKUs, their own words, and the delivery chosen.

    Units are not part of it: more or fewer of them are counted, not compared. Nor is the address,
    which is read when the share is sent.
    """
    content = [
        order.shipping_method,
        sorted((line.id, line.sku, line.properties) for line in lines),
    ]
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:KEPT]


def is_current(planned_content: str, order: Order, *, lines: Iterable[Line]) -> bool:
    """Whether a share that was planned from this content still says what was bought."""
    return not planned_content or planned_content == content_of(order, lines)
