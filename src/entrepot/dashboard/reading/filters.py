"""The filters of the orders list: read from the address, said as pills, asked of the database."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from urllib.parse import urlencode

from django.utils import timezone

from entrepot.canon.payments import refund_ids
from entrepot.dashboard.reading import flow, headline
from entrepot.dashboard.reading.headline import CHIPS, State
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.wording import plain
from entrepot.dashboard.words_of_states import HOLD
from entrepot.orders.search import kinds_for, terms_of
from entrepot.orders.states import FulfillmentStatus, HoldKind, PaymentStatus

# key of the address -> how its pill begins
WORDS = {
    "state": "state",
    "customer": "customer",
    "storefront": "storefront",
    "provider": "provider",
    "hold": "hold",
    "payment": "payment",
    "fulfillment": "fulfillment",
    "owed": "owed",
    "sku": "SKU",
    "country": "country",
    "currency": "currency",
    "tag": "tag",
    "from": "placed from",
    "to": "placed to",
    "heard": "first heard since",
    "place": "in the flow",
    "reached": "reached",
    "find": "has",
}
# A condition on the row `o` and its parameter, None for a value that cannot be read.
Asked = tuple[str, object] | None
TOKEN = re.compile(r'(?P<key>[a-z]+):(?:"(?P<quoted>[^"]*)"|(?P<plain>\S+))|"(?P<phrase>[^"]+)"')


@dataclass(frozen=True, slots=True)
class Pill:
    """An active filter: what it says, and the address without it."""

    words: str
    without: str


@dataclass(slots=True)
class Filters:
    """Active filters by key, and those that could not be understood."""

    values: dict[str, str] = field(default_factory=dict)
    misread: list[str] = field(default_factory=list)

    @property
    def query(self) -> str:
        """The address after the question mark; the same rows for whoever gets the link."""
        return urlencode(self.values)

    def without(self, key: str) -> str:
        """The same with one filter fewer."""
        return urlencode({name: value for name, value in self.values.items() if name != key})


def read(asked: Mapping[str, str]) -> Filters:
    """Read filters from an address; `f` is the text of the filter box.

    The box takes `sku:PRT-* country:DE tag:"for Friday"`; any other word is an identifier.
    """
    filters = Filters()
    for key in WORDS:
        if value := asked.get(key, "").strip():
            filters.values[key] = value
    text = asked.get("f", "").strip()
    words = []
    for match in TOKEN.finditer(text):
        if match["phrase"]:
            words.append(match["phrase"])
            continue
        value = match["quoted"] if match["quoted"] is not None else match["plain"]
        if match["key"] in WORDS:
            filters.values[match["key"]] = value
        else:
            filters.misread.append(match[0])
    if rest := TOKEN.sub(" ", text).split():
        words.insert(0, " ".join(rest))
    if words:
        filters.values["find"] = " ".join(words)
    return filters


def pills(filters: Filters, names: Mapping[int, str]) -> list[Pill]:
    """What is filtered, in words."""
    return [
        Pill(f"{WORDS[key]}: {_said(key, value, names)}", filters.without(key))
        for key, value in filters.values.items()
    ]


def _said(key: str, value: str, names: Mapping[int, str]) -> str:
    match key:
        case "state" if value in headline.KNOWN:
            return CHIPS[State(value)].word
        case "storefront" | "provider":
            return names.get(number_in(value) or 0, f"no. {value}")
        case "customer":
            return f"no. {value}"
        case "hold" if value in HoldKind.values:
            return HOLD[HoldKind(value)]
        case "place":
            return next((row[3] for row in flow.PLACES if row[0] == value), value)
        case _:
            return plain(value) if key in {"payment", "fulfillment", "reached"} else value


def conditions(filters: Filters, *, sees_people: bool) -> tuple[list[str], dict[str, object]]:
    """What the filters ask of the row `o`, as conditions with named parameters.

    A value that cannot be read is added to `misread` and asks for nothing. Who may not see people
    finds nothing by their names.
    """
    asked: list[str] = []
    parameters: dict[str, object] = {"f_kinds": kinds_for(sees_people=sees_people)}
    for key, value in list(filters.values.items()):
        made = _condition(key, value)
        if made is None:
            filters.misread.append(f"{key}:{value}")
            continue
        condition, parameter = made
        asked.append(condition)
        if parameter is not None:
            parameters[f"f_{key}"] = parameter
    return asked, parameters


_SHARE = (
    "EXISTS (SELECT FROM fulfillment_order AS f WHERE f.order_id = o.id"
    " AND f.status <> 'cancelled' AND f.connection_id = %(f_provider)s)"
)
_HELD = (
    "o.open_holds > 0 AND EXISTS (SELECT FROM orders_hold AS h"
    " WHERE h.order_id = o.id AND h.lifted_at IS NULL AND h.kind = %(f_hold)s)"
)
_TAGGED = "EXISTS (SELECT FROM orders_tag AS t WHERE t.order_id = o.id AND t.word = %(f_tag)s)"
_SENT_TO = (
    "EXISTS (SELECT FROM customers_postal_address AS d"
    " WHERE d.id = o.address_id AND d.country = upper(%(f_country)s))"
)
# Two ranges of search_term_key; an OR of them would read all terms of the merchant. Then a refund's
# id, by payments_entry_refund.
_FOUND = (
    "o.id IN (SELECT s.object_id FROM search_term AS s"
    " WHERE s.kind = ANY (%(f_kinds)s) AND s.term ^@ (%(f_find)s::text[])[1]"
    " UNION ALL SELECT s.object_id FROM search_term AS s"
    " WHERE s.kind = ANY (%(f_kinds)s) AND s.term ^@ (%(f_find)s::text[])[2]"
    " UNION ALL SELECT e.order_id FROM payments_entry AS e"
    " WHERE e.kind IN ('refund_pending', 'refunded', 'refund_failed')"
    " AND e.external_id = ANY ((%(f_find)s::text[])[3:]))"
)
_OWES = (
    "o.id IN (SELECT b.order_id FROM obligations_obligation AS b"
    " WHERE b.\"end\" = '' AND b.due_at < now() + %(f_owed)s::interval)"
)


def _condition(key: str, value: str) -> Asked:
    """The condition of one filter and its parameter; None for a value that makes no sense."""
    return _CONDITIONS[key](value)


def _one_of(known: Collection[str], condition: str) -> Callable[[str], Asked]:
    return lambda value: (condition, value) if value in known else None


def _by_id(condition: str) -> Callable[[str], Asked]:
    def asked(value: str) -> Asked:
        number = number_in(value)
        return None if number is None else (condition, number)

    return asked


def _state(value: str) -> Asked:
    if value not in headline.KNOWN:
        return None
    return headline.condition_of(State(value)), None


def _owes(value: str) -> Asked:
    spans = {"overdue": "0", "hour": "1 hour", "today": "1 day"}
    return (_OWES, spans[value]) if value in spans else None


def _place(value: str) -> Asked:
    if value not in {row[0] for row in flow.PLACES} - {"refused", "parked"}:
        return None
    return flow.condition_of_place(value), None


def _sku(value: str) -> Asked:
    """One SKU, or all that begin alike: `PRT-*`."""
    same = "l.sku ^@ %(f_sku)s" if value.endswith("*") else "l.sku = %(f_sku)s"
    return (
        f"o.id IN (SELECT l.order_id FROM orders_line AS l WHERE {same})",  # noqa: S608 -- constants
        value.rstrip("*"),
    )


def _reached(stage: str) -> Asked:
    if stage not in flow.STAGES:
        return None
    return f"({flow.PLACE}) = ANY (%(f_reached)s) AND NOT o.is_history", flow.places_from(stage)


def _since(condition: str) -> Callable[[str], Asked]:
    def dated(value: str) -> Asked:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return None
        return condition, timezone.make_aware(datetime.combine(day, time.min))

    return dated


_CONDITIONS: dict[str, Callable[[str], Asked]] = {
    "state": _state,
    "customer": _by_id("o.customer_id = %(f_customer)s"),
    "storefront": _by_id("o.connection_id = %(f_storefront)s"),
    "provider": _by_id(_SHARE),
    "hold": _one_of(HoldKind.values, _HELD),
    "payment": _one_of(PaymentStatus.values, "o.payment_status = %(f_payment)s"),
    "fulfillment": _one_of(FulfillmentStatus.values, "o.fulfillment_status = %(f_fulfillment)s"),
    "owed": _owes,
    "sku": _sku,
    "country": lambda value: (_SENT_TO, value),
    "currency": lambda value: ("o.currency = upper(%(f_currency)s)", value),
    "tag": lambda value: (_TAGGED, value),
    "find": lambda value: (_FOUND, [*terms_of(value), *refund_ids(value)]),
    "place": _place,
    "reached": _reached,
    "from": _since("o.placed_at >= %(f_from)s"),
    "to": _since("o.placed_at < %(f_to)s + interval '1 day'"),
    "heard": _since("o.first_seen_at >= %(f_heard)s"),
}
