"""Compares the books of the simulators with what the hub has recorded, and counts a demo's orders.

Every sale that was placed is in exactly one class: delivered, under way, held, parked, cancelled or
unpaid; at the end, each that is held, parked, unpaid or under way stands still, with a reason.
`lost` and `doubled` come from the books; an order that has just been placed counts as lost only for
a verdict that is asked for `at_the_end`.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from entrepot.access import scope
from entrepot.connect.world import Turn
from entrepot.database import sql
from entrepot.inbox.models import InboxMessage
from entrepot.inbox.services import open_body
from entrepot.sandbox import statements

CLASSES = ("delivered", "under_way", "held", "parked", "cancelled", "unpaid")
UNPAID = frozenset({"unpaid", "pending", "authorized", "partially_paid"})
STANDING = frozenset({"held", "parked", "unpaid"})
NEVER_PAID = "the customer left the payment page without paying"
SENT = frozenset({"sent", "delivered"})
# Turns in which everything a submission needs is there from the first moment.
AT_ONCE = frozenset({Turn.PLAIN, Turn.COUPON, Turn.VIRTUAL, Turn.SEEN_TWICE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """A sale that stands still, and why. `order_id` is None where the hub has no order of it."""

    number: str
    mount: str
    state: str
    reason: str
    reference: str = ""
    order_id: int | None = None


@dataclass(slots=True, kw_only=True)
class Tally:
    """The count of one run so far."""

    placed: int
    classes: Counter[str] = field(default_factory=Counter)
    in_hub: int = 0
    submitted: int = 0
    shipped: int = 0
    written_back: int = 0
    at_shops: int = 0  # placed where somebody waits to be told
    untold: int = 0  # shipped, and the storefront does not know all of it yet
    still: list[Still] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    mails: int = 0
    waits_ms: list[float] = field(default_factory=list)
    tracked_order_id: int | None = None

    def check(self, *, at_the_end: bool = False) -> None:
        """Assert that every sale is in exactly one class, and at the end that none hides."""
        assert self.placed == sum(self.classes[name] for name in CLASSES), dict(self.classes)
        standing = sum(self.classes[name] for name in (*STANDING, *["under_way"] * at_the_end))
        assert len(self.still) == standing, (self.still, dict(self.classes))

    @property
    def is_over(self) -> bool:
        """Whether nothing is under way any more."""
        return self.classes["under_way"] == 0


@dataclass(slots=True, kw_only=True)
class Records:
    """What the hub has recorded about some connections; rows as `statements` names their columns.

    `parked` are (connection, raw body, reason).
    """

    orders: list[dict[str, Any]] = field(default_factory=list)
    holds: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    shipments: list[dict[str, Any]] = field(default_factory=list)
    mails: list[dict[str, Any]] = field(default_factory=list)
    repeated_mails: list[str] = field(default_factory=list)
    parked: list[tuple[int, bytes, str]] = field(default_factory=list)

    @classmethod
    def read(cls, merchant_id: int, connection_ids: list[int]) -> "Records":
        """Read them all at one instant."""
        asked = {"connections": connection_ids}
        with scope.merchant(merchant_id):
            return cls(
                orders=sql.fetch_dicts(statements.ORDERS, asked),
                holds=sql.fetch_dicts(statements.HOLDS, asked),
                attempts=sql.fetch_dicts(statements.ATTEMPTS, asked),
                shipments=sql.fetch_dicts(statements.SHIPMENTS, asked),
                mails=sql.fetch_dicts(statements.MAILS, asked),
                repeated_mails=[row[0] for row in sql.fetch(statements.MAILBOX)],
                parked=[
                    (
                        row["connection_id"],
                        open_body(InboxMessage.objects.get(id=row["message_id"])),
                        row["reason"],
                    )
                    for row in sql.fetch_dicts(statements.PARKED, asked)
                ],
            )

    def parked_for(self, connection_id: int, external_id: str) -> str:
        """Why a message that names the sale is parked; "" when none is."""
        wanted = external_id.encode()
        return next(
            (
                reason
                for where, body, reason in self.parked
                if where == connection_id and wanted in body
            ),
            "",
        )


def count(
    *,
    merchant_id: int,
    connections: dict[str, int],
    placed: list[dict[str, Any]],
    books: dict[str, Any],
    at_the_end: bool = False,
) -> Tally:
    """Count a run: `placed` and `books` as the sandbox tells them, `connections` by mount."""
    records = Records.read(merchant_id, list(connections.values()))
    return compare(
        records, connections=connections, placed=placed, books=books, at_the_end=at_the_end
    )


def compare(
    records: Records,
    *,
    connections: dict[str, int],
    placed: list[dict[str, Any]],
    books: dict[str, Any],
    at_the_end: bool = False,
) -> Tally:
    """Hold the books against the hub's records."""
    tally = Tally(placed=len(placed), in_hub=len(records.orders))
    tally.at_shops = sum("sales" in books.get(sale["mount"], {}) for sale in placed)
    counter = _Counter(tally, records, books)
    for sale in placed:
        counter.add(sale, connections[sale["mount"]], at_the_end=at_the_end)
    tally.submitted = len({row["order_id"] for row in records.attempts if _is_taken(row)})
    shipments = _by_order(records.shipments)
    tally.shipped = len(shipments)
    told_shops = {connections[mount] for mount, told in books.items() if "sales" in told}
    to_tell = [rows for rows in shipments.values() if rows[0]["connection_id"] in told_shops]
    tally.written_back = sum(all(row["is_written_back"] for row in rows) for rows in to_tell)
    tally.untold = len(to_tell) - tally.written_back
    tally.mails = sum(mail["status"] in SENT for mail in records.mails)
    tally.doubled = doubled(records, books)
    tally.lost += lost_works(records, books) if at_the_end else []
    tally.check(at_the_end=at_the_end)
    return tally


