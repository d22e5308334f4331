"""The first tables of routing."""

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
            name="RoutingDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("order_id", models.BigIntegerField()),
                ("order_version", models.BigIntegerField()),
                ("choices", models.JSONField()),
                (
                    "decided_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "db_table": "routing_decision",
                "indexes": [models.Index(fields=["order_id"], name="routing_decision_order")],
            },
        ),
        ScopeRows("routing_decision"),
        LinkRows("routing_decision", "order_id", "orders_order", on_delete="CASCADE"),
    ]
