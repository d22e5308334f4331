"""Products as storefronts list them, and what each SKU becomes at a provider."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from entrepot.catalog.states import AssetStatus, AssetStep, IllegalAssetStep, MappingKind
from entrepot.database import clock
from entrepot.database.rows import MerchantRow
from entrepot.events import outbox

EVENT_OF_STEP = {AssetStep.COPY: "artwork.copied", AssetStep.FAIL: "artwork.failed"}


class Product(MerchantRow):
    """A product of a storefront, at its newest known version."""

    connection_id = models.BigIntegerField()
    external_id = models.TextField()
    title = models.TextField()
    version = models.BigIntegerField()
    is_published = models.BooleanField(default=True, db_default=True)
    image_url = models.TextField(default="", db_default="")
    deleted_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "catalog_product"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "connection_id", "external_id"], name="catalog_product_key"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Variant(MerchantRow):
    """Something with a SKU that can be bought."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, db_constraint=False)
    connection_id = models.BigIntegerField()
    external_id = models.TextField()
    sku = models.TextField(default="", db_default="")
    title = models.TextField()
    price = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    currency = models.TextField(default="", db_default="")
    is_shippable = models.BooleanField(null=True)
    weight_g = models.IntegerField(null=True)
    image_url = models.TextField(default="", db_default="")

    class Meta:
        db_table = "catalog_variant"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "connection_id", "external_id"], name="catalog_variant_key"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["merchant_id", "sku"], name="catalog_variant_sku"),
        ]

    def __str__(self) -> str:
        return self.sku or self.title


class Mapping(MerchantRow):
    """What one SKU becomes. One per merchant, SKU and mode-independent.

    `sku` is compared exactly as the storefront writes it, but for surrounding white space.
    `provider_connection_id` is set for provider mappings, or for by_hand ones that belong to a
    certain pick location. `unit_cost` is what the merchant expects to pay, for the cost preview.
    """

    sku = models.TextField()
    kind = models.TextField(choices=MappingKind)
    provider_connection_id = models.BigIntegerField(null=True)
    provider_sku = models.TextField(default="", db_default="", blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    sizing = models.TextField(default="", db_default="", blank=True)
    unit_cost = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    cost_currency = models.TextField(default="", db_default="", blank=True)
    bin = models.TextField(default="", db_default="", blank=True)
    version = models.IntegerField(default=1, db_default=1)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "catalog_mapping"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["merchant_id", "sku"], name="catalog_mapping_key"),
            models.CheckConstraint(
                condition=Q(kind__in=MappingKind.values), name="catalog_mapping_kind"
            ),
            models.CheckConstraint(
                condition=~Q(kind="provider")
                | (Q(provider_connection_id__isnull=False) & ~Q(provider_sku="")),
                name="catalog_mapping_provider",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku}: {self.kind}"


class KitPart(MerchantRow):
    """One component of a kit: how many of another SKU."""

    mapping = models.ForeignKey(
        Mapping, on_delete=models.CASCADE, related_name="parts", db_constraint=False
    )
    sku = models.TextField()
    quantity = models.PositiveIntegerField()

    class Meta:
        db_table = "catalog_kit_part"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mapping", "sku"], name="catalog_kit_part_key"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="catalog_kit_part_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"


class MappingAsset(MerchantRow):
    """The print file of a mapping for one print area.

    Either a fixed `asset`, or `line_property`: the name of the order line's own property that holds
    the link (personalised goods).
    """

    mapping = models.ForeignKey(
        Mapping, on_delete=models.CASCADE, related_name="assets", db_constraint=False
    )
    print_area = models.TextField(default="default")
    asset_id = models.BigIntegerField(null=True)
    line_property = models.TextField(default="", db_default="", blank=True)
    min_width_px = models.IntegerField(null=True)
    min_height_px = models.IntegerField(null=True)

    class Meta:
        db_table = "catalog_mapping_asset"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["mapping", "print_area"], name="catalog_mapping_asset_key"
            ),
        ]

    def __str__(self) -> str:
        return f"artwork for {self.print_area}"


class Asset(MerchantRow):
    """A print file, kept with its checksum before the shop's link dies.

    `url` is where it came from, and is what a provider is given when the hub has no public address
    of its own. Sizes in pixels are unknown for drawings that scale. `taken_until` keeps two from
    copying it at once.
    """

    url = models.TextField()
    status = models.TextField(choices=AssetStatus, default=AssetStatus.WAITING)
    sha256 = models.TextField(default="", db_default="")
    md5 = models.TextField(default="", db_default="")
    size = models.BigIntegerField(null=True)
    width_px = models.IntegerField(null=True)
    height_px = models.IntegerField(null=True)
    media_type = models.TextField(default="", db_default="")
    taken_until = models.DateTimeField(null=True)
    reason = models.TextField(default="", db_default="")
    tries = models.IntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    checked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "catalog_asset"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["merchant_id", "url"], name="catalog_asset_key"),
            models.CheckConstraint(
                condition=Q(status__in=AssetStatus.values), name="catalog_asset_status"
            ),
        ]

    def __str__(self) -> str:
        return self.url

    def take(self, step: AssetStep, *, reason: str = "") -> None:
        """Make a named move, save the whole row and record the event. The row must be locked.

        Raises:
            IllegalAssetStep: its status does not allow the move.
        """
        if self.status not in step.sources:
            raise IllegalAssetStep(self, step, self.status)
        self.status = step.target
        self.reason = reason
        self.taken_until = None
        self.checked_at = clock.now()
        self.save()
        outbox.record(
            EVENT_OF_STEP[step],
            merchant_id=self.merchant_id,
            mode="live",
            subject=("asset", self.id),
            data={"url": self.url},
            reason=reason,
        )


class AssetPart(MerchantRow):
    """A megabyte of a print file's copy; parts are numbered from 0."""

    asset = models.ForeignKey(
        Asset, on_delete=models.CASCADE, related_name="parts", db_constraint=False
    )
    number = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        db_table = "catalog_asset_part"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["asset", "number"], name="catalog_asset_part_key"),
        ]

    def __str__(self) -> str:
        return f"part {self.number} of asset {self.asset_id}"


class ShippingMap(MerchantRow):
    """What a storefront's shipping method is called at a provider. No silent default.

    `method_code` "*" is the merchant's explicit word for every method of that storefront.
    """

    storefront_id = models.BigIntegerField()
    provider_connection_id = models.BigIntegerField()
    method_code = models.TextField()
    provider_method = models.TextField()

    class Meta:
        db_table = "catalog_shipping_map"
        verbose_name, verbose_name_plural = "shipping method", "shipping methods"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "storefront_id", "provider_connection_id", "method_code"],
                name="catalog_shipping_map_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method_code} -> {self.provider_method}"