class _Counter:
    """Puts sales into their classes, one by one."""

    def __init__(self, tally: Tally, records: Records, books: dict[str, Any]) -> None:
        self._tally = tally
        self._records = records
        self._by_sale = {(row["connection_id"], row["external_id"]): row for row in records.orders}
        self._holds = _by_order(records.holds)
        self._attempts = _by_order(records.attempts)
        self._checkouts = {
            row["external_id"]: row for told in books.values() for row in told.get("checkouts", ())
        }

    def add(self, sale: dict[str, Any], connection_id: int, *, at_the_end: bool) -> None:
        """Count one sale."""
        order = self._by_sale.get((connection_id, sale["external_id"]))
        if order is None:
            self._add_unknown(sale, connection_id, at_the_end=at_the_end)
            return
        found = _class_of(order)
        self._tally.classes[found] += 1
        if found in STANDING or (at_the_end and found == "under_way"):
            self._tally.still.append(self._standing(order, sale["mount"], found))
        if order["fulfillment_status"] == "delivered" and self._tally.tracked_order_id is None:
            self._tally.tracked_order_id = order["id"]
        if sale["turn"] in AT_ONCE and order["id"] not in self._holds:
            began = datetime.fromisoformat(sale["at"])
            taken = [
                row["ended_at"] for row in self._attempts.get(order["id"], ()) if _is_taken(row)
            ]
            if taken:
                self._tally.waits_ms.append((min(taken) - began) / timedelta(milliseconds=1))

    def _add_unknown(self, sale: dict[str, Any], connection_id: int, *, at_the_end: bool) -> None:
        """A sale without an order: not paid, not understood, on its way, or lost."""
        page = self._checkouts.get(sale["external_id"])
        state, reason = "under_way", "the hub has no order of it"
        if parked := self._records.parked_for(connection_id, sale["external_id"]):
            state, reason = "parked", parked
        elif page is not None and not (page["is_paid"] or page["is_pending"]):
            state, reason = "unpaid", NEVER_PAID
        elif at_the_end:
            self._tally.lost.append(f"{sale['mount']}/{sale['external_id']}: {reason}")
        self._tally.classes[state] += 1
        if state in STANDING or at_the_end:
            self._tally.still.append(
                Still(number=sale["external_id"], mount=sale["mount"], state=state, reason=reason)
            )

    def _standing(self, order: dict[str, Any], mount: str, found: str) -> Still:
        holds = [f"{row['kind']}: {row['reason']}" for row in self._holds.get(order["id"], ())]
        unknown = [
            f"{row['kind']}: {row['message']}"
            for row in self._attempts.get(order["id"], ())
            if row["status"] == "unknown"
        ]
        usual = {
            "unpaid": f"the payment is {order['payment_status'].replace('_', ' ')}",
            "under_way": f"the goods are {order['fulfillment_status'].replace('_', ' ')}",
        }
        return Still(
            number=order["number"],
            mount=mount,
            state="unknown" if unknown and not holds else found,
            reason="; ".join([*holds, *unknown]) or usual.get(found, found),
            reference=order["reference"],
            order_id=order["id"],
        )


