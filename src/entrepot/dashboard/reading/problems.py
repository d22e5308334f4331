"""Why an order stands, in one line with the way out, for a page of orders at once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from entrepot.dashboard import words_of_states
from entrepot.dashboard.reading.headline import DELAYED_PARCEL
from entrepot.dashboard.reading.standing import EFFECTS
from entrepot.dashboard.wording import clock_words, moment_words, plain, sentence
from entrepot.database import sql
from entrepot.orders.states import HoldKind

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """A line under a state: its role, the cause, its detail, and the fix as a verb.

    `others` counts the orders that wait for the same. `fix` is what a person can do about it
    ("Map SKU"); `anchor` the place on the page of what needs attention where that is done. Both
    are empty where nothing is to be done.
    """

    role: str
    words: str
    detail: str = ""
    others: int = 0
    is_hold: bool = False
    fix: str = ""
    anchor: str = ""


FIXES = {
    HoldKind.UNMAPPED_SKU: "Map SKU",
    HoldKind.MISSING_ARTWORK: "Add artwork",
    HoldKind.ADDRESS_REFUSED: "Edit address",
    HoldKind.SHIPPING_UNMAPPED: "Map shipping",
    HoldKind.DUPLICATE_SUSPECTED: "Compare",
    HoldKind.PAYMENT_NEEDED: "See alert",
}

_UNKNOWN = """
    SELECT a.order_id, a.kind, a.next_ask_at, a.needs_person, c.name,
        row_number() OVER (ORDER BY a.needs_person, a.id DESC) AS n
    FROM attempts_attempt AS a
    LEFT JOIN connections_connection AS c ON c.id = a.connection_id
    WHERE a.order_id = ANY (%(ids)s) AND a.status = 'unknown'
"""
# `others` counts the orders that wait for the same thing, by orders_hold_open.
_HOLDS = """
    SELECT h.order_id, h.kind, h.about, h.reason, (
        SELECT count(*) - 1
        FROM orders_hold AS same
        WHERE same.merchant_id = h.merchant_id AND same.kind = h.kind AND same.about = h.about
            AND same.about <> '' AND same.lifted_at IS NULL
    ) AS others, row_number() OVER (ORDER BY h.opened_at DESC) AS n
    FROM orders_hold AS h
    WHERE h.order_id = ANY (%(ids)s) AND h.lifted_at IS NULL
"""
_PARCELS = f"""
    SELECT
        p.order_id, p.number, p.status, p.status_at, p.promised_at, u.happened_at,
        row_number() OVER (ORDER BY p.number DESC) AS n
    FROM fulfillment_parcel AS p
    LEFT JOIN LATERAL (
        SELECT max(happened_at) AS happened_at
        FROM fulfillment_tracking_entry
        WHERE parcel_id = p.id
    ) AS u ON true
    WHERE p.order_id = ANY (%(ids)s) AND {DELAYED_PARCEL}
"""  # noqa: S608 -- constants
# The last thing that an effect which is owed met with.
_LATE = """
    SELECT DISTINCT ON (b.order_id)
        b.order_id, b.kind, a.message, a.status, a.calls, d.error, 0 AS n
    FROM obligations_obligation AS b
    LEFT JOIN LATERAL (
        SELECT message, status, calls
        FROM attempts_attempt
        WHERE order_id = b.order_id AND kind = b.kind
        ORDER BY id DESC
        LIMIT 1
    ) AS a ON true
    LEFT JOIN LATERAL (
        SELECT error
        FROM deadletters_dead_letter
        WHERE order_id = b.order_id AND status = 'waiting'
        ORDER BY id DESC
        LIMIT 1
    ) AS d ON true
    WHERE b.order_id = ANY (%(ids)s) AND b."end" = '' AND b.due_at < now()
    ORDER BY b.order_id, b.due_at
"""
_WAITING = """
    SELECT o.id AS order_id, o.payment_status, o.payment_title, o.is_on_terms, (
        SELECT min(f.submit_after)
        FROM fulfillment_order AS f
        WHERE f.order_id = o.id AND f.status = 'open' AND f.submit_after > now()
    ) AS until, 0 AS n
    FROM orders_order AS o
    WHERE o.id = ANY (%(ids)s) AND o.status = 'open'
"""
_PRESUMED = """
    SELECT p.order_id, max(p.status_at) AS at, 0 AS n
    FROM fulfillment_parcel AS p
    WHERE p.order_id = ANY (%(ids)s) AND p.status = 'presumed_delivered'
    GROUP BY 1
