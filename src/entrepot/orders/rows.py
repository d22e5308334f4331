"""Order snapshots as rows: pure, one function per table."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from entrepot.canon.money import Money
from entrepot.canon.orders import LineSnapshot, OrderSnapshot, SourceState, TaxLine
from entrepot.canon.payments import PaymentFactKind
from entrepot.orders.references import new_reference

ENDED = frozenset({SourceState.CANCELLED, SourceState.DELETED, SourceState.REFUNDED})

ORDER_COLUMNS = {
    "merchant_id": "bigint",
    "mode": "text",
    "account": "text",
    "external_id": "text",
    "connection_id": "bigint",
    "number": "text",
    "reference": "text",
    "birth_mark": "text",
    "channel": "text",
    "placed_at": "timestamptz",
    "is_history": "boolean",
    "source_state": "text",
    "source_status": "text",
    "source_version": "bigint",
    "source_hash": "text",
    "source_read_at": "timestamptz",
    "source_message_id": "bigint",
    "source_cancelled_at": "timestamptz",
    "currency": "text",
    "total_lines": "numeric",
    "total_discount": "numeric",
    "total_shipping": "numeric",
    "total_fees": "numeric",
    "total_tax": "numeric",
    "total": "numeric",
    "computed_total": "numeric",
    "prices_include_tax": "boolean",
    "presentment_total": "numeric",
    "presentment_currency": "text",
    "customer_id": "bigint",
    "address_id": "bigint",
    "typed_address_id": "bigint",
    "billing_address_id": "bigint",
    "shipping_method": "text",
    "shipping_title": "text",
    "payment_word": "text",
    "payment_method": "text",
    "payment_title": "text",
    "transaction_ids": "text[]",
    "checkout_reference": "text",
    "lines_key": "text",
    "customer_note": "text",
    "is_gift": "boolean",
    "discounts": "jsonb",
    "fees": "jsonb",
    "is_on_terms": "boolean",
    "units_ordered": "int",
    "amount_due": "numeric",
}
# What a new order is inserted with, as its own snapshot tells it. Its units need no recount then;
# its money is summed up from the entries all the same, and written only where it differs.
OPENING_COLUMNS = {
    "units_cancelled": "int",
    "units_nothing": "int",
    "units_elsewhere": "int",
    "amount_captured": "numeric",
    "released_by": "text",
}
LINE_COLUMNS = {
    "merchant_id": "bigint",
    "order_id": "bigint",
    "external_id": "text",
    "position": "int",
    "sku": "text",
    "title": "text",
    "quantity": "int",
    "unit_price": "numeric",
    "discount": "numeric",
    "total": "numeric",
    "is_shippable": "boolean",
    "product_external_id": "text",
    "variant_external_id": "text",
    "image_url": "text",
    "weight_g": "int",
    "properties": "jsonb",
    "units_cancelled": "int",
    "units_refunded": "int",
    "units_nothing": "int",
    "units_elsewhere": "int",
}
TAX_COLUMNS = {
    "merchant_id": "bigint",
    "order_id": "bigint",
    "line_external_id": "text",
    "name": "text",
    "rate": "numeric",
    "amount": "numeric",
    "is_included": "boolean",
    "remitted_by": "text",
}


def content_hash(snapshot: OrderSnapshot, *, encoded: bytes = b"") -> str:
    """Names everything that a snapshot says; `encoded` is its JSON where somebody has made it."""
    return hashlib.sha256(encoded or msgspec.json.encode(snapshot)).hexdigest()[:32]


def lines_key(lines: tuple[LineSnapshot, ...]) -> str:
    """Equal for orders that buy the same SKUs in the same numbers."""
    counts: dict[str, int] = {}
    for line in lines:
        counts[line.sku] = counts.get(line.sku, 0) + line.quantity
    return hashlib.sha256(repr(sorted(counts.items())).encode()).hexdigest()[:16]


def computed_total(snapshot: OrderSnapshot) -> Decimal:
    """What the parts add up to: kept beside the source's own total, never in its place."""
    total = sum((line.total.amount for line in snapshot.lines), Decimal(0))
    total += sum((line.price.amount for line in snapshot.shipping_lines), Decimal(0))
    total += sum((fee.amount.amount for fee in snapshot.fees), Decimal(0))
    added = (tax for tax in snapshot.tax_lines if not tax.is_included)
    return total + sum((tax.amount.amount for tax in added), Decimal(0))


def order_row(
    snapshot: OrderSnapshot,
    *,
    merchant_id: int,
    mode: str,
    account: str,
    connection_id: int,
    message_id: int | None,
    read_at: datetime,
    source_hash: str,
    is_history: bool,
    is_on_terms: bool,
) -> dict[str, object]:
    """The row of `orders_order`, but for customer and addresses."""
    has_ended = snapshot.state in ENDED
    return {
        "merchant_id": merchant_id,
        "mode": mode,
        "account": account,
        "external_id": snapshot.external_id,
        "connection_id": connection_id,
        "number": snapshot.number,
        "reference": new_reference(),
        "birth_mark": snapshot.birth_mark,
        "channel": snapshot.channel,
        "placed_at": snapshot.placed_at,
        "is_history": is_history,
        "source_state": snapshot.state,
        "source_status": snapshot.source_status,
        "source_version": snapshot.version,
        "source_hash": source_hash,
        "source_read_at": read_at,
        "source_message_id": message_id,
        "source_cancelled_at": (snapshot.cancelled_at or read_at) if has_ended else None,
        "lines_key": lines_key(snapshot.lines),
        "customer_note": snapshot.customer_note,
        "is_gift": snapshot.is_gift,
        "is_on_terms": is_on_terms,
        "units_ordered": sum(line.quantity for line in snapshot.lines),
        **_paid_and_shipped(snapshot),
        **_sums(snapshot),
    }


