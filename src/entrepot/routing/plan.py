"""Plans which provider ships which units: pure, from lines and mappings to shares and stops.

Every unit of a line ends in exactly one share or one named stop. The strategy is the simplest
honest one, the mapping decides; scored strategies take its place behind `plan`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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

    `problem` is "" for a file that is safe to send, else what is wrong with it.
    """

    print_area: str
    url: str
    md5: str = ""
    problem: str = ""
    line_property: str = ""


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

    `line_sku` is what was bought, `about` may be a part of it.
    """

    kind: str
    about: str
    reason: str
    line_id: int
    line_sku: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The outcome: shares to make, units that need nothing, units that others send, and stops.

    With any stop nothing of the order is sent: no partial order leaves by accident.
    """

    shares: tuple[Share, ...]
    nothing: Mapping[int, int] = field(default_factory=dict)
    elsewhere: Mapping[int, int] = field(default_factory=dict)
    stops: tuple[Stop, ...] = ()


def plan(needs: Sequence[Need], mappings: Mapping[str, Mapped]) -> Plan:
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
            resolved, problems = _with_artwork(need, mapped)
            stops += [_missing(need, sku, problem) for problem in problems]
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


def _with_artwork(need: Need, mapped: Mapped) -> tuple[Mapped, list[str]]:
    properties = dict(need.properties)
    assets, problems = [], []
    for asset in mapped.assets:
        url = properties.get(asset.line_property, "") if asset.line_property else asset.url
        if not url:
            problems.append(f"no artwork for {asset.print_area}")
        elif asset.problem:
            problems.append(asset.problem)
        assets.append(
            MappedAsset(print_area=asset.print_area, url=url, md5=asset.md5, problem=asset.problem)
        )
    resolved = Mapped(
        kind=mapped.kind,
        provider_connection_id=mapped.provider_connection_id,
        provider_sku=mapped.provider_sku,
        attributes=mapped.attributes,
        sizing=mapped.sizing,
        bin=mapped.bin,
        assets=tuple(assets),
    )
    return resolved, problems


def _unmapped(need: Need, sku: str) -> Stop:
    inside = "" if sku == need.sku else f" (part of kit {need.sku})"
    return Stop(
        kind="unmapped_sku",
        about=sku,
        reason=f"SKU {sku or '(empty)'} is not mapped{inside}",
        line_id=need.line_id,
        line_sku=need.sku,
    )


def _missing(need: Need, sku: str, problem: str) -> Stop:
    return Stop(
        kind="missing_artwork",
        about=sku,
        reason=f"{sku}: {problem}",
        line_id=need.line_id,
        line_sku=need.sku,
    )


def _reason(items: Sequence[PlannedItem], *, is_by_hand: bool) -> str:
    skus = ", ".join(sorted({item.sku for item in items}))
    return f"{skus}: mapped to be shipped by hand" if is_by_hand else f"{skus}: mapped there"
