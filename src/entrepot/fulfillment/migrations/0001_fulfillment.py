"""The first tables of fulfillment."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from entrepot.database.rows import LinkRows, ScopeRows


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("access", "0001_access"),
        ("routing", "0001_routing"),
        ("payments", "0001_payments"),
    ]

    operations = [
        migrations.CreateModel(
            name="FulfillmentOrder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("mode", models.TextField(choices=[("live", "Live"), ("test", "Test")])),
                ("order_id", models.BigIntegerField()),
                ("connection_id", models.BigIntegerField()),
                ("share", models.IntegerField()),
                ("generation", models.IntegerField(default=1, db_default=1)),
                (
                    "status",
                    models.TextField(
                        choices=[
                            ("open", "Open"),
                            ("on_hold", "On Hold"),
                            ("submitted", "Submitted"),
                            ("accepted", "Accepted"),
                            ("cancelling", "Cancelling"),
                            ("cancelled", "Cancelled"),
                            ("closed", "Closed"),
                        ],
                        default="open",
                    ),
                ),
                ("is_by_hand", models.BooleanField(default=False, db_default=False)),
                ("shipping_method", models.TextField(blank=True, default="", db_default="")),
                ("planned_version", models.BigIntegerField()),
                ("decision_id", models.BigIntegerField(null=True)),
                (
                    "submit_after",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("external_id", models.TextField(default="", db_default="")),
                ("provider_stage", models.TextField(default="", db_default="")),
                ("provider_updated_at", models.DateTimeField(null=True)),
                ("provider_read_at", models.DateTimeField(null=True)),
                ("details", models.JSONField(default=dict)),
                ("cost", models.DecimalField(decimal_places=4, max_digits=18, null=True)),
                ("cost_currency", models.TextField(default="", db_default="")),
                ("replaces_id", models.BigIntegerField(null=True)),
                ("replacement_reason", models.TextField(default="", db_default="")),
                (
                    "planned_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("accepted_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "fulfillment_order",
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("status__in", ["open", "submitted", "accepted", "cancelling"])
                        ),
                        fields=["status", "submit_after"],
                        name="fulfillment_order_active",
                    ),
                    models.Index(
                        fields=["connection_id", "external_id"], name="fulfillment_order_external"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("order_id", "share"), name="fulfillment_order_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "open",
                                    "on_hold",
                                    "submitted",
                                    "accepted",
                                    "cancelling",
                                    "cancelled",
                                    "closed",
                                ],
                            )
                        ),
                        name="fulfillment_order_status",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Shipment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("mode", models.TextField(choices=[("live", "Live"), ("test", "Test")])),
                ("order_id", models.BigIntegerField()),
                ("external_id", models.TextField()),
                ("number", models.IntegerField()),
                (
                    "status",
                    models.TextField(
                        choices=[("shipped", "Shipped"), ("voided", "Voided")], default="shipped"
                    ),
                ),
                ("carrier", models.TextField(default="", db_default="")),
                ("service", models.TextField(default="", db_default="")),
                ("shipped_at", models.DateTimeField()),
                (
                    "learned_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("cause", models.TextField(default="", db_default="")),
                ("written_back_at", models.DateTimeField(null=True)),
                (
                    "fulfillment_order",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shipments",
                        to="fulfillment.fulfillmentorder",
                    ),
                ),
            ],
            options={
                "db_table": "fulfillment_shipment",
            },
        ),
        migrations.CreateModel(
            name="Parcel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("mode", models.TextField(choices=[("live", "Live"), ("test", "Test")])),
                ("order_id", models.BigIntegerField()),
                ("number", models.IntegerField()),
                ("tracking_number", models.TextField(default="", db_default="")),
                ("tracking_url", models.TextField(default="", db_default="")),
                ("carrier", models.TextField(default="", db_default="")),
                (
                    "status",
                    models.TextField(
                        choices=[
                            ("unknown", "unknown"),
                            ("pre_transit", "pre_transit"),
                            ("in_transit", "in_transit"),
                            ("out_for_delivery", "out_for_delivery"),
                            ("available_for_pickup", "available_for_pickup"),
                            ("delivery_attempted", "delivery_attempted"),
                            ("delayed", "delayed"),
                            ("exception", "exception"),
                            ("delivered", "delivered"),
                            ("presumed_delivered", "presumed_delivered"),
                            ("returning", "returning"),
                            ("returned", "returned"),
                            ("lost", "lost"),
                            ("voided", "voided"),
                        ],
                        default="unknown",
                    ),
                ),
                ("status_at", models.DateTimeField(null=True)),
                ("carrier_connection_id", models.BigIntegerField(null=True)),
                ("tracker_external_id", models.TextField(default="", db_default="")),
                ("tracked_at", models.DateTimeField(null=True)),
                ("estimated_delivery_at", models.DateTimeField(null=True)),
                ("promised_at", models.DateTimeField(null=True)),
                ("delivered_at", models.DateTimeField(null=True)),
                (
                    "added_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "shipment",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parcels",
                        to="fulfillment.shipment",
                    ),
                ),
            ],
            options={
                "db_table": "fulfillment_parcel",
            },
        ),
        migrations.CreateModel(
            name="ShipmentItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("fulfillment_item_id", models.BigIntegerField()),
                ("line_id", models.BigIntegerField()),
                ("quantity", models.IntegerField()),
                (
                    "shipment",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="fulfillment.shipment",
                    ),
                ),
            ],
            options={
                "db_table": "fulfillment_shipment_item",
            },
        ),
        migrations.CreateModel(
            name="TrackingEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("status", models.TextField()),
                ("source_status", models.TextField(default="", db_default="")),
                ("happened_at", models.DateTimeField()),
                ("message", models.TextField(default="", db_default="")),
                ("city", models.TextField(default="", db_default="")),
                ("region", models.TextField(default="", db_default="")),
                ("country", models.TextField(default="", db_default="")),
                (
                    "learned_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("cause", models.TextField(default="", db_default="")),
                (
                    "parcel",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="updates",
                        to="fulfillment.parcel",
                    ),
                ),
            ],
            options={
                "db_table": "fulfillment_tracking_entry",
            },
        ),
        migrations.CreateModel(
            name="FulfillmentItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("line_id", models.BigIntegerField()),
                ("position", models.IntegerField()),
                ("sku", models.TextField()),
                ("units_per_line", models.IntegerField(default=1, db_default=1)),
                ("quantity", models.IntegerField()),
                ("provider_sku", models.TextField(blank=True, default="", db_default="")),
                ("attributes", models.JSONField(default=dict)),
                ("sizing", models.TextField(blank=True, default="", db_default="")),
                ("assets", models.JSONField(default=list)),
                ("bin", models.TextField(blank=True, default="", db_default="")),
                ("external_id", models.TextField(default="", db_default="")),
                ("units_shipped", models.IntegerField(default=0, db_default=0)),
                ("units_cancelled", models.IntegerField(default=0, db_default=0)),
                (
                    "fulfillment_order",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="fulfillment.fulfillmentorder",
                    ),
                ),
            ],
            options={
                "db_table": "fulfillment_item",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("fulfillment_order", "position"), name="fulfillment_item_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("quantity__gt", 0)), name="fulfillment_item_quantity"
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="shipment",
            constraint=models.UniqueConstraint(
                fields=("fulfillment_order", "external_id"), name="fulfillment_shipment_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="shipment",
            constraint=models.UniqueConstraint(
                fields=("order_id", "number"), name="fulfillment_shipment_number_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="shipment",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["shipped", "voided"])),
                name="fulfillment_shipment_status",
            ),
        ),
        migrations.AddIndex(
            model_name="parcel",
            index=models.Index(fields=["order_id"], name="fulfillment_parcel_order"),
        ),
        migrations.AddIndex(
            model_name="parcel",
            index=models.Index(
                fields=["merchant_id", "tracking_number"], name="fulfillment_parcel_tracking"
            ),
        ),
        migrations.AddIndex(
            model_name="parcel",
            index=models.Index(
                condition=models.Q(
                    (
                        "status__in",
                        ["delivered", "presumed_delivered", "returned", "lost", "voided"],
                    ),
                    _negated=True,
                ),
                fields=["tracked_at"],
                name="fulfillment_parcel_moving",
            ),
        ),
        migrations.AddConstraint(
            model_name="parcel",
            constraint=models.UniqueConstraint(
                fields=("shipment", "tracking_number"), name="fulfillment_parcel_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="parcel",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        [
                            "unknown",
                            "pre_transit",
                            "in_transit",
                            "out_for_delivery",
                            "available_for_pickup",
                            "delivery_attempted",
                            "delayed",
                            "exception",
                            "delivered",
                            "presumed_delivered",
                            "returning",
                            "returned",
                            "lost",
                            "voided",
                        ],
                    )
                ),
                name="fulfillment_parcel_status",
            ),
        ),
        migrations.AddIndex(
            model_name="shipmentitem",
            index=models.Index(fields=["line_id"], name="fulfillment_shipitem_line"),
        ),
        migrations.AddConstraint(
            model_name="shipmentitem",
            constraint=models.UniqueConstraint(
                fields=("shipment", "fulfillment_item_id"), name="fulfillment_shipment_item_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="shipmentitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gt", 0)), name="fulfillment_shipment_item_quantity"
            ),
        ),
        migrations.AddConstraint(
            model_name="trackingentry",
            constraint=models.UniqueConstraint(
                fields=("parcel", "happened_at", "status", "message"),
                name="fulfillment_tracking_entry_key",
            ),
        ),
        ScopeRows("fulfillment_order"),
        ScopeRows("fulfillment_shipment"),
        ScopeRows("fulfillment_parcel"),
        ScopeRows("fulfillment_shipment_item"),
        ScopeRows("fulfillment_tracking_entry"),
        ScopeRows("fulfillment_item"),
        LinkRows("fulfillment_order", "order_id", "orders_order", also=("mode",)),
        LinkRows("fulfillment_order", "connection_id", "connections_connection", also=("mode",)),
        LinkRows("fulfillment_order", "replaces_id", "fulfillment_order", also=("mode",)),
        LinkRows("fulfillment_order", "decision_id", "routing_decision"),
        LinkRows(
            "fulfillment_item", "fulfillment_order_id", "fulfillment_order", on_delete="CASCADE"
        ),
        LinkRows("fulfillment_item", "line_id", "orders_line"),
        LinkRows(
            "fulfillment_shipment", "fulfillment_order_id", "fulfillment_order", also=("mode",)
        ),
        LinkRows("fulfillment_shipment", "order_id", "orders_order", also=("mode",)),
        LinkRows(
            "fulfillment_shipment_item", "shipment_id", "fulfillment_shipment", on_delete="CASCADE"
        ),
        LinkRows("fulfillment_shipment_item", "fulfillment_item_id", "fulfillment_item"),
        LinkRows("fulfillment_shipment_item", "line_id", "orders_line"),
        LinkRows("fulfillment_parcel", "shipment_id", "fulfillment_shipment", also=("mode",)),
        LinkRows(
            "fulfillment_tracking_entry", "parcel_id", "fulfillment_parcel", on_delete="CASCADE"
        ),
    ]
