"""Products as storefronts list them, what each SKU becomes, and the words for shipping methods."""

from datetime import datetime
from typing import Annotated

from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from entrepot.api.caller import ApiRequest, Caller
from entrepot.api.errors import invalid, not_found
from entrepot.api.operations import operation
from entrepot.api.paging import Id, Listed, Paged, page_of
from entrepot.api.rest import mapping_tables
from entrepot.api.rest.order_parts import shaped
from entrepot.api.rest.shapes import Body, MoneyShape, Units
from entrepot.api.spreadsheet import CSV, read_csv
from entrepot.canon.money import parse_amount
from entrepot.catalog import services
from entrepot.catalog.models import Asset, Mapping, ShippingMap, Variant
from entrepot.catalog.services import Artwork, BadMapping, MappingWish
from entrepot.catalog.states import MappingKind
from entrepot.connect.registry import platform
from entrepot.connections.models import Connection
from entrepot.connections.states import Status
from entrepot.intake.given import Amount, Word
from entrepot.intake.tables import as_csv

router = Router(tags=["catalog"])
SKU = Annotated[Word, Field(min_length=1, max_length=200)]


class VariantShape(Schema):
    """Something with a SKU that a storefront sells."""

    id: int
    connection_id: int
    external_id: str
    product: str
    title: str
    sku: str
    price: MoneyShape | None
    is_shippable: bool | None
    weight_g: int | None
    image_url: str
    is_published: bool
    is_mapped: bool


class ArtworkShape(Body):
    """The print file of one print area: a link, or the line property that holds one."""

    print_area: Word = "default"
    url: Annotated[Word, Field(max_length=300)] = ""
    line_property: Word = ""
    min_width_px: Annotated[int, Field(ge=1, le=100_000)] | None = None
    min_height_px: Annotated[int, Field(ge=1, le=100_000)] | None = None


class MappingWords(Body):
    """What a SKU becomes. `parts` is SKU -> units, for kits; `unit_cost` is what it should cost."""

    kind: MappingKind
    provider_connection_id: Id | None = None
    provider_sku: Word = ""
    attributes: Annotated[dict[Word, Word], Field(max_length=50)] = {}
    sizing: Word = ""
    unit_cost: Amount | None = None
    cost_currency: Annotated[str, Field(pattern="^([A-Z]{3})?$")] = ""
    bin: Word = ""
    artwork: Annotated[list[ArtworkShape], Field(max_length=20)] = []
    parts: Annotated[dict[SKU, Units], Field(max_length=50)] = {}


class MappingShape(MappingWords):
    """A mapping as it stands."""

    sku: str
    version: int
    updated_at: datetime


class ShippingWords(Body):
    """What a storefront's shipping method is called at a provider; `*` is every method."""

    storefront_id: Id
    provider_connection_id: Id
    method_code: Annotated[Word, Field(min_length=1)]
    provider_method: Annotated[Word, Field(min_length=1)]


class ShippingShape(ShippingWords):
    """A shipping map as it stands."""

    id: int


class Imported(Schema):
    """How many rows of a file were taken over."""

    changed: int


class ProductFilter(Paged):
    """Which variants. `is_mapped=false` is what nobody has mapped yet."""

    connection_id: Id | None = None
    sku: Word = ""
    is_mapped: bool | None = None


@operation(
    router,
    "GET",
    path="/products",
    scope="catalog:read",
    answers=Listed[VariantShape],
    summary="List what storefronts sell",
)
def list_products(request: ApiRequest, asked: Query[ProductFilter]) -> Listed[VariantShape]:
    """Variants of products, the newest first."""
    caller = request.auth
    rows = Variant.objects.filter(
        merchant_id=caller.merchant_id,
        product__deleted_at=None,
        connection_id__in=Connection.objects.filter(mode=caller.mode).values("id"),
    ).select_related("product")
    if asked.connection_id:
        rows = rows.filter(connection_id=asked.connection_id)
    if asked.sku:
        rows = rows.filter(sku=asked.sku)
    if asked.is_mapped is not None:
        mapped = Mapping.objects.filter(merchant_id=caller.merchant_id).values("sku")
        rows = rows.filter(sku__in=mapped) if asked.is_mapped else rows.exclude(sku__in=mapped)
    found, follows = page_of(rows, asked)
    known = set(
        Mapping.objects.filter(sku__in={row.sku for row in found}).values_list("sku", flat=True)
    )
    return Listed[VariantShape].model_construct(
        data=[
            shaped(
                VariantShape,
                row,
                product=row.product.title,
                price=MoneyShape.maybe(row.price, row.currency),
                is_published=row.product.is_published,
                is_mapped=row.sku in known,
            )
            for row in found
        ],
        next=follows,
    )


