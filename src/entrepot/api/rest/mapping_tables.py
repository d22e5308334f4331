"""Mappings as rows of a table, and back: what a person edits in a spreadsheet."""

from collections.abc import Mapping
from typing import Any

COLUMNS = (
    "sku", "kind", "provider", "provider_sku", "attributes", "sizing", "unit_cost",
    "cost_currency", "bin", "artwork", "parts",
)  # fmt: skip
OF_LINE = "property:"
# Signs that part the pairs of a cell; inside a name or a value they are written twice.
BETWEEN = ";"


def row_of(mapping: Mapping[str, Any], codes: Mapping[int, str]) -> list[object]:
    """The cells of a mapping; `codes` names connections by id."""
    return [
        mapping["sku"],
        str(mapping["kind"]),
        codes.get(mapping["provider_connection_id"] or 0, ""),
        mapping["provider_sku"],
        _joined(f"{name}={value}" for name, value in mapping["attributes"].items()),
        mapping["sizing"],
        mapping["unit_cost"] or "",
        mapping["cost_currency"],
        mapping["bin"],
        _joined(
            f"{art['print_area']}={art['url'] or OF_LINE + art['line_property']}"
            for art in mapping["artwork"]
        ),
        _joined(f"{sku}*{units}" for sku, units in mapping["parts"].items()),
    ]


def words_of(row: Mapping[str, str], codes: Mapping[str, int]) -> dict[str, Any]:
    """What the cells of a row say.

    Raises:
        ValueError: a cell cannot be read, with its column.
    """
    words: dict[str, Any] = {
        name: row[name]
        for name in ("kind", "provider_sku", "sizing", "cost_currency", "bin")
        if row.get(name)
    }
    if row.get("unit_cost"):
        words["unit_cost"] = row["unit_cost"]
    if code := row.get("provider"):
        if code not in codes:
            raise ValueError(f"provider: there is no connection {code!r}")
        words["provider_connection_id"] = codes[code]
    words["attributes"] = dict(_pairs(row, "attributes", "="))
    words["parts"] = {sku: _units(units) for sku, units in _pairs(row, "parts", "*", last=True)}
    words["artwork"] = [
        {"print_area": area, "line_property": place.removeprefix(OF_LINE)}
        if place.startswith(OF_LINE)
        else {"print_area": area, "url": place}
        for area, place in _pairs(row, "artwork", "=")
    ]
    return words


def _joined(pairs: Any) -> str:
    return f"{BETWEEN} ".join(pair.replace(BETWEEN, BETWEEN * 2) for pair in pairs)


def _pairs(
    row: Mapping[str, str], column: str, sign: str, *, last: bool = False
) -> list[tuple[str, str]]:
    text = row.get(column, "").replace(BETWEEN * 2, "\x00")
    pairs = []
    for part in text.split(BETWEEN):
        pair = part.replace("\x00", BETWEEN).strip()
        if not pair:
            continue
        name, found, value = pair.rpartition(sign) if last else pair.partition(sign)
        if not found or not name.strip():
            raise ValueError(f"{column}: write it as name{sign}value; name{sign}value")
        pairs.append((name.strip(), value.strip()))
    return pairs


def _units(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"parts: {text!r} is not a number of units")
    return int(text)