"""
# In the order of the headline, the least urgent first: what comes later is said instead.
_ALL = " UNION ALL ".join(
    f"SELECT {rank} AS rank, n, order_id, row_to_json(x)::text AS told FROM ({one}) AS x"  # noqa: S608 -- constants
    for rank, one in enumerate((_PRESUMED, _WAITING, _PARCELS, _LATE, _HOLDS, _UNKNOWN))
)
_TOLD = f"SELECT rank, order_id, told FROM ({_ALL}) AS every ORDER BY rank, n"  # noqa: S608 -- constants


def problems_of(order_ids: Iterable[int]) -> dict[int, Problem]:
    """The most urgent problem line of each order that has one, in the order of the headline."""
    ids = list(order_ids)
    found: dict[int, Problem] = {}
    if not ids:
        return found
    for rank, order_id, told in sql.fetch(_TOLD, {"ids": ids}):
        line = _LINES[rank](msgspec.json.decode(told))
        if line is not None:
            found[order_id] = line
    return found


def _presumed(row: Row) -> Problem:
    return Problem("", "No carrier could say", f"set {_at(_instant(row['at']))}")


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _unknown(row: Row) -> Problem:
    next_ask_at, name = _instant(row["next_ask_at"]), row["name"] or "the other side"
    effect = EFFECTS.get(row["kind"], sentence(row["kind"]))
    asking = f"asking {name}" + (f", next {clock_words(next_ask_at)}" if next_ask_at else "")
    if row["needs_person"]:
        asking = "waits for your word"
    return Problem("unknown", f"{effect} unknown", asking, fix="See")


def _hold(row: Row) -> Problem:
    kind, about, reason, others = row["kind"], row["about"], row["reason"], row["others"]
    known = HoldKind(kind) if kind in HoldKind.values else None
    words = words_of_states.words_of_hold(kind, about, reason=reason)
    fix = FIXES.get(known, "Release") if known else "Release"
    if words_of_states.is_refunded_in_full(kind, reason):
        fix, reason = "Cancel", words_of_states.beside(words, reason)
    detail = "" if known == HoldKind.UNMAPPED_SKU else reason
    anchor = f"hold:{kind}:{about}"
    return Problem("warn", words, detail, max(others, 0), is_hold=True, fix=fix, anchor=anchor)


def _late(row: Row) -> Problem:
    word = words_of_states.OWED.get(row["kind"], sentence(row["kind"]))
    message, status, calls = row["message"] or "", row["status"] or "", row["calls"] or 0
    if row["error"]:
        return Problem("bad", f"{word}: our own work gave up", row["error"], fix="See")
    if message:
        tries = f"{calls} times" if calls > 1 else "once"
        return Problem(
            "bad", f"{word}: “{message}”", f"called {tries}, {plain(status)}", fix="Open"
        )
    return Problem("bad", f"{word} is late", fix="Open")


def _parcel(row: Row) -> Problem:
    number, status, status_at = row["number"], row["status"], _instant(row["status_at"])
    promised_at, scanned_at = _instant(row["promised_at"]), _instant(row["happened_at"])
    if status == "returning":
        return Problem(
            "warn", f"Parcel {number} is coming back", f"since {_at(status_at)}", fix="Open"
        )
    if status in {"exception", "lost"}:
        return Problem("warn", f"Parcel {number}: {status}", f"since {_at(status_at)}", fix="Open")
    if scanned_at is not None:
        return Problem("warn", f"Parcel {number}: no scan since {_at(scanned_at)}", fix="Open")
    if promised_at is not None:
        return Problem("warn", f"Parcel {number}: promised by {_at(promised_at)}", fix="Open")
    return Problem("warn", f"Parcel {number} is delayed", fix="Open")


def _waiting(row: Row) -> Problem | None:
    payment, title, until = row["payment_status"], row["payment_title"], _instant(row["until"])
    if until is not None:
        by = f"{title}, on terms. " if row["is_on_terms"] else ""
        return Problem("", f"{by}Submits at {clock_words(until)}")
    if payment == "pending":
        return Problem("", f"{title or 'The payment'} is pending")
    if payment in {"unpaid", "partially_paid"} and title:
        return Problem("", title)
    return None


def _at(instant: datetime | None) -> str:
    return "an unknown time" if instant is None else moment_words(instant)


_LINES: tuple[Callable[[Row], Problem | None], ...] = (
    _presumed, _waiting, _parcel, _late, _hold, _unknown,
)  # fmt: skip
