"""Plans which provider ships which units: pure, from lines and mappings to shares and stops.

Every unit of a line ends in exactly one share or one named stop. The strategy is the simplest
honest one, the mapping decides; scored strategies take its place behind `plan`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from entrepot.catalog.states import MappingKind

# What makes no share: nothing to ship, and what others ship.
QUIET: frozenset[str | None] = frozenset({MappingKind.NOTHING, MappingKind.ELSEWHERE})
BY_HAND_HOME = 0  # the group of by-hand units without a location of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Pieces of one SKU that live shares hold for a line already, and for how many of its units."""

    sku: str
    pieces: int
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A line with units that lack a share, or parts of one. `is_shippable` is False for no need.

    `units` are all that are to be sent, those with shares among them; `planned` is what has one.
    """

    line_id: int
    sku: str
    title: str
    units: int
    is_shippable: bool | None
    properties: tuple[tuple[str, str], ...] = ()
    planned: tuple[Planned, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedAsset:
    """Artwork for one print area: a known file, or one that a line property links to.

    `asset_id` and `md5` are those of its copy; sizes are the least that the product needs.
    """

    print_area: str
    url: str
    md5: str = ""
    asset_id: int | None = None
    line_property: str = ""
    min_width_px: int | None = None
    min_height_px: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintFile:
    """A file as far as it is known. `problem` is "" when it is safe to send, else what is wrong.

    `is_here` says that it was copied: what is wrong with it then is not over by itself.
    """

    asset_id: int | None = None
    is_here: bool = False
    md5: str = ""
    problem: str = ""


# What is known of the file behind a link, for the print area that it is for.
Look = Callable[[str, MappedAsset], PrintFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """What one SKU becomes. `parts` are (SKU, quantity) of a kit."""

    kind: str
    provider_connection_id: int | None = None
    provider_sku: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    sizing: str = ""
    bin: str = ""
    assets: tuple[MappedAsset, ...] = ()
    parts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedItem:
    """Units for one provider. `units_per_line` is above one for parts of kits."""

    line_id: int
    sku: str
    quantity: int
    units_per_line: int
    mapped: Mapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one provider ships. `connection_id` is BY_HAND_HOME for the merchant's own place."""

    connection_id: int
    is_by_hand: bool
    items: tuple[PlannedItem, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Units that cannot go on: `kind` is a hold's kind, `about` what makes it apart.

    `line_sku` is what was bought, `about` may be a part of it. `asset_id` is the print file that is
    not here yet, where that is the reason.
    """

    kind: str
    about: str
    reason: str
    line_id: int
    line_sku: str
    asset_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The outcome: shares to make, units that need nothing, units that others send, and stops.

    With any stop nothing of the order is sent: no partial order leaves by accident.
    """

    shares: tuple[Share, ...]
    nothing: Mapping[int, int] = field(default_factory=dict)
    elsewhere: Mapping[int, int] = field(default_factory=dict)
    stops: tuple[Stop, ...] = ()


def plan(needs: Sequence[Need], mappings: Mapping[str, Mapped], *, look: Look) -> Plan:
    """Divide units among providers by what each SKU is mapped to."""
    groups: dict[tuple[int, bool], list[PlannedItem]] = {}
    nothing: dict[int, int] = {}
    elsewhere: dict[int, int] = {}
    stops: list[Stop] = []
    for need in needs:
        if need.is_shippable is False:
            nothing[need.line_id] = need.units
            continue
        leaves = _merged(_leaves(need.sku, 1, mappings, seen=()))
        units = need.units - _units_of_other_parts(need, leaves)
        kinds = {mapped.kind if mapped else None for _, mapped in leaves.values()}
        if units > 0 and kinds <= QUIET:
            others_send = MappingKind.ELSEWHERE in kinds
            (elsewhere if others_send else nothing)[need.line_id] = units
        pieces = {planned.sku: planned.pieces for planned in need.planned}
        for sku, (per_line, mapped) in leaves.items():
            if mapped is None:
                stops.append(_unmapped(need, sku))
                continue
            missing = units * per_line - pieces.get(sku, 0)
            if mapped.kind in QUIET or missing <= 0:
                continue
            resolved, missing_files = _with_artwork(need, sku, mapped, look)
            stops += missing_files
            is_by_hand = mapped.kind == MappingKind.BY_HAND
            place = mapped.provider_connection_id or BY_HAND_HOME
            groups.setdefault((place, is_by_hand), []).append(
                PlannedItem(
                    line_id=need.line_id,
                    sku=sku,
                    quantity=missing,
                    units_per_line=per_line,
                    mapped=resolved,
                )
            )
    shares = tuple(
        Share(
            connection_id=place,
            is_by_hand=is_by_hand,
            items=tuple(items),
            reason=_reason(items, is_by_hand=is_by_hand),
        )
        for (place, is_by_hand), items in sorted(groups.items())
    )
    return Plan(shares=shares, nothing=nothing, elsewhere=elsewhere, stops=tuple(stops))


def _leaves(
    sku: str, units: int, mappings: Mapping[str, Mapped], *, seen: tuple[str, ...]
) -> list[tuple[str, int, Mapped | None]]:
    """Take kits apart; a kit that contains itself is a SKU that nobody mapped."""
    mapped = mappings.get(sku)
    if mapped is None or sku in seen:
        return [(sku, units, None)]
    if mapped.kind != MappingKind.KIT:
        return [(sku, units, mapped)]
    if not mapped.parts:
        return [(sku, units, None)]  # a kit of nothing: nobody has said what it is
    return [
        leaf
        for part, quantity in mapped.parts
        for leaf in _leaves(part, units * quantity, mappings, seen=(*seen, sku))
    ]


def _merged(
    leaves: Sequence[tuple[str, int, Mapped | None]],
) -> dict[str, tuple[int, Mapped | None]]:
    """One entry per SKU: a kit may name the same part twice."""
    merged: dict[str, tuple[int, Mapped | None]] = {}
    for sku, per_line, mapped in leaves:
        merged[sku] = (merged.get(sku, (0, mapped))[0] + per_line, mapped)
    return merged


def _units_of_other_parts(need: Need, leaves: Mapping[str, object]) -> int:
    """Units that shares hold as something else: the SKU was mapped otherwise when they were made.

    They are not sent a second time.
    """
    return max((planned.units for planned in need.planned if planned.sku not in leaves), default=0)


def links_of(need: Need, mapped: Mapped) -> dict[MappedAsset, str]:
    """The link of each print file of a line, "" where the line's own property lacks one."""
    properties = dict(need.properties)
    return {
        asset: properties.get(asset.line_property, "").strip() if asset.line_property else asset.url
        for asset in mapped.assets
    }


def _with_artwork(need: Need, sku: str, mapped: Mapped, look: Look) -> tuple[Mapped, list[Stop]]:
    assets, stops = [], []
    for asset, url in links_of(need, mapped).items():
        if not url:
            stops.append(
                _missing(need, sku, f"no artwork for print area “{asset.print_area}”", None)
            )
            continue
        file = look(url, asset)
        if file.problem:
            problem = f"artwork for print area “{asset.print_area}” {file.problem}"
            waits_for = None if file.is_here else file.asset_id
            stops.append(_missing(need, sku, problem, waits_for))
        assets.append(replace(asset, url=url, md5=file.md5, asset_id=file.asset_id))
    resolved = Mapped(
        kind=mapped.kind,
        provider_connection_id=mapped.provider_connection_id,
        provider_sku=mapped.provider_sku,
        attributes=mapped.attributes,
        sizing=mapped.sizing,
        bin=mapped.bin,
        assets=tuple(assets),
    )
    return resolved, stops


def _unmapped(need: Need, sku: str) -> Stop:
    inside = "" if sku == need.sku else f" (part of kit {need.sku})"
    return Stop(
        kind="unmapped_sku",
        about=sku,
        reason=f"SKU {sku or '(empty)'} is not mapped{inside}",
        line_id=need.line_id,
        line_sku=need.sku,
    )


def _missing(need: Need, sku: str, problem: str, asset_id: int | None) -> Stop:
    return Stop(
        kind="missing_artwork",
        about=sku,
        reason=f"{sku}: {problem}",
        line_id=need.line_id,
        line_sku=need.sku,
        asset_id=asset_id,
    )


def _reason(items: Sequence[PlannedItem], *, is_by_hand: bool) -> str:
    skus = ", ".join(sorted({item.sku for item in items}))
    return f"{skus}: mapped to be shipped by hand" if is_by_hand else f"{skus}: mapped there"
