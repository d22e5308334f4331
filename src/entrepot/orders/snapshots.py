"""Applies order snapshots, whole batches at a time: locked in key order, newest version wins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from entrepot.canon.customers import CustomerSnapshot
from entrepot.canon.orders import Mode, OrderSnapshot, PaymentWord, SourceState
from entrepot.canon.places import Address
from entrepot.customers.services import keep_addresses, keep_customers
from entrepot.database import sql
from entrepot.events import outbox
from entrepot.events.outbox import NewEvent
from entrepot.orders import counters, rows, search, statements
from entrepot.orders.policy import OrderPolicy
from entrepot.orders.references import own_number


class Verdict(StrEnum):
    """What came of a snapshot."""

    NEW = "new"
    CHANGED = "changed"
    REPEATED = "repeated"  # nothing in it that we did not know
    STALE = "stale"  # older than what we know
    TIED = "tied"  # the same version with other content: read it again
    RACED = "raced"  # somebody else made the order meanwhile: apply it again
    REUSED = "reused"  # the id was given out again: another sale under a known identity


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingOrder:
    """A snapshot with where it came from.

    `content_hash` names what the snapshot says (`rows.content_hash`). `is_reread` marks what we
    fetched on purpose: it wins over what we know, whatever its version says.
    """

    snapshot: OrderSnapshot
    content_hash: str
    merchant_id: int
    connection_id: int
    account: str
    connection_mode: str
    policy: OrderPolicy
    message_id: int | None
    read_at: datetime
    is_reread: bool = False

    @property
    def mode(self) -> str:
        """The order's own mode: a test order at a live connection is a test order."""
        return Mode.TEST if self.snapshot.is_test else self.connection_mode

    @property
    def has_left(self) -> bool:
        """Whether it is history that the shop has completed, if it is new: nothing waits there."""
        is_history = self.policy.is_history(self.snapshot.placed_at)
        return is_history and self.snapshot.state is SourceState.COMPLETED

    @property
    def key(self) -> tuple[int, str, str, str]:
        """The identity of the sale."""
        return (self.merchant_id, self.account, self.mode, self.snapshot.external_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedOrder:
    """What came of one incoming order; `order_id` is None for a raced one.

    `previous_state` is what the source had said of it before, "" for a new one.
    """

    verdict: Verdict
    order_id: int | None
    is_history: bool = False
    previous_state: str = ""


def apply_orders(incoming: Sequence[IncomingOrder]) -> list[AppliedOrder]:
    """Apply a batch inside the open scope; answers in the order of the batch.

    Of several snapshots of one order the newest is applied, the others are stale. Records
    `order.imported` and `order.changed`. A new order is inserted with the counters and the release
    that its own snapshot tells; `review_orders` has the last word on holds and release.
    """
    incoming = [_numbered(item) for item in incoming]
    newest = _newest_of_each(incoming)
    known = _lock(newest)
    verdicts: dict[int, AppliedOrder] = {}
    new: list[IncomingOrder] = []
    changed: list[tuple[IncomingOrder, dict[str, Any]]] = []
    for item in newest:
        row = known.get(item.key)
        if row is None:
            new.append(item)
            continue
        verdict = _compare(item, row)
        if verdict is Verdict.CHANGED:
            changed.append((_without_person(item) if row["erased_at"] else item, row))
        verdicts[id(item)] = AppliedOrder(
            verdict=verdict,
            order_id=row["id"],
            is_history=row["is_history"],
            previous_state=row["source_state"],
        )
    _write(new, changed, verdicts)
    _note_reading(newest, known, verdicts)
    order_ids = {item.key: verdicts[id(item)].order_id for item in newest}
    verdicts.update(_other_sales(incoming, newest))
    return [
        verdicts.get(id(item)) or AppliedOrder(verdict=Verdict.STALE, order_id=order_ids[item.key])
        for item in incoming
    ]


def mark_deleted(merchant_id: int, *, account: str, external_id: str, at: datetime) -> list[int]:
    """Record that the source no longer has an order; a later snapshot of it takes that back.

    Returns the orders (of either mode) that were not known as deleted.
    """
    gone = sql.fetch(statements.DELETED, [at, at, merchant_id, account, external_id])
    order_ids = [row[0] for row in gone]
    counters.recount_units(order_ids)
    outbox.record_many(
        NewEvent(
            name="order.changed",
            merchant_id=merchant_id,
            mode=mode,
            order_id=order_id,
            data={"state": "deleted"},
            reason="the source deleted it",
        )
        for order_id, mode in gone
    )
    return order_ids


def _without_person(item: IncomingOrder) -> IncomingOrder:
    """What an order says once its customer was erased: what was sold."""
    snapshot = item.snapshot
    lines = tuple(replace(line, properties=()) for line in snapshot.lines)
    stripped = replace(
        snapshot,
        customer=CustomerSnapshot(),
        shipping_address=Address(),
        billing_address=Address(),
        customer_note="",
        lines=lines,
    )
    return replace(item, snapshot=stripped)


def _numbered(item: IncomingOrder) -> IncomingOrder:
    if item.snapshot.number:
        return item
    _, account, mode, external_id = item.key
    number = own_number(account=account, mode=mode, external_id=external_id)
    return replace(item, snapshot=replace(item.snapshot, number=number))


def _note_reading(
    items: Iterable[IncomingOrder],
    known: dict[tuple[int, str, str, str], dict[str, Any]],
    verdicts: dict[int, AppliedOrder],
) -> None:
    """A repeat says that what we know is still so; rule 9 asks how fresh our reading is."""
    read = [
        {"id": known[item.key]["id"], "read_at": item.read_at}
        for item in items
        if (applied := verdicts.get(id(item))) and applied.verdict is Verdict.REPEATED
    ]
    if read:
        batch = sql.recordset(read, {"id": "bigint", "read_at": "timestamptz"})
        sql.run(statements.READ_AGAIN.format(batch=batch.sql), [batch.parameter])


def _other_sales(
    incoming: Iterable[IncomingOrder], newest: Iterable[IncomingOrder]
) -> dict[int, AppliedOrder]:
    """Snapshots of a batch that name another sale by the same id: none of them may win silently."""
    marks = {item.key: item.snapshot.birth_mark for item in newest}
    return {
        id(item): AppliedOrder(verdict=Verdict.REUSED, order_id=None)
        for item in incoming
        if item.snapshot.birth_mark
        and marks[item.key]
        and item.snapshot.birth_mark != marks[item.key]
    }


def _newest_of_each(incoming: Iterable[IncomingOrder]) -> list[IncomingOrder]:
    newest: dict[tuple[int, str, str, str], IncomingOrder] = {}
    for item in incoming:
        rival = newest.get(item.key)
        if rival is None or _rank(item) >= _rank(rival):
            newest[item.key] = item
    return [newest[key] for key in sorted(newest)]


def _rank(item: IncomingOrder) -> tuple[bool, datetime | int, int]:
    if item.is_reread:
        return (True, item.read_at, item.snapshot.version)
    return (False, item.snapshot.version, 0)


def _lock(items: Iterable[IncomingOrder]) -> dict[tuple[int, str, str, str], dict[str, Any]]:
    batch = sql.recordset(
        [dict(zip(statements.KEY, item.key, strict=True)) for item in items],
        statements.KEY,
    )
    found = sql.fetch_dicts(statements.LOCK.format(batch=batch.sql), [batch.parameter])
    return {
        (row["merchant_id"], row["account"], row["mode"], row["external_id"]): row for row in found
    }


def _compare(item: IncomingOrder, known: dict[str, Any]) -> Verdict:
    mark = item.snapshot.birth_mark
    if mark and known["birth_mark"] and mark != known["birth_mark"]:
        return Verdict.REUSED
    # An order that its source had deleted may come back just as it was.
    is_deleted = known["source_state"] == SourceState.DELETED
    is_same = item.content_hash == known["source_hash"] and not is_deleted
    if item.is_reread and item.read_at >= known["source_read_at"]:
        return Verdict.REPEATED if is_same else Verdict.CHANGED
    version = item.snapshot.version
    if version > known["source_version"]:
        return Verdict.CHANGED
    if version < known["source_version"]:
        return Verdict.STALE
    return Verdict.REPEATED if is_same else Verdict.TIED


def _write(
    new: list[IncomingOrder],
    changed: list[tuple[IncomingOrder, dict[str, Any]]],
    verdicts: dict[int, AppliedOrder],
) -> None:
    items = [*new, *(item for item, _ in changed)]
    if not items:
        return
    prepared = {id(item): row for item, row in zip(items, _order_rows(items), strict=True)}
    written: list[tuple[IncomingOrder, int]] = []
    inserted = _insert(new, prepared)
    for item in new:
        order_id = inserted.get(item.key)
        is_history = item.policy.is_history(item.snapshot.placed_at)
        if order_id is None:
            verdicts[id(item)] = AppliedOrder(verdict=Verdict.RACED, order_id=None)
            continue
        verdicts[id(item)] = AppliedOrder(
            verdict=Verdict.NEW, order_id=order_id, is_history=is_history
        )
        written.append((item, order_id))
    for item, row in changed:
        prepared[id(item)]["id"] = row["id"]
        written.append((item, row["id"]))
    _update([prepared[id(item)] for item, _ in changed])
    _write_lines(written, is_known={row["id"] for _, row in changed})
    search.keep_terms(
        [
            search.OrderTerms(
                merchant_id=item.merchant_id,
                mode=item.mode,
                order_id=order_id,
                words=search.words_of(item.snapshot),
                names=search.names_of(item.snapshot),
            )
            for item, order_id in written
        ]
    )
    new_ids = set(inserted.values())
    counters.recount_units([row["id"] for _, row in changed])
    outbox.record_many(
        _event(item, order_id, is_new=order_id in new_ids) for item, order_id in written
    )


def _order_rows(items: list[IncomingOrder]) -> list[dict[str, object]]:
    customers = keep_customers(
        (item.merchant_id, item.account, item.snapshot.customer) for item in items
    )
    addresses = keep_addresses(
        (item.merchant_id, address)
        for item in items
        for address in (item.snapshot.shipping_address, item.snapshot.billing_address)
    )
    prepared = []
    for item, customer_id, goes_to, billed_to in zip(
        items, customers, addresses[::2], addresses[1::2], strict=True
    ):
        snapshot = item.snapshot
        row = rows.order_row(
            snapshot,
            merchant_id=item.merchant_id,
            mode=item.mode,
            account=item.account,
            connection_id=item.connection_id,
            message_id=item.message_id,
            read_at=item.read_at,
            source_hash=item.content_hash,
            is_history=item.policy.is_history(snapshot.placed_at),
            is_on_terms=snapshot.payment is PaymentWord.ON_TERMS
            or snapshot.payment_method in item.policy.terms_methods,
        )
        row["customer_id"] = customer_id
        row["address_id"] = row["typed_address_id"] = goes_to or billed_to
        row["billing_address_id"] = billed_to
        prepared.append(row)
    return prepared


def _insert(
    new: list[IncomingOrder], prepared: dict[int, dict[str, object]]
) -> dict[tuple[int, str, str, str], int]:
    if not new:
        return {}
    opened = []
    for item in new:
        row = prepared[id(item)] | rows.opening(item.snapshot, has_left=item.has_left)
        row["released_by"] = "" if row["is_history"] else item.policy.reason_to_release(row)
        opened.append(row)
    batch = sql.recordset(opened, statements.NEW_COLUMNS)
    found = sql.fetch(statements.INSERT.format(batch=batch.sql), [batch.parameter])
    return {
        (merchant_id, account, mode, ext): row_id
        for row_id, merchant_id, account, mode, ext in found
    }


def _update(prepared: list[dict[str, object]]) -> None:
    if not prepared:
        return
    batch = sql.recordset(prepared, {"id": "bigint", **rows.ORDER_COLUMNS})
    sql.run(statements.UPDATE.format(batch=batch.sql), [batch.parameter])


def _write_lines(written: list[tuple[IncomingOrder, int]], *, is_known: set[int]) -> None:
    lines: list[dict[str, object]] = []
    taxes: list[dict[str, object]] = []
    kept: list[dict[str, object]] = []
    for item, order_id in written:
        mine = {"merchant_id": item.merchant_id, "order_id": order_id}
        has_left = item.has_left and order_id not in is_known
        lines += rows.line_rows(item.snapshot, **mine, has_left=has_left)
        taxes += rows.tax_rows(item.snapshot, **mine)
        if order_id in is_known:
            external_ids = [line.external_id for line in item.snapshot.lines]
            kept.append({"order_id": order_id, "kept": external_ids})
    if lines:
        batch = sql.recordset(lines, rows.LINE_COLUMNS)
        sql.run(statements.LINES.format(batch=batch.sql), [batch.parameter])
    if kept:
        batch = sql.recordset(kept, {"order_id": "bigint", "kept": "text[]"})
        sql.run(statements.REMOVE_LINES.format(batch=batch.sql), [batch.parameter])
        sql.run("DELETE FROM orders_tax_line WHERE order_id = ANY (%s)", [sorted(is_known)])
    if taxes:
        batch = sql.recordset(taxes, rows.TAX_COLUMNS)
        sql.run(statements.TAXES.format(batch=batch.sql), [batch.parameter])


def _event(item: IncomingOrder, order_id: int, *, is_new: bool) -> NewEvent:
    return NewEvent(
        name="order.imported" if is_new else "order.changed",
        merchant_id=item.merchant_id,
        mode=item.mode,
        order_id=order_id,
        cause=f"inbox:{item.message_id}" if item.message_id else "",
        data={
            "number": item.snapshot.number,
            "state": item.snapshot.state,
            "source_status": item.snapshot.source_status,
            "version": item.snapshot.version,
        },
    )