class MappingFilter(Paged):
    """Which mappings."""

    kind: MappingKind | None = None
    provider_connection_id: Id | None = None


@operation(
    router,
    "GET",
    path="/mappings",
    scope="catalog:read",
    answers=Listed[MappingShape],
    summary="List mappings",
)
def list_mappings(request: ApiRequest, asked: Query[MappingFilter]) -> Listed[MappingShape]:
    """What each SKU becomes, the newest first."""
    rows = Mapping.objects.filter(merchant_id=request.auth.merchant_id)
    if asked.kind:
        rows = rows.filter(kind=asked.kind)
    if asked.provider_connection_id:
        rows = rows.filter(provider_connection_id=asked.provider_connection_id)
    found, follows = page_of(rows.prefetch_related("parts", "assets"), asked)
    return Listed[MappingShape].model_construct(data=mapping_shapes(found), next=follows)


@operation(
    router,
    "GET",
    path="/mappings.csv",
    scope="catalog:read",
    answers=str,
    media=CSV,
    summary="Export mappings as CSV",
)
def export_mappings(request: ApiRequest) -> HttpResponse:
    """All mappings, in the form that `POST /mapping-imports` takes."""
    rows = Mapping.objects.filter(merchant_id=request.auth.merchant_id).order_by("sku")
    shapes = mapping_shapes(list(rows.prefetch_related("parts", "assets")))
    codes = dict(Connection.objects.values_list("id", "code"))
    return as_csv(
        "mappings",
        mapping_tables.COLUMNS,
        rows=(mapping_tables.row_of(shape.model_dump(), codes) for shape in shapes),
    )


@operation(
    router,
    "POST",
    path="/mapping-imports",
    scope="catalog:write",
    answers=Imported,
    takes=CSV,
    summary="Map SKUs by CSV",
)
def import_mappings(request: ApiRequest) -> Imported:
    """One row per SKU; all or nothing. Columns that are left out are empty.

    UTF-8, or UTF-16 that begins with its mark; commas, semicolons or tabs divide.

    `provider` is the code of a connection; `attributes` and `artwork` are `name=value; name=value`,
    `parts` is `SKU*2; SKU*1`; an artwork's value `property:Photo` names a line's own property.
    """
    rows = read_csv(request.body, needed=("sku", "kind"), known=mapping_tables.COLUMNS)
    codes = {code: row_id for row_id, code in Connection.objects.values_list("id", "code")}
    for number, row in rows:
        try:
            words = MappingWords.model_validate(mapping_tables.words_of(row, codes))
            services.map_sku(
                request.auth.merchant_id,
                row["sku"],
                wish=_wish(request.auth, words),
                by=request.auth.actor,
            )
        except (BadMapping, ValueError) as error:
            raise invalid(f"line {number}: {_told(error)}") from error
    return Imported(changed=len(rows))


@operation(
    router,
    "GET",
    path="/mappings/{path:sku}",
    scope="catalog:read",
    answers=MappingShape,
    summary="Read a mapping",
)
def get_mapping(request: ApiRequest, sku: str) -> MappingShape:
    """What one SKU becomes."""
    return _mapping(request.auth, sku)


@operation(
    router,
    "PUT",
    path="/mappings/{path:sku}",
    scope="catalog:write",
    answers=MappingShape,
    summary="Map a SKU",
)
def put_mapping(request: ApiRequest, sku: str, asked: MappingWords) -> MappingShape:
    """Orders that wait for it go on by themselves."""
    if not 0 < len(sku.strip()) <= 200:
        raise invalid("sku: 1 to 200 characters")
    services.map_sku(
        request.auth.merchant_id, sku, wish=_wish(request.auth, asked), by=request.auth.actor
    )
    return _mapping(request.auth, sku)