def _paid_and_shipped(snapshot: OrderSnapshot) -> dict[str, object]:
    """How the customer chose to pay, and to have it sent."""
    shipping = snapshot.shipping_lines[0] if snapshot.shipping_lines else None
    return {
        "shipping_method": shipping.method_code if shipping else "",
        "shipping_title": shipping.title if shipping else "",
        "payment_word": snapshot.payment,
        "payment_method": snapshot.payment_method,
        "payment_title": snapshot.payment_title,
        "transaction_ids": snapshot.transaction_ids,
        "checkout_reference": snapshot.checkout_reference,
    }


def _sums(snapshot: OrderSnapshot) -> dict[str, object]:
    """What it cost, as the source says it, and what its parts add up to."""
    totals = snapshot.totals
    presentment: Money | None = snapshot.presentment_total
    return {
        "currency": snapshot.currency,
        "total_lines": totals.lines.amount,
        "total_discount": totals.discount.amount,
        "total_shipping": totals.shipping.amount,
        "total_fees": totals.fees.amount,
        "total_tax": totals.tax.amount,
        "total": totals.total.amount,
        "computed_total": computed_total(snapshot),
        "prices_include_tax": snapshot.prices_include_tax,
        "presentment_total": presentment.amount if presentment else None,
        "presentment_currency": presentment.currency if presentment else "",
        "discounts": [
            {"code": discount.code, "amount": discount.amount.amount}
            for discount in snapshot.discounts
        ],
        "fees": [{"title": fee.title, "amount": fee.amount.amount} for fee in snapshot.fees],
        "amount_due": totals.total.amount,
    }


def opening(snapshot: OrderSnapshot, *, has_left: bool = False) -> dict[str, object]:
    """The counters of a new order, but for its release: `OPENING_COLUMNS`.

    `has_left` where others have fulfilled all of it.
    """
    cancelled = nothing = elsewhere = 0
    for line in snapshot.lines:
        gone = _cancelled_units(line, snapshot.state)
        left = line.quantity - gone
        cancelled += gone
        nothing += min(_units_without_goods(line), left)
        elsewhere += min(_units_elsewhere(line, snapshot.state, has_left=has_left), left)
    captured = sum(
        (
            fact.amount.amount
            for fact in snapshot.payment_facts
            if fact.kind is PaymentFactKind.CAPTURED and fact.amount.currency == snapshot.currency
        ),
        Decimal(0),
    )
    return {
        "units_cancelled": cancelled,
        "units_nothing": nothing,
        "units_elsewhere": elsewhere,
        "amount_captured": captured,
    }


def _cancelled_units(line: LineSnapshot, state: SourceState) -> int:
    return line.quantity if state in ENDED else min(line.refunded_quantity, line.quantity)


def _units_without_goods(line: LineSnapshot) -> int:
    return line.quantity if line.is_shippable is False else 0


def _units_elsewhere(line: LineSnapshot, state: SourceState, *, has_left: bool) -> int:
    if not has_left:
        return line.fulfilled_elsewhere_quantity
    return max(line.quantity - _cancelled_units(line, state) - _units_without_goods(line), 0)


def line_rows(
    snapshot: OrderSnapshot, *, merchant_id: int, order_id: int, has_left: bool = False
) -> Iterator[dict[str, object]]:
    """The rows of `orders_line`; `has_left` as in `opening`."""
    for position, line in enumerate(snapshot.lines):
        yield {
            "merchant_id": merchant_id,
            "order_id": order_id,
            "external_id": line.external_id,
            "position": position,
            "sku": line.sku.strip(),
            "title": line.title,
            "quantity": line.quantity,
            "unit_price": line.unit_price.amount,
            "discount": line.discount.amount if line.discount else Decimal(0),
            "total": line.total.amount,
            "is_shippable": line.is_shippable,
            "product_external_id": line.product_external_id,
            "variant_external_id": line.variant_external_id,
            "image_url": line.image_url,
            "weight_g": line.weight_g,
            "properties": line.properties,
            "units_cancelled": _cancelled_units(line, snapshot.state),
            "units_refunded": line.refunded_quantity,
            "units_nothing": _units_without_goods(line),
            "units_elsewhere": _units_elsewhere(line, snapshot.state, has_left=has_left),
        }


def tax_rows(
    snapshot: OrderSnapshot, *, merchant_id: int, order_id: int
) -> Iterator[dict[str, object]]:
    """The rows of `orders_tax_line`."""
    tax: TaxLine
    for tax in snapshot.tax_lines:
        yield {
            "merchant_id": merchant_id,
            "order_id": order_id,
            "line_external_id": tax.line_external_id,
            "name": tax.name,
            "rate": tax.rate,
            "amount": tax.amount.amount,
            "is_included": tax.is_included,
            "remitted_by": tax.remitted_by,
        }
