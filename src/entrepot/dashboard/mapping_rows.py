"""A mapping as cells of text, for the form and for files: read with every fault, and written."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from entrepot.catalog.services import Artwork, MappingWish
from entrepot.catalog.states import MappingKind
from entrepot.dashboard.reading.mapped import Art, Mapped
from entrepot.dashboard.reading.numbers import number_in

COLUMNS = (
    "sku",
    "kind",
    "provider",
    "provider_sku",
    "sizing",
    "attributes",
    "unit_cost",
    "cost_currency",
    "bin",
    "artwork",
    "parts",
)
# An artwork that begins so is the name of the order line's own property that holds the link.
OF_LINE = "line:"


@dataclass(frozen=True, slots=True)
class Provider:
    """A connection that makes things, or where people ship: by code in files, by id in forms."""

    id: int
    code: str
    name: str
    is_by_hand: bool


class BadRow(ValueError):
    """Cells that are no mapping; the message says what to correct."""


def wish_of(cells: Mapping[str, str], providers: list[Provider]) -> MappingWish:
    """Read a mapping; cells that its kind has no use for are left out.

    `provider` is a connection's code, id or name.

    Raises:
        BadRow: a cell cannot be read.
    """
    kind = cells.get("kind", "").strip().lower().replace(" ", "_")
    if not kind:
        raise BadRow("no kind: is there a column “kind”?")
    if kind not in MappingKind.values:
        raise BadRow(f"kind “{kind}” is none of {', '.join(MappingKind.values)}")
    currency = cells.get("cost_currency", "").strip().upper()
    cost = _cost(cells.get("unit_cost", ""))
    if cost is not None and not (len(currency) == 3 and currency.isalpha()):
        raise BadRow("a cost needs its currency, as in EUR")
    is_provider = kind == MappingKind.PROVIDER
    return MappingWish(
        kind=kind,
        provider_connection_id=_provider(cells.get("provider", ""), providers, kind=kind),
        provider_sku=cells.get("provider_sku", "").strip() if is_provider else "",
        attributes=_pairs(cells.get("attributes", "")),
        sizing=cells.get("sizing", "").strip(),
        unit_cost=cost,
        cost_currency=currency if cost is not None else "",
        bin=cells.get("bin", "").strip(),
        artwork=[
            Artwork(print_area=area, line_property=link.removeprefix(OF_LINE).strip())
            if link.startswith(OF_LINE)
            else Artwork(print_area=area, url=_link(link))
            for area, link in _artwork(cells.get("artwork", ""))
        ],
        parts=(_parts(cells.get("parts", "")) or None) if kind == MappingKind.KIT else None,
    )


def cells_of(row: Mapped, providers: list[Provider]) -> list[str]:
    """A mapping as a row of a file, in the order of `COLUMNS`."""
    codes = {one.id: one.code for one in providers}
    return [
        row.sku,
        row.kind,
        codes.get(row.provider_id or 0, ""),
        row.provider_sku,
        row.sizing,
        row.attribute_words,
        plain_number(row.cost.amount) if row.cost else "",
        row.cost.currency if row.cost else "",
        row.bin,
        art_words(row),
        "; ".join(f"{sku}={quantity}" for sku, quantity in row.parts.items()),
    ]


def plain_number(amount: Decimal) -> str:
    """An amount as people type it: no exponent, no zeros at its end."""
    return f"{amount.normalize():f}"


def art_words(row: Mapped) -> str:
    """The artwork of a mapping as it is typed; semicolons divide, so links write theirs as %3B."""
    return "; ".join(f"{art.area}={_art_link(art)}" for art in row.art)


def _art_link(art: Art) -> str:
    return OF_LINE + art.line_property if art.line_property else art.url.replace(";", "%3B")


def _provider(word: str, providers: list[Provider], *, kind: str) -> int | None:
    word = word.strip()
    if not word or kind not in {MappingKind.PROVIDER, MappingKind.BY_HAND}:
        return None
    for one in providers:
        if word in {one.code, str(one.id)} or word.casefold() == one.name.casefold():
            if misfit := MappingKind(kind).misfit(one.name, is_maker=not one.is_by_hand):
                raise BadRow(misfit)
            return one.id
    known = ", ".join(one.code for one in providers) or "none is connected"
    raise BadRow(f"provider {word!r} is not known: {known}")


def _cost(text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        cost = Decimal(text.strip())
    except InvalidOperation:
        raise BadRow(f"cost {text!r} is not a number, as in 12.50") from None
    if not cost.is_finite() or cost < 0:
        raise BadRow(f"cost {text!r} is not an amount")
    return cost


def _pairs(text: str) -> dict[str, str]:
    pairs = {}
    for piece in _pieces(text):
        name, separator, value = piece.partition("=")
        if not separator:
            raise BadRow(f"{piece!r} is not written as name=value")
        pairs[name.strip()] = value.strip()
    return pairs


def _pieces(text: str) -> list[str]:
    return [piece.strip() for piece in text.replace("\n", ";").split(";") if piece.strip()]


def _artwork(text: str) -> list[tuple[str, str]]:
    """Pairs of print area and link; a bare link is for the area “default”."""
    found = []
    for piece in _pieces(text):
        area, separator, link = piece.partition("=")
        if not separator or area.strip().startswith(("http:", "https:")):
            area, link = "default", piece
        found.append((area.strip(), link.strip()))
    return found


def _link(text: str) -> str:
    if not text.startswith(("https://", "http://")):
        raise BadRow(f"artwork {text!r} is not a link")
    return text


def _parts(text: str) -> dict[str, int]:
    parts = {}
    for sku, quantity in _pairs(text).items():
        number = number_in(quantity)
        if not number:
            raise BadRow(f"part {sku}: {quantity!r} is not a number of units")
        parts[sku] = number
    return parts
