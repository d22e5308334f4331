"""The first tables of deadletters."""

import django.db.models.functions.datetime
from django.db import migrations, models

from entrepot.database.rows import ScopeRows


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("access", "0001_access"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("task", models.TextField()),
                ("arguments", models.JSONField()),
                ("order_id", models.BigIntegerField(null=True)),
                ("error", models.TextField()),
                ("detail", models.TextField(default="")),
                ("fingerprint", models.TextField()),
                ("tries", models.IntegerField()),
                ("is_quarantined", models.BooleanField(default=False)),
                (
                    "buried_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "status",
                    models.TextField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("replayed", "Replayed"),
                            ("discarded", "Discarded"),
                        ],
                        default="waiting",
                    ),
                ),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by", models.TextField(default="")),
                ("reason", models.TextField(default="")),
            ],
            options={
                "db_table": "deadletters_dead_letter",
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "waiting")),
                        fields=["merchant_id", "-buried_at"],
                        name="deadletters_waiting",
                    ),
                    models.Index(fields=["order_id"], name="deadletters_order"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["waiting", "replayed", "discarded"])),
                        name="deadletters_dead_letter_status",
                    )
                ],
            },
        ),
        ScopeRows("deadletters_dead_letter"),
    ]
