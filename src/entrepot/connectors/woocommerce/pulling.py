"""Reads orders and products by the time of their last change, losing nothing while they change.

A page continues after the last whole second that was read, never by a page number: an order that
changes meanwhile moves to the end and would shift the others. The clock is the shop's own: only
its `_gmt` stamps are compared, and they tick in whole seconds, with `modified_after` exclusive. So
the last second of a full page, which may go on, is left to the next page. A second that fills a
whole page by itself (an import) is read by id within that second; if it shrinks meanwhile, because
orders of it were changed, reading steps back by as many.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import msgspec

from entrepot.canon.messages import Flow
from entrepot.connect.errors import Rejected, UnexpectedResponse
from entrepot.connect.http import Answer
from entrepot.connect.ports import Page, PulledItem
from entrepot.connectors.woocommerce.door import API, Door

OVERLAP = timedelta(minutes=10)  # a long PHP request stamps early and commits late
TICK = timedelta(seconds=1)
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
LARGEST_PAGE = 100  # per_page beyond it is refused
LARGEST_PRODUCT_PAGE = 20  # each variable product costs calls of its own
# "any" leaves out the trash, which is read apart; drafts within are told apart by the mapping.
EVERYTHING: dict[str, str | int] = {"status": "any", "dates_are_gmt": "true"}
UNKNOWN_ORDER = "woocommerce_rest_shop_order_invalid_id"
UNKNOWN_PRODUCT = "woocommerce_rest_product_invalid_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where reading goes on: after `after`; within `second` from `offset` when it is set.

    `total` and `newest` (the newest change seen) are of the pass that is under way. `began` is
    where it began; None in the first one, which need not look for what was trashed before it.
    """

    after: datetime
    began: datetime | None = None
    newest: datetime | None = None
    second: datetime | None = None
    offset: int = 0
    expected: int = 0
    total: int | None = None


class _Row(NamedTuple):
    id: int
    modified_at: datetime
    body: bytes


def pull(door: Door, flow: Flow, *, cursor: str, since: datetime | None, limit: int) -> Page:
    """The next page. Repeating one answers with the same or newer versions, never with fewer."""
    state = _read_cursor(cursor) if cursor else Cursor(after=(since or BEGINNING) - OVERLAP)
    largest = LARGEST_PAGE if flow is Flow.ORDERS else LARGEST_PRODUCT_PAGE
    size = max(1, min(limit, largest))
    if state.second is not None:
        return _within_second(door, flow, state, size)
    answer = door.must_read(
        _path(flow),
        {
            **EVERYTHING,
            "modified_after": _stamp(state.after),
            "orderby": "modified",
            "order": "asc",
            "per_page": size,
        },
    )
    rows = _rows(answer)
    total = state.total if state.total is not None else _count(answer)
    if len(rows) < size:
        return _last_page(
            door, flow, replace(state, total=total), rows=rows, site_time=_site_time(answer)
        )
    last_second = rows[-1].modified_at
    whole = [row for row in rows if row.modified_at < last_second]
    newest = max(last_second, state.newest or last_second)
    if not whole or last_second - TICK <= state.after:
        tied = replace(state, second=last_second, total=total, newest=newest)
        return _within_second(door, flow, tied, size)
    going_on = replace(state, after=last_second - TICK, total=total, newest=newest)
    return Page(
        items=_items(door, flow, whole),
        cursor=_write_cursor(going_on),
        is_last=False,
        read_until=last_second - TICK,
        total=total,
    )


def _within_second(door: Door, flow: Flow, state: Cursor, size: int) -> Page:
    """One page of the things last changed in one second, in the order of their ids."""
    second = state.second or BEGINNING
    params: dict[str, str | int] = {
        **EVERYTHING,
        "modified_after": _stamp(second - TICK),
        "modified_before": _stamp(second + TICK),
        "orderby": "id",
        "order": "asc",
        "per_page": size,
    }
    offset = state.offset
    while True:
        answer = door.must_read(_path(flow), {**params, "offset": offset})
        left = _count(answer) or 0
        gone = max(0, state.expected - left)
        if not gone or offset == max(0, state.offset - gone):
            break
        offset = max(0, state.offset - gone)
    rows = _rows(answer)
    if len(rows) < size:
        going_on = replace(state, after=second, second=None, offset=0, expected=0)
    else:
        going_on = replace(state, offset=offset + len(rows), expected=left)
    return Page(
        items=_items(door, flow, rows),
        cursor=_write_cursor(going_on),
        is_last=False,
        total=state.total,
    )


def _last_page(
    door: Door, flow: Flow, state: Cursor, *, rows: list[_Row], site_time: datetime | None
) -> Page:
    if flow is Flow.ORDERS and state.began is not None:
        rows = rows + _trashed(door, state.began)
    stamps = [row.modified_at for row in rows] + ([state.newest] if state.newest else [])
    newest = max(stamps, default=None)
    if newest is not None and site_time is not None:
        newest = min(newest, site_time)  # plug-ins date orders ahead: what comes now is before them
    # The next pass begins early enough for what was stamped before this one and saved after it.
    after = newest - OVERLAP if newest else state.after
    return Page(
        items=_items(door, flow, rows),
        cursor=_write_cursor(Cursor(after=after, began=after)),
        is_last=True,
        read_until=site_time or newest or state.after,
        total=state.total,
    )


