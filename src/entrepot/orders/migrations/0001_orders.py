"""The first tables of orders."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.db import migrations, models

from entrepot.database.rows import LinkRows, ScopeRows


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("access", "0001_access"),
        ("customers", "0001_customers"),
        ("connections", "0001_connections"),
    ]

    operations = [
        migrations.CreateModel(
            name="Order",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("mode", models.TextField(choices=[("live", "Live"), ("test", "Test")])),
                ("account", models.TextField()),
                ("external_id", models.TextField()),
                ("connection_id", models.BigIntegerField()),
                ("number", models.TextField()),
                ("reference", models.TextField(unique=True)),
                ("birth_mark", models.TextField(default="", db_default="")),
                ("channel", models.TextField(default="", db_default="")),
                ("placed_at", models.DateTimeField()),
                (
                    "first_seen_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("is_history", models.BooleanField(default=False, db_default=False)),
                ("source_state", models.TextField()),
                ("source_status", models.TextField()),
                ("source_version", models.BigIntegerField()),
                ("source_hash", models.TextField()),
                ("source_read_at", models.DateTimeField()),
                ("source_message_id", models.BigIntegerField(null=True)),
                ("source_cancelled_at", models.DateTimeField(null=True)),
                ("currency", models.TextField()),
                ("total_lines", models.DecimalField(decimal_places=4, max_digits=18)),
                ("total_discount", models.DecimalField(decimal_places=4, max_digits=18)),
                ("total_shipping", models.DecimalField(decimal_places=4, max_digits=18)),
                ("total_fees", models.DecimalField(decimal_places=4, max_digits=18)),
                ("total_tax", models.DecimalField(decimal_places=4, max_digits=18)),
                ("total", models.DecimalField(decimal_places=4, max_digits=18)),
                ("computed_total", models.DecimalField(decimal_places=4, max_digits=18)),
                ("prices_include_tax", models.BooleanField(default=False, db_default=False)),
                (
                    "presentment_total",
                    models.DecimalField(decimal_places=4, max_digits=18, null=True),
                ),
                ("presentment_currency", models.TextField(default="", db_default="")),
                ("customer_id", models.BigIntegerField(null=True)),
                ("address_id", models.BigIntegerField(null=True)),
                ("typed_address_id", models.BigIntegerField(null=True)),
                ("billing_address_id", models.BigIntegerField(null=True)),
                ("shipping_method", models.TextField(default="", db_default="")),
                ("shipping_title", models.TextField(default="", db_default="")),
                ("payment_word", models.TextField()),
                ("payment_method", models.TextField(default="", db_default="")),
                ("payment_title", models.TextField(default="", db_default="")),
                (
                    "transaction_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                ("checkout_reference", models.TextField(default="", db_default="")),
                ("lines_key", models.TextField(default="", db_default="")),
                ("customer_note", models.TextField(default="", db_default="")),
                ("is_gift", models.BooleanField(default=False, db_default=False)),
                ("discounts", models.JSONField(default=list)),
                ("fees", models.JSONField(default=list)),
                ("released_at", models.DateTimeField(null=True)),
                (
                    "released_by",
                    models.TextField(
                        blank=True,
                        choices=[
                            ("paid", "Paid"),
                            ("nothing_to_pay", "Nothing To Pay"),
                            ("source_state", "Source State"),
                            ("terms", "Terms"),
                            ("person", "Person"),
                        ],
                        default="",
                        db_default="",
                    ),
                ),
                ("is_on_terms", models.BooleanField(default=False, db_default=False)),
                ("units_ordered", models.IntegerField(default=0, db_default=0)),
                ("units_cancelled", models.IntegerField(default=0, db_default=0)),
                ("units_nothing", models.IntegerField(default=0, db_default=0)),
                ("units_elsewhere", models.IntegerField(default=0, db_default=0)),
                ("units_shipped", models.IntegerField(default=0, db_default=0)),
                ("units_delivered", models.IntegerField(default=0, db_default=0)),
                ("units_presumed", models.IntegerField(default=0, db_default=0)),
                ("units_returned", models.IntegerField(default=0, db_default=0)),
                (
                    "amount_due",
                    models.DecimalField(decimal_places=4, default=0, db_default=0, max_digits=18),
                ),
                (
                    "amount_pending",
                    models.DecimalField(decimal_places=4, default=0, db_default=0, max_digits=18),
                ),
                (
                    "amount_authorized",
                    models.DecimalField(decimal_places=4, default=0, db_default=0, max_digits=18),
                ),
                (
                    "amount_captured",
                    models.DecimalField(decimal_places=4, default=0, db_default=0, max_digits=18),
                ),
                (
                    "amount_refunded",
                    models.DecimalField(decimal_places=4, default=0, db_default=0, max_digits=18),
                ),
                (
                    "amount_disputed",
                    models.DecimalField(decimal_places=4, default=0, db_default=0, max_digits=18),
                ),
                ("open_holds", models.IntegerField(default=0, db_default=0)),
                (
                    "status",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(
                                models.Q(
                                    ("source_cancelled_at__isnull", False),
                                    models.Q(
                                        ("units_ordered__gt", 0),
                                        ("units_cancelled__gte", models.F("units_ordered")),
                                    ),
                                    _connector="OR",
                                ),
                                then=models.Value("cancelled"),
                            ),
                            models.When(
                                models.Q(
                                    ("units_ordered__gt", 0),
                                    ("units_cancelled__lt", models.F("units_ordered")),
                                    (
                                        "units_ordered__lte",
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                django.db.models.expressions.CombinedExpression(
                                                    models.F("units_cancelled"),
                                                    "+",
                                                    models.F("units_nothing"),
                                                ),
                                                "+",
                                                models.F("units_delivered"),
                                            ),
                                            "+",
                                            models.F("units_elsewhere"),
                                        ),
                                    ),
                                    models.Q(
                                        ("amount_captured__gte", models.F("amount_due")),
                                        ("is_on_terms", True),
                                        _connector="OR",
                                    ),
                                ),
                                then=models.Value("closed"),
                            ),
                            default=models.Value("open"),
                        ),
                        output_field=models.TextField(),
                    ),
                ),
                (
                    "payment_status",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(
                                models.Q(
                                    ("amount_refunded__gt", 0),
                                    ("amount_refunded__gte", models.F("amount_captured")),
                                ),
                                then=models.Value("refunded"),
                            ),
                            models.When(
                                models.Q(("amount_refunded__gt", 0)),
                                then=models.Value("partially_refunded"),
                            ),
                            models.When(
                                models.Q(("amount_due__lte", 0), ("amount_captured", 0)),
                                then=models.Value("not_required"),
                            ),
                            models.When(
                                models.Q(("amount_captured__gte", models.F("amount_due"))),
                                then=models.Value("paid"),
                            ),
                            models.When(
                                models.Q(("amount_captured__gt", 0)),
                                then=models.Value("partially_paid"),
                            ),
                            models.When(
                                models.Q(
                                    ("amount_authorized__gt", 0),
                                    ("amount_authorized__gte", models.F("amount_due")),
                                ),
                                then=models.Value("authorized"),
                            ),
                            models.When(
                                models.Q(("amount_pending__gt", 0)), then=models.Value("pending")
                            ),
                            default=models.Value("unpaid"),
                        ),
                        output_field=models.TextField(),
                    ),
                ),
                (
                    "fulfillment_status",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(
                                models.Q(
                                    (
                                        "units_ordered__lte",
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("units_cancelled"),
                                            "+",
                                            models.F("units_nothing"),
                                        ),
                                    )
                                ),
                                then=models.Value("not_required"),
                            ),
                            models.When(
                                models.Q(
                                    ("units_delivered__gt", 0),
                                    (
                                        "units_ordered__lte",
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                django.db.models.expressions.CombinedExpression(
                                                    models.F("units_cancelled"),
                                                    "+",
                                                    models.F("units_nothing"),
                                                ),
                                                "+",
                                                models.F("units_delivered"),
                                            ),
                                            "+",
                                            models.F("units_elsewhere"),
                                        ),
                                    ),
                                ),
                                then=models.Value("delivered"),
                            ),
                            models.When(
                                models.Q(
                                    (
                                        "units_ordered__lte",
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                django.db.models.expressions.CombinedExpression(
                                                    models.F("units_cancelled"),
                                                    "+",
                                                    models.F("units_nothing"),
                                                ),
                                                "+",
                                                models.F("units_shipped"),
                                            ),
                                            "+",
                                            models.F("units_elsewhere"),
                                        ),
                                    )
                                ),
                                then=models.Value("shipped"),
                            ),
                            models.When(
                                models.Q(
                                    ("units_shipped__gt", 0),
                                    ("units_elsewhere__gt", 0),
                                    _connector="OR",
                                ),
                                then=models.Value("partially_shipped"),
                            ),
                            default=models.Value("unfulfilled"),
                        ),
                        output_field=models.TextField(),
                    ),
                ),
                (
                    "is_held",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.ExpressionWrapper(
                            models.Q(("open_holds__gt", 0)), output_field=models.BooleanField()
                        ),
                        output_field=models.BooleanField(),
                    ),
                ),
                (
                    "is_disputed",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.ExpressionWrapper(
                            models.Q(("amount_disputed__gt", 0)), output_field=models.BooleanField()
                        ),
                        output_field=models.BooleanField(),
                    ),
                ),
            ],
            options={
                "db_table": "orders_order",
                "indexes": [
                    models.Index(
                        fields=["merchant_id", "mode", "-placed_at", "-id"], name="orders_recent"
                    ),
                    models.Index(fields=["connection_id", "-placed_at"], name="orders_connection"),
                    models.Index(fields=["customer_id"], name="orders_customer"),
                    models.Index(
                        condition=models.Q(("open_holds__gt", 0)),
                        fields=["merchant_id", "mode", "-placed_at", "id"],
                        name="orders_held",
                    ),
                    models.Index(
                        condition=models.Q(("checkout_reference", ""), _negated=True),
                        fields=["merchant_id", "checkout_reference"],
                        name="orders_checkout",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "account", "mode", "external_id"),
                        name="orders_order_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["live", "test"])), name="orders_order_mode"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("currency__regex", "^[A-Z]{3}$")),
                        name="orders_order_currency",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("open_holds__gte", 0),
                            ("units_cancelled__gte", 0),
                            ("units_delivered__gte", 0),
                            ("units_elsewhere__gte", 0),
                            ("units_nothing__gte", 0),
                            ("units_ordered__gte", 0),
                            ("units_returned__gte", 0),
                            ("units_shipped__gte", 0),
                        ),
                        name="orders_order_counters",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("author", models.TextField()),
                ("text", models.TextField()),
                (
                    "written_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "order",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="orders.order",
                    ),
                ),
            ],
            options={
                "db_table": "orders_note",
            },
        ),
        migrations.CreateModel(
            name="SearchTerm",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("term", models.TextField(db_collation="C")),
                ("kind", models.TextField()),
                ("object_id", models.BigIntegerField()),
                ("mode", models.TextField(choices=[("live", "Live"), ("test", "Test")])),
            ],
            options={
                "db_table": "search_term",
                "indexes": [models.Index(fields=["kind", "object_id"], name="search_term_object")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "term", "kind", "object_id"), name="search_term_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Line",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("external_id", models.TextField()),
                ("position", models.IntegerField()),
                ("sku", models.TextField()),
                ("title", models.TextField()),
                ("quantity", models.IntegerField()),
                ("unit_price", models.DecimalField(decimal_places=4, max_digits=18)),
                (
                    "discount",
                    models.DecimalField(decimal_places=4, default=0, db_default=0, max_digits=18),
                ),
                ("total", models.DecimalField(decimal_places=4, max_digits=18)),
                ("is_shippable", models.BooleanField(null=True)),
                ("product_external_id", models.TextField(default="", db_default="")),
                ("variant_external_id", models.TextField(default="", db_default="")),
                ("image_url", models.TextField(default="", db_default="")),
                ("weight_g", models.IntegerField(null=True)),
                ("properties", models.JSONField(default=list)),
                ("removed_at", models.DateTimeField(null=True)),
                ("units_cancelled", models.IntegerField(default=0, db_default=0)),
                ("units_withdrawn", models.IntegerField(default=0, db_default=0)),
                ("units_refunded", models.IntegerField(default=0, db_default=0)),
                ("units_nothing", models.IntegerField(default=0, db_default=0)),
                ("units_elsewhere", models.IntegerField(default=0, db_default=0)),
                ("units_planned", models.IntegerField(default=0, db_default=0)),
                ("units_shipped", models.IntegerField(default=0, db_default=0)),
                ("units_delivered", models.IntegerField(default=0, db_default=0)),
                ("units_returned", models.IntegerField(default=0, db_default=0)),
                (
                    "order",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="orders.order",
                    ),
                ),
            ],
            options={
                "db_table": "orders_line",
                "indexes": [models.Index(fields=["merchant_id", "sku"], name="orders_line_sku")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("order", "external_id"), name="orders_line_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("quantity__gte", 0),
                            ("units_cancelled__gte", 0),
                            ("units_delivered__gte", 0),
                            ("units_elsewhere__gte", 0),
                            ("units_nothing__gte", 0),
                            ("units_planned__gte", 0),
                            ("units_shipped__gte", 0),
                        ),
                        name="orders_line_counters",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("unmapped_sku", "Unmapped Sku"),
                            ("missing_artwork", "Missing Artwork"),
                            ("address_refused", "Address Refused"),
                            ("shipping_unmapped", "Shipping Unmapped"),
                            ("duplicate_suspected", "Duplicate Suspected"),
                            ("mode_unknown", "Mode Unknown"),
                            ("state_unknown", "State Unknown"),
                            ("cost", "Cost"),
                            ("dispute", "Dispute"),
                            ("review", "Review"),
                            ("source", "Source"),
                            ("totals", "Totals"),
                            ("refused", "Refused"),
                            ("item_unavailable", "Item Unavailable"),
                            ("changed_after_sending", "Changed After Sending"),
                            ("content_differs", "Content Differs"),
                            ("payment_needed", "Payment Needed"),
                            ("shipped_after_cancel", "Shipped After Cancel"),
                            ("person", "Person"),
                        ]
                    ),
                ),
                ("about", models.TextField(blank=True, default="", db_default="")),
                ("reason", models.TextField()),
                ("data", models.JSONField(default=dict)),
                (
                    "opened_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("opened_by", models.TextField(default="system")),
                ("lifted_at", models.DateTimeField(null=True)),
                ("lifted_by", models.TextField(default="", db_default="")),
                ("lift_reason", models.TextField(default="", db_default="")),
                (
                    "order",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="holds",
                        to="orders.order",
                    ),
                ),
            ],
            options={
                "db_table": "orders_hold",
                "indexes": [
                    models.Index(
                        condition=models.Q(("lifted_at__isnull", True)),
                        fields=["merchant_id", "kind", "about"],
                        name="orders_hold_open",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("lifted_at__isnull", True)),
                        fields=("order", "kind", "about"),
                        name="orders_hold_open_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "unmapped_sku",
                                    "missing_artwork",
                                    "address_refused",
                                    "shipping_unmapped",
                                    "duplicate_suspected",
                                    "mode_unknown",
                                    "state_unknown",
                                    "cost",
                                    "dispute",
                                    "review",
                                    "source",
                                    "totals",
                                    "refused",
                                    "item_unavailable",
                                    "changed_after_sending",
                                    "content_differs",
                                    "payment_needed",
                                    "shipped_after_cancel",
                                    "person",
                                ],
                            )
                        ),
                        name="orders_hold_kind",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("word", models.TextField()),
                (
                    "order",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tags",
                        to="orders.order",
                    ),
                ),
            ],
            options={
                "db_table": "orders_tag",
                "indexes": [models.Index(fields=["merchant_id", "word"], name="orders_tag_word")],
                "constraints": [
                    models.UniqueConstraint(fields=("order", "word"), name="orders_tag_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="TaxLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("line_external_id", models.TextField(default="", db_default="")),
                ("name", models.TextField()),
                ("rate", models.DecimalField(decimal_places=6, max_digits=9, null=True)),
                ("amount", models.DecimalField(decimal_places=4, max_digits=18)),
                ("is_included", models.BooleanField()),
                ("remitted_by", models.TextField(default="merchant")),
                (
                    "order",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tax_lines",
                        to="orders.order",
                    ),
                ),
            ],
            options={
                "db_table": "orders_tax_line",
                "indexes": [models.Index(fields=["order"], name="orders_tax_line_order")],
            },
        ),
        ScopeRows("orders_order"),
        ScopeRows("orders_note"),
        ScopeRows("search_term"),
        ScopeRows("orders_line"),
        ScopeRows("orders_hold"),
        ScopeRows("orders_tag"),
        ScopeRows("orders_tax_line"),
        LinkRows("orders_order", "connection_id", "connections_connection"),
        LinkRows("orders_order", "customer_id", "customers_customer"),
        LinkRows("orders_order", "address_id", "customers_postal_address"),
        LinkRows("orders_order", "typed_address_id", "customers_postal_address"),
        LinkRows("orders_order", "billing_address_id", "customers_postal_address"),
        LinkRows("orders_line", "order_id", "orders_order", on_delete="CASCADE"),
        LinkRows("orders_tax_line", "order_id", "orders_order", on_delete="CASCADE"),
        LinkRows("orders_hold", "order_id", "orders_order", on_delete="CASCADE"),
        LinkRows("orders_note", "order_id", "orders_order", on_delete="CASCADE"),
        LinkRows("orders_tag", "order_id", "orders_order", on_delete="CASCADE"),
    ]
