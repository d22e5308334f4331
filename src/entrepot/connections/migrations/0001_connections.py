"""The first tables of connections."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from entrepot.database.rows import LinkRows, ScopeRows


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("access", "0001_access"),
    ]

    operations = [
        migrations.CreateModel(
            name="CallRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("connection_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("method", models.TextField()),
                ("url", models.TextField()),
                ("status_code", models.IntegerField(null=True)),
                ("outcome", models.TextField()),
                ("duration_ms", models.IntegerField()),
                ("request_id", models.TextField(default="")),
                ("sent", models.TextField(default="")),
                ("answered", models.TextField(default="")),
                ("cause", models.TextField(default="")),
            ],
            options={
                "db_table": "connections_call_record",
                "indexes": [
                    models.Index(fields=["connection_id", "-at"], name="connections_call_at"),
                    models.Index(fields=["cause"], name="connections_call_cause"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Connection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("platform", models.TextField()),
                ("mode", models.TextField(choices=[("live", "Live"), ("test", "Test")])),
                ("name", models.TextField()),
                ("code", models.TextField()),
                ("account", models.TextField(default="")),
                ("token", models.TextField(unique=True)),
                (
                    "status",
                    models.TextField(
                        choices=[
                            ("observing", "Observing"),
                            ("live", "Live"),
                            ("paused", "Paused"),
                            ("misconfigured", "Misconfigured"),
                            ("archived", "Archived"),
                        ],
                        default="observing",
                    ),
                ),
                ("status_reason", models.TextField(default="")),
                ("settings", models.JSONField(default=dict)),
                ("policy", models.JSONField(default=dict)),
                ("settings_version", models.IntegerField(default=1)),
                ("live_since", models.DateTimeField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("last_ping_at", models.DateTimeField(null=True)),
                ("last_useful_at", models.DateTimeField(null=True)),
                ("last_useful_topic", models.TextField(default="")),
                ("refused_in_a_row", models.IntegerField(default=0)),
            ],
            options={
                "db_table": "connections_connection",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("account", ""), _negated=True),
                        fields=("merchant_id", "platform", "mode", "account"),
                        name="connections_connection_account_key",
                    ),
                    models.UniqueConstraint(
                        fields=("merchant_id", "code"), name="connections_connection_code_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                ["observing", "live", "paused", "misconfigured", "archived"],
                            )
                        ),
                        name="connections_connection_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["live", "test"])),
                        name="connections_connection_mode",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CircuitBreaker",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                (
                    "window_started_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("calls", models.IntegerField(default=0)),
                ("failures", models.IntegerField(default=0)),
                ("failures_in_a_row", models.IntegerField(default=0)),
                ("opened_at", models.DateTimeField(null=True)),
                ("probe_at", models.DateTimeField(null=True)),
                (
                    "connection",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="connections.connection",
                    ),
                ),
            ],
            options={
                "db_table": "connections_circuit_breaker",
            },
        ),
        migrations.CreateModel(
            name="EffectPause",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("mode", models.TextField(choices=[("live", "Live"), ("test", "Test")])),
                ("connection_id", models.BigIntegerField(null=True)),
                (
                    "flow",
                    models.TextField(
                        blank=True,
                        choices=[
                            ("submissions", "Submissions"),
                            ("refunds", "Refunds"),
                            ("mails", "Mails"),
                            ("write_backs", "Write Backs"),
                        ],
                        default="",
                    ),
                ),
                ("reason", models.TextField()),
                ("is_fuse", models.BooleanField(default=False)),
                (
                    "paused_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("paused_by", models.TextField()),
                ("resumed_at", models.DateTimeField(null=True)),
                ("resumed_by", models.TextField(default="")),
            ],
            options={
                "db_table": "connections_effect_pause",
                "indexes": [
                    models.Index(
                        condition=models.Q(("resumed_at__isnull", True)),
                        fields=["merchant_id"],
                        name="connections_pause_open",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoryImport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("flow", models.TextField()),
                ("since", models.DateTimeField(null=True)),
                ("position", models.TextField(default="")),
                ("done", models.IntegerField(default=0)),
                ("total", models.IntegerField(null=True)),
                (
                    "started_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                ("last_error", models.TextField(default="")),
                (
                    "connection",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="connections.connection",
                    ),
                ),
            ],
            options={
                "db_table": "connections_history_import",
            },
        ),
        migrations.CreateModel(
            name="RateBudget",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("tokens", models.FloatField()),
                (
                    "refilled_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("blocked_until", models.DateTimeField(null=True)),
                (
                    "connection",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="connections.connection",
                    ),
                ),
            ],
            options={
                "db_table": "connections_rate_budget",
            },
        ),
        migrations.CreateModel(
            name="Credential",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("name", models.TextField()),
                ("sealed", models.BinaryField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("expires_at", models.DateTimeField(null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="connections.connection",
                    ),
                ),
            ],
            options={
                "db_table": "connections_credential",
                "indexes": [
                    models.Index(fields=["connection", "name"], name="connections_credential_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="Cursor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("flow", models.TextField()),
                ("position", models.TextField(default="")),
                ("read_until", models.DateTimeField(null=True)),
                ("polled_at", models.DateTimeField(null=True)),
                ("next_poll_at", models.DateTimeField(null=True)),
                ("failed_in_a_row", models.IntegerField(default=0)),
                ("last_error", models.TextField(default="")),
                (
                    "connection",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="connections.connection",
                    ),
                ),
            ],
            options={
                "db_table": "connections_cursor",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connection", "flow"), name="connections_cursor_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookRegistration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("external_id", models.TextField()),
                ("url", models.TextField()),
                (
                    "topics",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("checked_at", models.DateTimeField(null=True)),
                ("repaired_at", models.DateTimeField(null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="connections.connection",
                    ),
                ),
            ],
            options={
                "db_table": "connections_webhook_registration",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connection", "external_id"), name="connections_registration_key"
                    )
                ],
            },
        ),
        ScopeRows("connections_call_record"),
        ScopeRows("connections_connection"),
        ScopeRows("connections_circuit_breaker"),
        ScopeRows("connections_effect_pause"),
        ScopeRows("connections_history_import"),
        ScopeRows("connections_rate_budget"),
        ScopeRows("connections_credential"),
        ScopeRows("connections_cursor"),
        ScopeRows("connections_webhook_registration"),
        LinkRows(
            "connections_credential", "connection_id", "connections_connection", on_delete="CASCADE"
        ),
        LinkRows(
            "connections_cursor", "connection_id", "connections_connection", on_delete="CASCADE"
        ),
        LinkRows(
            "connections_history_import",
            "connection_id",
            "connections_connection",
            on_delete="CASCADE",
        ),
        LinkRows(
            "connections_webhook_registration",
            "connection_id",
            "connections_connection",
            on_delete="CASCADE",
        ),
        LinkRows(
            "connections_rate_budget",
            "connection_id",
            "connections_connection",
            on_delete="CASCADE",
        ),
        LinkRows(
            "connections_circuit_breaker",
            "connection_id",
            "connections_connection",
            on_delete="CASCADE",
        ),
        LinkRows(
            "connections_effect_pause",
            "connection_id",
            "connections_connection",
            on_delete="CASCADE",
            also=("mode",),
        ),
    ]
