"""What stands still, grouped by cause, each cause counted once.

One query for holds, parked input, unknown attempts, payment wanted at a provider, money without an
order, work that gave up, and what is only late.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from entrepot.canon.money import Money
from entrepot.dashboard import words_of_states
from entrepot.dashboard.reading.amounts import listed_sums
from entrepot.dashboard.wording import Chip, plain, sentence
from entrepot.database import sql
from entrepot.orders.states import HoldKind
from entrepot.payments.unmatched import IS_UNMATCHED

SHOWN = 50
# Holds of these kinds have one cause for each thing that they are about; of others, one for all.
TOLD_APART = frozenset(
    {
        HoldKind.UNMAPPED_SKU,
        HoldKind.MISSING_ARTWORK,
        HoldKind.SHIPPING_UNMAPPED,
        HoldKind.ITEM_UNAVAILABLE,
        HoldKind.MODE_UNKNOWN,
        HoldKind.STATE_UNKNOWN,
    }
)
_told_apart = ", ".join(f"'{kind}'" for kind in sorted(TOLD_APART))

# Partial indexes hold only what is open: orders_hold_open, inbox_work_parked,
# attempts_attempt_unknown, deadletters_waiting, obligations_due, payments_entry_unmatched. What the
# last of them finds is what `payments.unmatched` finds.
STANDING = f"""
    standing AS (
        SELECT
            CASE h.kind WHEN 'payment_needed' THEN 'payment' ELSE 'hold' END AS category,
            h.kind AS cause,
            CASE
                WHEN h.kind IN ({_told_apart}) THEN h.about
                WHEN h.kind = 'duplicate_suspected' THEN h.order_id::text
                WHEN h.kind = 'payment_needed' THEN coalesce(h.data ->> 'connection_id', '')
                ELSE ''
            END AS about,
            h.reason AS words,
            h.order_id,
            h.id AS subject_id,
            h.opened_at AS since
        FROM orders_hold AS h
        JOIN orders_order AS held ON held.id = h.order_id
        WHERE h.lifted_at IS NULL AND held.mode = %(mode)s
        UNION ALL
        SELECT 'parked', w.reason, '', w.reason, NULL, w.message_id, m.received_at
        FROM inbox_work AS w
        JOIN inbox_message AS m ON m.id = w.message_id
        WHERE w.is_parked AND m.mode = %(mode)s
        UNION ALL
        SELECT 'unknown', a.kind, a.id::text, a.message, a.order_id, a.id,
            coalesce(a.unknown_since, a.intended_at)
        FROM attempts_attempt AS a
        WHERE a.status = 'unknown' AND a.mode = %(mode)s
        UNION ALL
        SELECT 'gave_up', d.fingerprint, '', d.task || ': ' || d.error, d.order_id, d.id,
            d.buried_at
        FROM deadletters_dead_letter AS d
        LEFT JOIN orders_order AS o ON o.id = d.order_id
        WHERE d.status = 'waiting' AND coalesce(o.mode, 'live') = %(mode)s
        UNION ALL
        SELECT 'late', b.kind, '', '', b.order_id, b.id, b.due_at
        FROM obligations_obligation AS b
        WHERE b."end" = '' AND b.due_at < now() AND b.mode = %(mode)s
            AND NOT EXISTS (
                SELECT FROM orders_hold AS h
                WHERE h.order_id = b.order_id AND h.lifted_at IS NULL
            )
            AND NOT EXISTS (
                SELECT FROM attempts_attempt AS a
                WHERE a.order_id = b.order_id AND a.status = 'unknown'
            )
            AND NOT EXISTS (
                SELECT FROM deadletters_dead_letter AS d
                WHERE d.order_id = b.order_id AND d.status = 'waiting'
            )
        UNION ALL
        SELECT 'unmatched', '', '', '', NULL, payments_entry.id, payments_entry.happened_at
        FROM payments_entry
        WHERE payments_entry.mode = %(mode)s AND {IS_UNMATCHED}
    )
"""  # noqa: S608 -- constants
_GROUPED = f"""
    WITH {STANDING}
    SELECT
        category,
        cause,
        about,
        count(*) AS number,
        min(since) AS since,
        (array_agg(words ORDER BY since))[1] AS words,
        (array_agg(subject_id ORDER BY since))[1:{SHOWN}] AS subject_ids,
        (array_agg(order_id ORDER BY since))[1:{SHOWN}] AS order_ids,
        count(DISTINCT order_id) AS orders,
        count(DISTINCT order_id) FILTER (
            WHERE EXISTS (
                SELECT FROM obligations_obligation AS b
                WHERE b.order_id = standing.order_id AND b."end" = '' AND b.due_at < now()
            )
        ) AS overdue
    FROM standing
    GROUP BY category, cause, about
    ORDER BY min(since), category, cause, about
"""  # noqa: S608 -- constants
_MONEY = f"""
    WITH {STANDING}
    SELECT category, cause, about, o.currency, sum(o.total)
    FROM (SELECT DISTINCT category, cause, about, order_id FROM standing) AS each
    JOIN orders_order AS o ON o.id = each.order_id
    GROUP BY 1, 2, 3, 4