@operation(
    router,
    "GET",
    path="/shipping-maps",
    scope="catalog:read",
    answers=Listed[ShippingShape],
    summary="List shipping maps",
)
def list_shipping_maps(request: ApiRequest, paged: Query[Paged]) -> Listed[ShippingShape]:
    """What shipping methods are called at providers."""
    rows = ShippingMap.objects.filter(merchant_id=request.auth.merchant_id)
    found, follows = page_of(rows, paged)
    return Listed[ShippingShape].model_construct(
        data=[shaped(ShippingShape, row) for row in found], next=follows
    )


@operation(
    router,
    "PUT",
    path="/shipping-maps",
    scope="catalog:write",
    answers=ShippingShape,
    summary="Map a shipping method",
)
def put_shipping_map(request: ApiRequest, asked: ShippingWords) -> ShippingShape:
    """One word per storefront, provider and method; orders that wait for it go on."""
    _connected(request.auth, asked.storefront_id, "storefront", field="storefront_id")
    _maker(request.auth, asked.provider_connection_id)
    row = services.map_shipping(request.auth.merchant_id, **asked.model_dump())
    return shaped(ShippingShape, row)


def mapping_shapes(rows: list[Mapping]) -> list[MappingShape]:
    """Mappings with their parts and artwork, which must be at hand; one further query."""
    asset_ids = {art.asset_id for row in rows for art in row.assets.all() if art.asset_id}
    urls = dict(Asset.objects.filter(id__in=asset_ids).values_list("id", "url"))
    return [
        shaped(
            MappingShape,
            row,
            kind=MappingKind(row.kind),
            unit_cost=None if row.unit_cost is None else f"{row.unit_cost.normalize():f}",
            artwork=[
                shaped(ArtworkShape, art, url=urls.get(art.asset_id or 0, ""))
                for art in sorted(row.assets.all(), key=lambda art: art.print_area)
            ],
            parts={part.sku: part.quantity for part in row.parts.all()},
        )
        for row in rows
    ]


def _mapping(caller: Caller, sku: str) -> MappingShape:
    rows = Mapping.objects.filter(merchant_id=caller.merchant_id, sku=sku.strip())
    shapes = mapping_shapes(list(rows.prefetch_related("parts", "assets")))
    if not shapes:
        raise not_found(f"mapping of {sku[:200]!r}")
    return shapes[0]


def _wish(caller: Caller, words: MappingWords) -> MappingWish:
    if words.provider_connection_id is not None:
        provider = _maker(caller, words.provider_connection_id)
        is_maker = platform(provider.platform).manifest.can("submit")
        if misfit := words.kind.misfit(provider.name, is_maker=is_maker):
            raise invalid(f"provider_connection_id: {misfit}")
    if (words.unit_cost is None) != (not words.cost_currency):
        raise invalid("unit_cost: an amount and its currency belong together")
    if len({art.print_area for art in words.artwork}) < len(words.artwork):
        raise invalid("artwork: one print area is named twice")
    return MappingWish(
        kind=words.kind,
        provider_connection_id=words.provider_connection_id,
        provider_sku=words.provider_sku,
        attributes=words.attributes,
        sizing=words.sizing,
        unit_cost=parse_amount(words.unit_cost) if words.unit_cost else None,
        cost_currency=words.cost_currency,
        bin=words.bin,
        artwork=[Artwork(**art.model_dump()) for art in words.artwork],
        parts=words.parts,
    )


def _maker(caller: Caller, connection_id: int) -> Connection:
    return _connected(caller, connection_id, "fulfillment", field="provider_connection_id")


def _connected(caller: Caller, connection_id: int, kind: str, *, field: str) -> Connection:
    row = (
        Connection.objects.filter(id=connection_id, merchant_id=caller.merchant_id)
        .exclude(status=Status.ARCHIVED)
        .first()
    )
    if row is None or kind not in platform(row.platform).manifest.kinds:
        raise invalid(f"{field}: there is no {kind} connection {connection_id}")
    return row


def _told(error: Exception) -> str:
    """One line, without pydantic's own headings."""
    if hasattr(error, "errors"):
        fault = error.errors()[0]
        return f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
    return str(error)
