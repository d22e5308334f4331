"""The first tables of catalog."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from entrepot.database.rows import LinkRows, ScopeRows


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("access", "0001_access"),
        ("connections", "0001_connections"),
    ]

    operations = [
        migrations.CreateModel(
            name="Asset",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("url", models.TextField()),
                (
                    "status",
                    models.TextField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("ready", "Ready"),
                            ("unreachable", "Unreachable"),
                            ("too_small", "Too Small"),
                        ],
                        default="waiting",
                    ),
                ),
                ("sha256", models.TextField(default="", db_default="")),
                ("md5", models.TextField(default="", db_default="")),
                ("size", models.BigIntegerField(null=True)),
                ("width_px", models.IntegerField(null=True)),
                ("height_px", models.IntegerField(null=True)),
                ("content_path", models.TextField(default="", db_default="")),
                ("reason", models.TextField(default="", db_default="")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("checked_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "catalog_asset",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "url"), name="catalog_asset_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["waiting", "ready", "unreachable", "too_small"])
                        ),
                        name="catalog_asset_status",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Mapping",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("sku", models.TextField()),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("provider", "Provider"),
                            ("kit", "Kit"),
                            ("by_hand", "By Hand"),
                            ("elsewhere", "Elsewhere"),
                            ("nothing", "Nothing"),
                        ]
                    ),
                ),
                ("provider_connection_id", models.BigIntegerField(null=True)),
                ("provider_sku", models.TextField(blank=True, default="", db_default="")),
                ("attributes", models.JSONField(blank=True, default=dict)),
                ("sizing", models.TextField(blank=True, default="", db_default="")),
                (
                    "unit_cost",
                    models.DecimalField(blank=True, decimal_places=4, max_digits=18, null=True),
                ),
                ("cost_currency", models.TextField(blank=True, default="", db_default="")),
                ("bin", models.TextField(blank=True, default="", db_default="")),
                ("version", models.IntegerField(default=1, db_default=1)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "catalog_mapping",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "sku"), name="catalog_mapping_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ["provider", "kit", "by_hand", "elsewhere", "nothing"])
                        ),
                        name="catalog_mapping_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "provider"), _negated=True),
                            models.Q(
                                ("provider_connection_id__isnull", False),
                                models.Q(("provider_sku", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="catalog_mapping_provider",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("connection_id", models.BigIntegerField()),
                ("external_id", models.TextField()),
                ("title", models.TextField()),
                ("version", models.BigIntegerField()),
                ("is_published", models.BooleanField(default=True, db_default=True)),
                ("image_url", models.TextField(default="", db_default="")),
                ("deleted_at", models.DateTimeField(null=True)),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "db_table": "catalog_product",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "connection_id", "external_id"),
                        name="catalog_product_key",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ShippingMap",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("storefront_id", models.BigIntegerField()),
                ("provider_connection_id", models.BigIntegerField()),
                ("method_code", models.TextField()),
                ("provider_method", models.TextField()),
            ],
            options={
                "db_table": "catalog_shipping_map",
                "verbose_name": "shipping method",
                "verbose_name_plural": "shipping methods",
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "merchant_id",
                            "storefront_id",
                            "provider_connection_id",
                            "method_code",
                        ),
                        name="catalog_shipping_map_key",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="KitPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("sku", models.TextField()),
                ("quantity", models.PositiveIntegerField()),
                (
                    "mapping",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="catalog.mapping",
                    ),
                ),
            ],
            options={
                "db_table": "catalog_kit_part",
                "constraints": [
                    models.UniqueConstraint(fields=("mapping", "sku"), name="catalog_kit_part_key"),
                    models.CheckConstraint(
                        condition=models.Q(("quantity__gt", 0)), name="catalog_kit_part_quantity"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MappingAsset",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("print_area", models.TextField(default="default")),
                ("asset_id", models.BigIntegerField(null=True)),
                ("line_property", models.TextField(blank=True, default="", db_default="")),
                ("min_width_px", models.IntegerField(null=True)),
                ("min_height_px", models.IntegerField(null=True)),
                (
                    "mapping",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="assets",
                        to="catalog.mapping",
                    ),
                ),
            ],
            options={
                "db_table": "catalog_mapping_asset",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("mapping", "print_area"), name="catalog_mapping_asset_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Variant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("connection_id", models.BigIntegerField()),
                ("external_id", models.TextField()),
                ("sku", models.TextField(default="", db_default="")),
                ("title", models.TextField()),
                ("price", models.DecimalField(decimal_places=4, max_digits=18, null=True)),
                ("currency", models.TextField(default="", db_default="")),
                ("is_shippable", models.BooleanField(null=True)),
                ("weight_g", models.IntegerField(null=True)),
                ("image_url", models.TextField(default="", db_default="")),
                (
                    "product",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="catalog.product",
                    ),
                ),
            ],
            options={
                "db_table": "catalog_variant",
                "indexes": [
                    models.Index(fields=["merchant_id", "sku"], name="catalog_variant_sku")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "connection_id", "external_id"),
                        name="catalog_variant_key",
                    )
                ],
            },
        ),
        ScopeRows("catalog_asset"),
        ScopeRows("catalog_mapping"),
        ScopeRows("catalog_product"),
        ScopeRows("catalog_shipping_map"),
        ScopeRows("catalog_kit_part"),
        ScopeRows("catalog_mapping_asset"),
        ScopeRows("catalog_variant"),
        LinkRows("catalog_product", "connection_id", "connections_connection", on_delete="CASCADE"),
        LinkRows("catalog_variant", "product_id", "catalog_product", on_delete="CASCADE"),
        LinkRows("catalog_mapping", "provider_connection_id", "connections_connection"),
        LinkRows("catalog_kit_part", "mapping_id", "catalog_mapping", on_delete="CASCADE"),
        LinkRows("catalog_mapping_asset", "mapping_id", "catalog_mapping", on_delete="CASCADE"),
        LinkRows("catalog_mapping_asset", "asset_id", "catalog_asset"),
        LinkRows(
            "catalog_shipping_map", "storefront_id", "connections_connection", on_delete="CASCADE"
        ),
        LinkRows(
            "catalog_shipping_map",
            "provider_connection_id",
            "connections_connection",
            on_delete="CASCADE",
        ),
    ]
