"""The first tables of attempts."""

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
            name="Attempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("mode", models.TextField(choices=[("live", "Live"), ("test", "Test")])),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("submit", "Submit"),
                            ("cancel", "Cancel"),
                            ("change_recipient", "Change Recipient"),
                            ("refund", "Refund"),
                            ("capture", "Capture"),
                            ("write_back", "Write Back"),
                            ("mail", "Mail"),
                        ]
                    ),
                ),
                ("connection_id", models.BigIntegerField(null=True)),
                ("order_id", models.BigIntegerField(null=True)),
                ("subject_kind", models.TextField()),
                ("subject_id", models.BigIntegerField()),
                ("reference", models.TextField()),
                ("generation", models.IntegerField(default=1, db_default=1)),
                ("idempotency_key", models.TextField()),
                ("fingerprint", models.TextField(default="", db_default="")),
                (
                    "status",
                    models.TextField(
                        choices=[
                            ("intended", "Intended"),
                            ("calling", "Calling"),
                            ("accepted", "Accepted"),
                            ("rejected", "Rejected"),
                            ("not_sent", "Not Sent"),
                            ("unknown", "Unknown"),
                        ],
                        default="intended",
                    ),
                ),
                ("token", models.BigIntegerField(default=1, db_default=1)),
                ("leased_until", models.DateTimeField(null=True)),
                ("calls", models.IntegerField(default=0, db_default=0)),
                ("asked", models.IntegerField(default=0, db_default=0)),
                ("next_ask_at", models.DateTimeField(null=True)),
                ("first_empty_at", models.DateTimeField(null=True)),
                ("last_empty_at", models.DateTimeField(null=True)),
                ("needs_person", models.BooleanField(default=False, db_default=False)),
                ("request", models.JSONField(default=dict)),
                ("outcome", models.JSONField(default=dict)),
                ("message", models.TextField(default="", db_default="")),
                (
                    "intended_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("called_at", models.DateTimeField(null=True)),
                ("unknown_since", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "attempts_attempt",
                "indexes": [
                    models.Index(fields=["order_id"], name="attempts_attempt_order"),
                    models.Index(
                        fields=["subject_kind", "subject_id", "kind"],
                        name="attempts_attempt_subject",
                    ),
                    models.Index(
                        condition=models.Q(("status", "unknown")),
                        fields=["next_ask_at"],
                        name="attempts_attempt_unknown",
                    ),
                    models.Index(
                        condition=models.Q(("status__in", ["intended", "calling"])),
                        fields=["leased_until"],
                        name="attempts_attempt_leased",
                    ),
                    models.Index(
                        fields=["merchant_id", "mode", "kind", "intended_at"],
                        name="attempts_attempt_rate",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "mode", "kind", "connection_id", "reference"),
                        name="attempts_attempt_reference_key",
                        nulls_distinct=False,
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ("intended", "calling", "unknown"))),
                        fields=("merchant_id", "kind", "subject_kind", "subject_id"),
                        name="attempts_attempt_live_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "intended",
                                    "calling",
                                    "accepted",
                                    "rejected",
                                    "not_sent",
                                    "unknown",
                                ],
                            )
                        ),
                        name="attempts_attempt_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "submit",
                                    "cancel",
                                    "change_recipient",
                                    "refund",
                                    "capture",
                                    "write_back",
                                    "mail",
                                ],
                            )
                        ),
                        name="attempts_attempt_kind",
                    ),
                ],
            },
        ),
        ScopeRows("attempts_attempt"),
        LinkRows("attempts_attempt", "connection_id", "connections_connection", also=("mode",)),
    ]
