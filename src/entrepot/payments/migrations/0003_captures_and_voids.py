"""What a person wants of authorized money."""

import django.db.models.functions.datetime
from django.db import migrations, models

from entrepot.database.rows import LinkRows, ScopeRows


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0002_all_that_waits"),
    ]

    operations = [
        migrations.CreateModel(
            name="PaymentWish",
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
                ("kind", models.TextField(choices=[("capture", "Capture"), ("void", "Void")])),
                ("authorized_id", models.BigIntegerField()),
                ("payment_external_id", models.TextField()),
                ("number", models.IntegerField()),
                ("amount", models.DecimalField(decimal_places=4, max_digits=18)),
                ("currency", models.TextField()),
                ("reason", models.TextField()),
                (
                    "status",
                    models.TextField(
                        choices=[("wanted", "Wanted"), ("done", "Done"), ("failed", "Failed")],
                        default="wanted",
                    ),
                ),
                ("message", models.TextField(db_default="", default="")),
                ("wanted_by", models.TextField()),
                (
                    "wanted_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "payments_wish",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("order_id", "number"), name="payments_wish_key"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "wanted")),
                        fields=("authorized_id",),
                        name="payments_wish_wanted",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="payments_wish_amount"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["wanted", "done", "failed"])),
                        name="payments_wish_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["capture", "void"])),
                        name="payments_wish_kind",
                    ),
                ],
            },
        ),
        ScopeRows("payments_wish"),
        LinkRows("payments_wish", "order_id", "orders_order", also=("mode",)),
        LinkRows("payments_wish", "connection_id", "connections_connection", also=("mode",)),
    ]
