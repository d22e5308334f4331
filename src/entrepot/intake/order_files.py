"""Orders as rows of a file: one row per line of an order, and every fault with its row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from entrepot.intake.new_orders import NewOrder

COLUMNS = (
    "external_id", "number", "placed_at", "currency", "payment", "state", "email", "name",
    "company", "line1", "line2", "city", "region", "postal_code", "country", "phone", "language",
    "shipping_method", "shipping_title", "shipping_price", "total", "note", "sku", "title",
    "quantity", "unit_price", "line_total",
)  # fmt: skip
NEEDED = ("external_id", "currency", "payment", "sku", "title", "quantity", "unit_price")
OF_LINES = ("sku", "title", "quantity", "unit_price", "line_total")
# Which column a part of an order stands in, where it is not called the same.
COLUMN_OF = {
    ("shipping", "method"): "shipping_method",
    ("shipping", "title"): "shipping_title",
    ("shipping", "price"): "shipping_price",
    ("lines", "total"): "line_total",
}
# What a cell should have been, by its column.
WANTED = {
    "email": "is no e-mail address",
    "country": "is no country: two letters, as in DE",
    "language": "is no language, as in de or pt-BR",
    "currency": "is no currency: three letters, as in EUR",
    "quantity": "is no whole number of at least 1",
    "placed_at": "is no instant with its zone, as in 2026-03-01T09:30:00Z",
    **dict.fromkeys(
        ("unit_price", "line_total", "shipping_price", "total"), "is no amount, as in 12.50"
    ),
}
Row = tuple[int, dict[str, str]]


@dataclass(slots=True, kw_only=True)
class FileOrder:
    """The rows of one order. Without faults it has an order; faults are (row, words)."""

    external_id: str
    rows: list[Row]
    order: NewOrder | None = None
    faults: list[tuple[int, str]] = field(default_factory=list)

    @property
    def first_row(self) -> int:
        """The row that tells what is about the order."""
        return self.rows[0][0]


def missing_columns(head: Iterable[str]) -> list[str]:
    """What a file with these columns lacks."""
    return sorted(set(NEEDED) - set(head))


def unknown_columns(head: Iterable[str]) -> list[str]:
    """What a file with these columns has that nobody reads."""
    return sorted(set(head) - set(COLUMNS) - {""})


def orders_of(rows: Iterable[Row]) -> list[FileOrder]:
    """Rows of one `external_id` are one order; in the order of their first rows."""
    found: dict[str, FileOrder] = {}
    nameless = []
    for number, row in rows:
        name = row["external_id"]
        if not name:
            fault = [(number, "external_id is empty")]
            nameless.append(FileOrder(external_id="", rows=[(number, row)], faults=fault))
            continue
        found.setdefault(name, FileOrder(external_id=name, rows=[])).rows.append((number, row))
    for one in found.values():
        _read(one)
    return sorted([*nameless, *found.values()], key=lambda one: one.first_row)


def _read(one: FileOrder) -> None:
    number, first = one.rows[0]
    for other_number, other in one.rows[1:]:
        one.faults.extend(
            (other_number, f"{name} differs from line {number}")
            for name, value in other.items()
            if name not in OF_LINES and value and value != first.get(name, "")
        )
    try:
        order = NewOrder.model_validate(_content(first, [row for _, row in one.rows]))
    except ValidationError as error:
        one.faults.extend(_fault(dict(fault), one.rows) for fault in error.errors())
    else:
        one.order = None if one.faults else order


def _fault(fault: Mapping[str, Any], rows: Sequence[Row]) -> tuple[int, str]:
    place = [str(part) for part in fault["loc"]]
    row = rows[0]
    if place[:1] == ["lines"] and len(place) > 1:
        row = rows[int(place[1])]
    name = COLUMN_OF.get((place[0], place[-1]), place[-1])
    return row[0], _said(name, row[1].get(name, ""), fault)


def _said(name: str, cell: str, fault: Mapping[str, Any]) -> str:
    if not cell:
        return f"{name} is empty"
    match fault["type"]:
        case "literal_error":
            wanted = f"is none of {fault['ctx']['expected']}"
        case "string_too_long":
            wanted = f"is longer than {fault['ctx']['max_length']} signs"
        case "value_error":
            wanted = WANTED.get(name, str(fault["ctx"]["error"]))
        case _:
            wanted = WANTED.get(name, fault["msg"])
    return f"{name} “{cell[:40]}” {wanted}"


def _content(first: Mapping[str, str], lines: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    told = {name: value for name, value in first.items() if value}
    plain = ("external_id", "number", "placed_at", "currency", "payment", "state", "total", "note")
    places = ("name", "company", "line1", "line2", "city", "region", "postal_code", "country")
    return {
        **{name: told[name] for name in plain if name in told},
        "customer": _part(told, email="email", name="name", phone="phone", language="language"),
        "shipping_address": _part(told, phone="phone", **{name: name for name in places}),
        "shipping": _part(
            told, method="shipping_method", title="shipping_title", price="shipping_price"
        ),
        "lines": [_line(row) for row in lines],
    }


def _part(told: Mapping[str, str], **names: str) -> dict[str, str]:
    return {ours: told[theirs] for ours, theirs in names.items() if theirs in told}


def _line(row: Mapping[str, str]) -> dict[str, Any]:
    told = {name: value for name, value in row.items() if value}
    return _part(
        told, sku="sku", title="title", quantity="quantity", unit_price="unit_price",
        total="line_total",
    )  # fmt: skip
