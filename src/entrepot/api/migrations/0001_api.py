"""Answers that are kept for repeated requests, and the rates of API keys."""

import django.db.models.functions.datetime
from django.db import migrations, models

from entrepot.database.rows import ScopeRows


class Migration(migrations.Migration):
    initial = True

    dependencies = [("access", "0001_access")]

    operations = [
        migrations.CreateModel(
            name="KeptAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("mode", models.TextField(choices=[("live", "Live"), ("test", "Test")])),
                ("idempotency_key", models.TextField()),
                ("fingerprint", models.BinaryField()),
                ("status_code", models.IntegerField(null=True)),
                ("body", models.BinaryField(default=bytes)),
                ("claimed_until", models.DateTimeField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "db_table": "api_kept_answer",
                "indexes": [models.Index(fields=["created_at"], name="api_kept_answer_age")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "mode", "idempotency_key"),
                        name="api_kept_answer_key",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RateBucket",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("api_key_id", models.BigIntegerField(unique=True)),
                ("tokens", models.FloatField()),
                ("refilled_at", models.DateTimeField()),
            ],
            options={"db_table": "api_rate_bucket"},
        ),
        ScopeRows("api_kept_answer"),
        ScopeRows("api_rate_bucket"),
    ]