"""  # noqa: S608 -- constants

CATEGORIES: dict[str, tuple[str, Chip]] = {
    "unknown": ("Unknown", words_of_states.UNKNOWN),
    "hold": ("Holds", words_of_states.HELD),
    "parked": ("Parked", words_of_states.PARKED),
    "payment": ("Provider alerts", words_of_states.ALERT),
    "unmatched": ("Unmatched payments", words_of_states.UNMATCHED),
    "gave_up": ("Dead letters", words_of_states.GAVE_UP),
    "late": ("Overdue only", words_of_states.OVERDUE),
}
# What an unknown attempt was about to do, as a sentence says it.
EFFECTS = {
    "submit": "Submission",
    "cancel": "Cancellation",
    "change_recipient": "Change of recipient",
    "change_shipping": "Change of shipping method",
    "refund": "Refund",
    "capture": "Capture",
    "void": "Void",
    "write_back": "Write-back",
    "mail": "Mail",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason why things stand still, and what waits for it; ids are the oldest first."""

    category: str
    cause: str
    about: str
    number: int
    orders: int
    overdue: int
    since: datetime
    words: str
    subject_ids: tuple[int, ...]
    order_ids: tuple[int, ...]
    amounts: list[Money] = field(default_factory=list)

    @property
    def chip(self) -> Chip:
        """Its kind."""
        return CATEGORIES[self.category][1]

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        first = self.subject_ids[0] if self.subject_ids else 0
        return f"{self.category}-{first}"

    @property
    def title(self) -> str:
        """The cause as a fact."""
        match self.category, self.cause:
            case "hold", "unmapped_sku":
                return f"SKU {self.about or '(empty)'} is not mapped"
            case "hold", "missing_artwork" if self.about:
                return f"Artwork missing for {self.about}"
            case "hold", "shipping_unmapped" | "mode_unknown" | "state_unknown":
                return self.words
            case "gave_up", _:
                return f"{words_of_states.task_words(self.words.partition(':')[0])} gave up"
            case _:
                return self.plain_title

    @property
    def plain_title(self) -> str:
        """The cause by its kind alone."""
        if self.category in {"hold", "payment"}:
            return words_of_states.HOLD.get(self.cause, sentence(self.cause))  # type: ignore[call-overload, no-any-return]
        if self.category == "unknown":
            return EFFECTS.get(self.cause, sentence(self.cause))
        if self.category == "unmatched":
            return "Payments without an order"
        if self.category == "late":
            return f"{words_of_states.OWED.get(self.cause, sentence(self.cause))}: late"  # type: ignore[call-overload]
        return sentence(self.words or self.cause)

    @property
    def short_title(self) -> str:
        """The cause without what sets it apart from others of its kind."""
        if self.category == "hold":
            return str(words_of_states.HOLD.get(self.cause, plain(self.cause)))  # type: ignore[call-overload]
        return self.title


def causes(mode: str) -> list[Cause]:
    """Everything that stands still in a mode, by kind of cause, the oldest first in each."""
    money: dict[tuple[str, str, str], list[tuple[str, Decimal]]] = defaultdict(list)
    for category, cause, about, currency, amount in sql.fetch(_MONEY, {"mode": mode}):
        money[category, cause, about].append((currency, amount))
    found = [
        _cause(row, listed_sums(money[row["category"], row["cause"], row["about"]]))
        for row in sql.fetch_dicts(_GROUPED, {"mode": mode})
    ]
    ranks = {category: rank for rank, category in enumerate(CATEGORIES)}
    return sorted(found, key=lambda cause: ranks[cause.category])


def _cause(row: dict[str, Any], amounts: list[Money]) -> Cause:
    return Cause(
        category=row["category"],
        cause=row["cause"],
        about=row["about"],
        number=row["number"],
        orders=row["orders"],
        overdue=row["overdue"],
        since=row["since"],
        words=row["words"],
        subject_ids=tuple(row["subject_ids"]),
        order_ids=tuple(id_ for id_ in row["order_ids"] if id_ is not None),
        amounts=amounts,
    )


def kinds(found: list[Cause]) -> list[dict[str, Any]]:
    """The kinds that stand still with their counts, for the tabs of the page."""
    return [
        {
            "key": key,
            "word": word,
            "number": sum(cause.number for cause in found if cause.category == key),
        }
        for key, (word, _chip) in CATEGORIES.items()
    ]


def summary(found: list[Cause]) -> list[dict[str, Any]]:
    """One line per kind of cause for the home page: holds by reason, the rest by category."""
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    for cause in found:
        key = (cause.category, cause.cause if cause.category in {"hold", "unknown"} else "")
        line = lines.setdefault(
            key,
            {
                "chip": cause.chip,
                "role": cause.chip.role,
                "title": cause.short_title,
                "anchor": cause.anchor,
                "since": cause.since,
                "number": 0,
            },
        )
        if line["number"] and key[1] == "":
            line["title"] = CATEGORIES[cause.category][0]
        line["number"] += cause.number
        line["since"] = min(line["since"], cause.since)
    return list(lines.values())