def _class_of(order: dict[str, Any]) -> str:
    if order["is_held"]:
        return "held"
    if order["fulfillment_status"] == "delivered":
        return "delivered"
    if order["status"] == "cancelled" or order["payment_status"] == "refunded":
        return "cancelled"
    if not order["is_released"] and order["payment_status"] in UNPAID:
        return "unpaid"
    if order["status"] == "closed" and order["fulfillment_status"] == "not_required":
        return "delivered"  # nothing had to leave
    return "under_way"


def _is_taken(attempt: dict[str, Any]) -> bool:
    return (attempt["kind"], attempt["status"]) == ("submit", "accepted")


def doubled(records: Records, books: dict[str, Any]) -> list[str]:
    """Everything that happened more often than it was wanted, by the books of the others."""
    found = []
    for mount, told in books.items():
        live: dict[str, list[str]] = defaultdict(list)
        for work in told.get("works", ()):
            if work["is_live"]:
                # The reference ends with share and generation: a share is made once, whatever its
                # generation.
                live[work["reference"].rpartition("/")[0]].append(work["external_id"])
        found += [
            f"{mount} makes {reference} {len(ids)} times: {', '.join(ids)}"
            for reference, ids in sorted(live.items())
            if len(ids) > 1
        ]
        for sale in told.get("sales", ()):
            for what in ("trackings", "notes"):
                repeated = [text for text, n in Counter(sale[what]).items() if n > 1]
                found += [
                    f"{mount}/{sale['external_id']} was told twice: {text}" for text in repeated
                ]
    found += [f"mail {message_id} left twice" for message_id in records.repeated_mails]
    told_of = Counter((mail["order_id"], mail["kind"], mail["fact"]) for mail in records.mails)
    found += [
        f"mail {kind} about {fact} of order {order_id} twice"
        for (order_id, kind, fact), n in told_of.items()
        if n > 1
    ]
    return found


def lost_works(records: Records, books: dict[str, Any]) -> list[str]:
    """Work that a provider has and the hub does not acknowledge, and the other way round."""
    theirs = {
        work["external_id"]: work for told in books.values() for work in told.get("works", ())
    }
    ours = {row["external_id"] for row in records.attempts if _is_taken(row)}
    asking = {row["reference"] for row in records.attempts if row["status"] == "unknown"}
    return [
        *(
            f"a provider makes {external_id} and the hub does not know"
            for external_id, work in sorted(theirs.items())
            if external_id not in ours and work["reference"] not in asking
        ),
        *(
            f"the hub believes in {external_id} and no provider has it"
            for external_id in sorted(ours - set(theirs))
        ),
    ]


def percentile(values: list[float], share: float) -> float | None:
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)], 1) if ordered else None


def _by_order(rows: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["order_id"]].append(row)
    return dict(found)