def _trashed(door: Door, after: datetime) -> list[_Row]:
    """Orders that went to the trash: they leave every list but their own."""
    params: dict[str, str | int] = {
        "status": "trash",
        "dates_are_gmt": "true",
        "modified_after": _stamp(after),
        "orderby": "id",
        "order": "asc",
    }
    try:
        return [_row(raw) for raw in all_pages(door, f"{API}/orders", params=params)]
    except Rejected:
        return []  # an older shop does not list its trash; webhooks and re-reads tell


def fetch(door: Door, flow: Flow, *, external_id: str) -> PulledItem | None:
    """One order or product, as it is now; None when the shop does not have it.

    Raises:
        ValueError: the id is not a number, so no shop can have given it.
    """
    if not (external_id.isascii() and external_id.isdigit()):
        raise ValueError(f"{external_id!r} is not an id of this shop")
    missing = UNKNOWN_ORDER if flow is Flow.ORDERS else UNKNOWN_PRODUCT
    answer = door.read(f"{_path(flow)}/{external_id}", missing=missing)
    if answer is None:
        return None
    return _items(door, flow, [_row(msgspec.Raw(answer.content))])[0]


def _items(door: Door, flow: Flow, rows: list[_Row]) -> tuple[PulledItem, ...]:
    currency = _currency_of(door) if flow is Flow.PRODUCTS and rows else b'""'
    items = []
    for row in rows:
        body = (
            _with_refunds(door, row)
            if flow is Flow.ORDERS
            else _with_variations(door, row, currency)
        )
        digest = hashlib.sha256(body).hexdigest()[:16]
        key = f"{flow.value}:{row.id}:{row.modified_at.isoformat()}:{digest}"
        items.append(PulledItem(topic=flow.value, dedupe_key=key, body=body))
    return tuple(items)


def _currency_of(door: Door) -> bytes:
    """The shop's currency as JSON; products do not name it."""
    found = msgspec.json.decode(door.must_read(f"{API}/data/currencies/current").content)
    return msgspec.json.encode(str(found.get("code", "")) if isinstance(found, dict) else "")


def _with_refunds(door: Door, row: _Row) -> bytes:
    """An order names its refunds without dates and lines; they are read and put beside it."""
    if not msgspec.json.decode(row.body).get("refunds"):
        return row.body
    refunds = all_pages(
        door, f"{API}/orders/{row.id}/refunds", params={"orderby": "id", "order": "asc"}
    )
    return _beside(row.body, b'{"refunds":' + _joined(refunds) + b"}")


def _with_variations(door: Door, row: _Row, currency: bytes) -> bytes:
    if not msgspec.json.decode(row.body).get("variations"):
        return _beside(row.body, b'{"currency":' + currency + b"}")
    path = f"{API}/products/{row.id}/variations"
    found = _joined(all_pages(door, path, params={"orderby": "id", "order": "asc"}))
    return _beside(row.body, b'{"currency":' + currency + b',"variations":' + found + b"}")


def all_pages(door: Door, path: str, *, params: dict[str, str | int]) -> list[msgspec.Raw]:
    """Every row of a list that is short by nature (refunds, variations, webhooks)."""
    rows: list[msgspec.Raw] = []
    page = 1
    while True:
        answer = door.must_read(path, {**params, "per_page": LARGEST_PAGE, "page": page})
        found = _raw_rows(answer)
        rows += found
        if len(found) < LARGEST_PAGE:
            return rows
        page += 1


def _beside(body: bytes, addition: bytes) -> bytes:
    """The shop's own bytes with one member more: `_entrepot`, which is ours."""
    return body.rstrip()[:-1] + b',"_entrepot":' + addition + b"}"


def _joined(rows: list[msgspec.Raw]) -> bytes:
    return b"[" + b",".join(bytes(row) for row in rows) + b"]"


def _rows(answer: Answer) -> list[_Row]:
    return [_row(raw) for raw in _raw_rows(answer)]


def _raw_rows(answer: Answer) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(answer.content, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnexpectedResponse(f"expected a list, saw {answer.quote()}") from error


def _row(raw: msgspec.Raw) -> _Row:
    body: Any = msgspec.json.decode(raw)
    try:
        stamp = body["date_modified_gmt"] or body["date_created_gmt"]
        at = datetime.fromisoformat(stamp).replace(tzinfo=UTC)
        return _Row(int(body["id"]), at, bytes(raw))
    except (KeyError, TypeError, ValueError) as error:
        quoted = bytes(raw)[:120].decode("utf-8", "replace")
        raise UnexpectedResponse(f"a row without id or date: {error!r} in {quoted}") from error


def _path(flow: Flow) -> str:
    match flow:
        case Flow.ORDERS:
            return f"{API}/orders"
        case Flow.PRODUCTS:
            return f"{API}/products"
        case _:
            raise ValueError(f"a shop has no flow {flow.value!r}: orders and products are read")


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _count(answer: Answer) -> int | None:
    text = answer.headers.get("x-wp-total", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _site_time(answer: Answer) -> datetime | None:
    """The shop's clock by its Date header; of several, which a proxy adds, the last is the shop's.

    A date has one comma of its own (RFC 9110, 5.6.7).
    """
    parts = answer.headers.get("date", "").split(", ")
    try:
        return parsedate_to_datetime(", ".join(parts[-2:])).astimezone(UTC)
    except ValueError:
        return None


def _read_cursor(text: str) -> Cursor:
    try:
        return msgspec.json.decode(text, type=Cursor)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a cursor of this connector: {text[:80]!r}") from error


def _write_cursor(state: Cursor) -> str:
    return msgspec.json.encode(state).decode()
