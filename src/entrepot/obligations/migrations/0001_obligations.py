"""The first tables of obligations."""

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
            name="DeadlineRule",
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
                            ("submit", "Submit"),
                            ("write_back", "Write Back"),
                            ("tell_customer", "Tell Customer"),
                            ("ship", "Ship"),
                            ("deliver", "Deliver"),
                            ("refund", "Refund"),
                            ("resolve", "Resolve"),
                            ("cancel", "Cancel"),
                        ]
                    ),
                ),
                ("seconds", models.IntegerField()),
            ],
            options={
                "db_table": "obligations_deadline_rule",
                "verbose_name": "deadline",
                "verbose_name_plural": "deadlines",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "kind"), name="obligations_deadline_rule_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Obligation",
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
                            ("write_back", "Write Back"),
                            ("tell_customer", "Tell Customer"),
                            ("ship", "Ship"),
                            ("deliver", "Deliver"),
                            ("refund", "Refund"),
                            ("resolve", "Resolve"),
                            ("cancel", "Cancel"),
                        ]
                    ),
                ),
                ("order_id", models.BigIntegerField(null=True)),
                ("subject_kind", models.TextField()),
                ("subject_id", models.BigIntegerField()),
                (
                    "opened_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("due_at", models.DateTimeField()),
                ("cause", models.TextField(default="")),
                (
                    "end",
                    models.TextField(
                        blank=True,
                        choices=[("met", "Met"), ("waived", "Waived"), ("void", "Void")],
                        default="",
                    ),
                ),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by", models.TextField(default="")),
                ("reason", models.TextField(default="")),
                ("overdue_told_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "obligations_obligation",
                "indexes": [
                    models.Index(
                        condition=models.Q(("end", "")),
                        fields=["merchant_id", "mode", "due_at"],
                        name="obligations_due",
                    ),
                    models.Index(fields=["order_id"], name="obligations_order"),
                    models.Index(
                        condition=models.Q(("end", "met")),
                        fields=["merchant_id", "mode", "ended_at"],
                        name="obligations_met",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("end", "")),
                        fields=("merchant_id", "kind", "subject_kind", "subject_id"),
                        name="obligations_open_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "submit",
                                    "write_back",
                                    "tell_customer",
                                    "ship",
                                    "deliver",
                                    "refund",
                                    "resolve",
                                    "cancel",
                                ],
                            )
                        ),
                        name="obligations_obligation_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("end__in", ["", "met", "waived", "void"])),
                        name="obligations_obligation_end",
                    ),
                ],
            },
        ),
        ScopeRows("obligations_deadline_rule"),
        ScopeRows("obligations_obligation"),
    ]
