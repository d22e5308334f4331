"""The first tables of payments."""

import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models

from entrepot.database.rows import LinkRows, ScopeRows


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("access", "0001_access"),
        ("orders", "0001_orders"),
    ]

    operations = [
        migrations.CreateModel(
            name="Checkout",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("mode", models.TextField(choices=[("live", "Live"), ("test", "Test")])),
                ("connection_id", models.BigIntegerField()),
                ("reference", models.TextField(unique=True)),
                ("cart_key", models.TextField(default="", db_default="")),
                (
                    "status",
                    models.TextField(
                        choices=[
                            ("opening", "Opening"),
                            ("open", "Open"),
                            ("pending", "Pending"),
                            ("completed", "Completed"),
                            ("expired", "Expired"),
                            ("failed", "Failed"),
                        ],
                        default="opening",
                    ),
                ),
                ("external_id", models.TextField(default="", db_default="")),
                ("url", models.TextField(default="", db_default="")),
                ("currency", models.TextField()),
                ("cart", models.JSONField()),
                ("total", models.DecimalField(decimal_places=4, max_digits=18)),
                ("email_sealed", models.BinaryField(default=bytes)),
                ("order_id", models.BigIntegerField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("expires_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "payments_checkout",
                "indexes": [
                    models.Index(fields=["merchant_id", "cart_key"], name="payments_checkout_cart"),
                    models.Index(
                        fields=["connection_id", "external_id"], name="payments_checkout_external"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                ["opening", "open", "pending", "completed", "expired", "failed"],
                            )
                        ),
                        name="payments_checkout_status",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PaymentEntry",
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
                ("connection_id", models.BigIntegerField()),
                ("order_id", models.BigIntegerField(null=True)),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("pending", "pending"),
                            ("authorized", "authorized"),
                            ("captured", "captured"),
                            ("failed", "failed"),
                            ("voided", "voided"),
                            ("refund_pending", "refund pending"),
                            ("refunded", "refunded"),
                            ("refund_failed", "refund failed"),
                            ("disputed", "disputed"),
                            ("dispute_won", "dispute won"),
                            ("dispute_lost", "dispute lost"),
                            ("review_opened", "review opened"),
                            ("review_closed", "review closed"),
                        ]
                    ),
                ),
                ("external_id", models.TextField()),
                ("payment_external_id", models.TextField()),
                ("amount", models.DecimalField(decimal_places=4, max_digits=18)),
                ("currency", models.TextField()),
                ("method", models.TextField(default="", db_default="")),
                ("card_last4", models.TextField(default="", db_default="")),
                ("reason", models.TextField(default="", db_default="")),
                ("checkout_reference", models.TextField(default="", db_default="")),
                (
                    "match_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                ("refunded_lines", models.JSONField(default=list)),
                ("own_reference", models.TextField(default="", db_default="")),
                ("is_from_gateway", models.BooleanField()),
                ("counts", models.BooleanField(default=True, db_default=True)),
                ("happened_at", models.DateTimeField()),
                (
                    "learned_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("cause", models.TextField(default="", db_default="")),
                ("dismissed_at", models.DateTimeField(null=True)),
                ("dismissed_by", models.TextField(default="", db_default="")),
            ],
            options={
                "db_table": "payments_entry",
                "indexes": [
                    models.Index(fields=["order_id"], name="payments_entry_order"),
                    models.Index(
                        fields=["merchant_id", "payment_external_id"], name="payments_entry_payment"
                    ),
                    models.Index(
                        condition=models.Q(
                            ("dismissed_at__isnull", True), ("order_id__isnull", True)
                        ),
                        fields=["merchant_id", "mode", "-id"],
                        name="payments_entry_unmatched",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "account", "mode", "kind", "external_id"),
                        name="payments_entry_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 0)), name="payments_entry_amount"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("currency__regex", "^[A-Z]{3}$")),
                        name="payments_entry_currency",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Refund",
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
                ("payment_external_id", models.TextField()),
                ("number", models.IntegerField()),
                ("amount", models.DecimalField(decimal_places=4, max_digits=18)),
                ("currency", models.TextField()),
                ("reason", models.TextField()),
                ("lines", models.JSONField(default=list)),
                ("restocks", models.BooleanField(default=False, db_default=False)),
                ("tells_customer", models.BooleanField(default=False, db_default=False)),
                (
                    "status",
                    models.TextField(
                        choices=[
                            ("wanted", "Wanted"),
                            ("pending", "Pending"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="wanted",
                    ),
                ),
                ("external_id", models.TextField(default="", db_default="")),
                ("generation", models.IntegerField(default=1, db_default=1)),
                ("wanted_by", models.TextField()),
                (
                    "wanted_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "payments_refund",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("order_id", "number"), name="payments_refund_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="payments_refund_amount"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["wanted", "pending", "done", "failed"])),
                        name="payments_refund_status",
                    ),
                ],
            },
        ),
        ScopeRows("payments_checkout"),
        ScopeRows("payments_entry"),
        ScopeRows("payments_refund"),
        LinkRows("payments_entry", "order_id", "orders_order", also=("mode",)),
        LinkRows("payments_entry", "connection_id", "connections_connection"),
        LinkRows("payments_checkout", "connection_id", "connections_connection", also=("mode",)),
        LinkRows("payments_checkout", "order_id", "orders_order", also=("mode",)),
        LinkRows("payments_refund", "order_id", "orders_order", also=("mode",)),
        LinkRows("payments_refund", "connection_id", "connections_connection", also=("mode",)),
    ]
