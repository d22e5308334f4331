"""The first tables of monitoring."""

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
            name="RollupDelta",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("mode", models.TextField(choices=[("live", "Live"), ("test", "Test")])),
                ("name", models.TextField()),
                ("hour", models.DateTimeField()),
                ("currency", models.TextField(default="")),
                ("amount", models.DecimalField(decimal_places=4, max_digits=20)),
            ],
            options={
                "db_table": "monitoring_rollup_delta",
            },
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("kind", models.TextField()),
                ("cause", models.TextField()),
                ("title", models.TextField()),
                ("detail", models.TextField(default="")),
                ("count", models.IntegerField(default=1)),
                (
                    "raised_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "seen_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("told_at", models.DateTimeField(null=True)),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("acknowledged_by", models.TextField(default="")),
                ("recovered_at", models.DateTimeField(null=True)),
                ("recovery_told_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "monitoring_alert",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("recovered_at__isnull", True)),
                        fields=("merchant_id", "kind", "cause"),
                        name="monitoring_alert_open_key",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Installation",
            fields=[
                ("id", models.IntegerField(default=1, primary_key=True, serialize=False)),
                ("identity", models.UUIDField()),
                ("host", models.TextField()),
                ("public_url", models.TextField()),
                ("effects_paused_reason", models.TextField(default="")),
                ("started_at", models.DateTimeField(null=True)),
                ("last_backup_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "monitoring_installation",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="monitoring_installation_one"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Rollup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("mode", models.TextField(choices=[("live", "Live"), ("test", "Test")])),
                ("name", models.TextField()),
                ("hour", models.DateTimeField()),
                ("currency", models.TextField(default="")),
                ("amount", models.DecimalField(decimal_places=4, max_digits=24)),
            ],
            options={
                "db_table": "monitoring_rollup",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "mode", "name", "hour", "currency"),
                        name="monitoring_rollup_key",
                    )
                ],
            },
        ),
        ScopeRows("monitoring_rollup_delta"),
        ScopeRows("monitoring_alert"),
        ScopeRows("monitoring_rollup"),
    ]
