"""The first tables of inbox."""

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
            name="InboxMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("connection_id", models.BigIntegerField()),
                ("mode", models.TextField(choices=[("live", "Live"), ("test", "Test")])),
                (
                    "source",
                    models.TextField(
                        choices=[("webhook", "Webhook"), ("poll", "Poll"), ("import", "Import")]
                    ),
                ),
                ("topic", models.TextField()),
                ("headers", models.JSONField(default=dict)),
                ("body", models.BinaryField(null=True)),
                ("size", models.IntegerField()),
                ("fingerprint", models.BinaryField()),
                ("is_hint", models.BooleanField(default=False)),
                (
                    "received_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "db_table": "inbox_message",
                "indexes": [
                    models.Index(fields=["merchant_id", "-id"], name="inbox_message_recent"),
                    models.Index(fields=["connection_id", "-id"], name="inbox_message_connection"),
                ],
            },
        ),
        migrations.CreateModel(
            name="InboxOutcome",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("message_id", models.BigIntegerField()),
                (
                    "outcome",
                    models.TextField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("applied", "Applied"),
                            ("stale", "Stale"),
                            ("ignored", "Ignored"),
                            ("hint", "Hint"),
                            ("parked", "Parked"),
                            ("discarded", "Discarded"),
                            ("ping", "Ping"),
                        ]
                    ),
                ),
                ("reason", models.TextField(default="")),
                ("order_id", models.BigIntegerField(null=True)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "inbox_outcome",
                "indexes": [
                    models.Index(fields=["message_id"], name="inbox_outcome_message"),
                    models.Index(fields=["order_id"], name="inbox_outcome_order"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "outcome__in",
                                [
                                    "waiting",
                                    "applied",
                                    "stale",
                                    "ignored",
                                    "hint",
                                    "parked",
                                    "discarded",
                                    "ping",
                                ],
                            )
                        ),
                        name="inbox_outcome_outcome",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="InboxSeen",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("connection_id", models.BigIntegerField()),
                ("dedupe_hash", models.BinaryField()),
                ("message_id", models.BigIntegerField()),
                (
                    "seen_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("repeats", models.IntegerField(default=0)),
                ("repeated_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "inbox_seen",
                "indexes": [models.Index(fields=["message_id"], name="inbox_seen_message")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connection_id", "dedupe_hash"), name="inbox_seen_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="InboxWork",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("message_id", models.BigIntegerField(unique=True)),
                ("lane", models.TextField(default="live")),
                ("tries", models.IntegerField(default=0)),
                (
                    "due_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("claimed_until", models.DateTimeField(null=True)),
                ("is_parked", models.BooleanField(default=False)),
                ("reason", models.TextField(default="")),
            ],
            options={
                "db_table": "inbox_work",
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_parked", False)),
                        fields=["lane", "due_at"],
                        name="inbox_work_due",
                    ),
                    models.Index(
                        condition=models.Q(("is_parked", True)),
                        fields=["merchant_id", "-id"],
                        name="inbox_work_parked",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Refusal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("connection_id", models.BigIntegerField()),
                ("check_failed", models.TextField()),
                ("expected", models.TextField(default="")),
                ("seen", models.TextField(default="")),
                ("status_code", models.IntegerField()),
                ("headers", models.JSONField(default=dict)),
                ("beginning", models.BinaryField()),
                ("size", models.IntegerField()),
                ("fingerprint", models.BinaryField()),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "inbox_refusal",
                "indexes": [models.Index(fields=["connection_id", "-at"], name="inbox_refusal_at")],
            },
        ),
        ScopeRows("inbox_message"),
        ScopeRows("inbox_outcome"),
        ScopeRows("inbox_seen"),
        ScopeRows("inbox_work"),
        ScopeRows("inbox_refusal"),
        LinkRows("inbox_message", "connection_id", "connections_connection", also=("mode",)),
        LinkRows("inbox_work", "message_id", "inbox_message", on_delete="CASCADE"),
        LinkRows("inbox_outcome", "message_id", "inbox_message", on_delete="CASCADE"),
        LinkRows("inbox_refusal", "connection_id", "connections_connection", on_delete="CASCADE"),
    ]
