"""A page of orders with everything that its rows show, in a fixed number of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from entrepot.canon.money import Money
from entrepot.dashboard.reading import filters, headline, problems
from entrepot.dashboard.reading.filters import Filters
from entrepot.dashboard.reading.headline import BARRED, CHIPS, State
from entrepot.dashboard.reading.problems import Problem
from entrepot.dashboard.wording import Chip
from entrepot.database import sql

PAGE = 50
COUNTED = 1000

Key = tuple[datetime, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One order of a list."""

    id: int
    number: str
    storefront: str
    placed_at: datetime
    customer: str
    country: str
    lines: int
    total: Money
    presentment: Money | None
    state: State
    status: str
    payment: str
    fulfillment: str
    providers: tuple[str, ...]
    due_at: datetime | None
    is_late: bool
    tags: tuple[str, ...]
    problem: Problem | None

    @property
    def chip(self) -> Chip:
        """Its headline state."""
        return CHIPS[self.state]

    @property
    def bar(self) -> str:
        """The role of the bar at the row's start, where it has one."""
        if self.state in BARRED:
            return self.chip.role
        return "done" if self.state == State.CANCELLED else ""

    @property
    def key(self) -> str:
        """Its place in the list, for the address of the next page."""
        return f"{self.placed_at.timestamp():.6f}:{self.id}"


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first, and whether there are more on either side."""

    rows: list[Row]
    has_older: bool
    has_newer: bool


# Walks orders_recent (merchant, mode, placed_at, id) unless a filter starts from a smaller index.
_ROWS = """
    SELECT
        o.id, o.number, o.connection_id, o.placed_at, o.currency, o.total, o.presentment_total,
        o.presentment_currency, o.status, o.payment_status, o.fulfillment_status,
        coalesce(nullif(a.name, ''), c.name, '') AS customer,
        coalesce(a.country, '') AS country,
        (
            SELECT count(*) FROM orders_line AS l WHERE l.order_id = o.id AND l.removed_at IS NULL
        ) AS lines,
        (
            SELECT min(b.due_at)
            FROM obligations_obligation AS b
            WHERE b.order_id = o.id AND b."end" = ''
        ) AS due_at,
        ARRAY(
            SELECT DISTINCT f.connection_id
            FROM fulfillment_order AS f
            WHERE f.order_id = o.id AND f.status <> 'cancelled'
        ) AS providers,
        ARRAY(SELECT t.word FROM orders_tag AS t WHERE t.order_id = o.id ORDER BY t.id) AS tags
    FROM orders_order AS o
    LEFT JOIN customers_postal_address AS a ON a.id = o.address_id
    LEFT JOIN customers_customer AS c ON c.id = o.customer_id
    WHERE {conditions}
    ORDER BY o.placed_at {direction}, o.id {direction}
    LIMIT %(limit)s
"""
_COUNT = (
    "SELECT count(*) FROM (SELECT FROM orders_order AS o WHERE {conditions} LIMIT {limit}) AS x"
)


def rows_of(
    mode: str,
    asked: Filters,
    *,
    names: Mapping[int, str],
    sees_people: bool,
    older_than: Key | None = None,
    newer_than: Key | None = None,
    limit: int = PAGE,
) -> Page:
    """A page of the orders that match, by key, the newest first."""
    conditions, parameters = filters.conditions(asked, sees_people=sees_people)
    conditions.insert(0, "o.mode = %(mode)s")
    parameters |= {"mode": mode, "limit": limit + 1}
    forward = newer_than is not None
    key = newer_than or older_than
    if key is not None:
        sign = ">" if forward else "<"
        conditions.append(f"(o.placed_at, o.id) {sign} (%(key_at)s, %(key_id)s)")
        parameters |= {"key_at": key[0], "key_id": key[1]}
    found = sql.fetch_dicts(
        _ROWS.format(conditions=" AND ".join(conditions), direction="ASC" if forward else "DESC"),
        parameters,
    )
    is_more = len(found) > limit
    found = found[:limit]
    if forward:
        found.reverse()
    return Page(
        rows=_rows(found, names),
        has_older=is_more if not forward else True,
        has_newer=is_more if forward else key is not None,
    )


def _rows(found: Sequence[Mapping[str, Any]], names: Mapping[int, str]) -> list[Row]:
    ids = [row["id"] for row in found]
    states = headline.states_of(ids)
    lines = problems.problems_of(ids)
    return [_row(row, states[row["id"]], lines.get(row["id"]), names) for row in found]


def _row(
    row: Mapping[str, Any], state: State, problem: Problem | None, names: Mapping[int, str]
) -> Row:
    other = row["presentment_currency"]
    differs = other and other != row["currency"] and row["presentment_total"] is not None
    providers = [names.get(id_, f"no. {id_}") for id_ in row["providers"]]
    return Row(
        id=row["id"],
        number=row["number"],
        storefront=names.get(row["connection_id"], ""),
        placed_at=row["placed_at"],
        customer=row["customer"],
        country=row["country"],
        lines=row["lines"],
        total=Money(row["total"], row["currency"]),
        presentment=Money(row["presentment_total"], other) if differs else None,
        state=state,
        status=row["status"],
        payment=row["payment_status"],
        fulfillment=row["fulfillment_status"],
        providers=tuple(sorted(providers)),
        due_at=row["due_at"],
        is_late=state == State.OVERDUE,
        tags=tuple(row["tags"]),
        problem=_shown(state, problem),
    )


def _shown(state: State, problem: Problem | None) -> Problem | None:
    """A line under a state that needs none would contradict it."""
    needs = {*BARRED, State.AWAITING_PAYMENT, State.COOLING_OFF, State.PRESUMED_DELIVERED}
    return problem if state in needs else None


def how_many(mode: str, asked: Filters, *, sees_people: bool) -> int:
    """How many orders match, counted up to COUNTED."""
    conditions, parameters = filters.conditions(asked, sees_people=sees_people)
    conditions.insert(0, "o.mode = %(mode)s")
    statement = _COUNT.format(conditions=" AND ".join(conditions), limit=COUNTED)
    return int(sql.fetch_value(statement, {**parameters, "mode": mode}))


def key_of(text: str) -> Key | None:
    """A place in the list as an address has it; None for anything else."""
    seconds, _, number = text.partition(":")
    try:
        return datetime.fromtimestamp(float(seconds), tz=UTC), int(number)
    except (ValueError, OverflowError, OSError):
        return None
