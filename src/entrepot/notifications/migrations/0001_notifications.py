"""The first tables of notifications."""

import django.contrib.postgres.fields
import django.db.models.deletion
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
            name="Mail",
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
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("confirmation", "Confirmation"),
                            ("shipped", "Shipped"),
                            ("partly_shipped", "Partly Shipped"),
                            ("delivered", "Delivered"),
                            ("exception", "Exception"),
                            ("cancelled", "Cancelled"),
                            ("refunded", "Refunded"),
                        ]
                    ),
                ),
                ("fact", models.TextField()),
                (
                    "facts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                (
                    "status",
                    models.TextField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("sent", "Sent"),
                            ("delivered", "Delivered"),
                            ("bounced", "Bounced"),
                            ("refused", "Refused"),
                            ("unknown", "Unknown"),
                            ("skipped", "Skipped"),
                        ],
                        default="waiting",
                    ),
                ),
                ("reason", models.TextField(default="")),
                ("language", models.TextField(default="")),
                ("recipient_sealed", models.BinaryField(default=bytes)),
                ("subject", models.TextField(default="")),
                ("html", models.TextField(default="")),
                ("text", models.TextField(default="")),
                ("message_id", models.TextField(default="")),
                ("esp_message_id", models.TextField(default="")),
                (
                    "send_after",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("sent_at", models.DateTimeField(null=True)),
                ("resends_id", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "notifications_mail",
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "waiting")),
                        fields=["send_after"],
                        name="notifications_mail_due",
                    ),
                    models.Index(
                        fields=["merchant_id", "mode", "-id"], name="notifications_mail_recent"
                    ),
                    models.Index(fields=["esp_message_id"], name="notifications_mail_esp"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("order_id", "kind", "fact"), name="notifications_mail_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "waiting",
                                    "sent",
                                    "delivered",
                                    "bounced",
                                    "refused",
                                    "unknown",
                                    "skipped",
                                ],
                            )
                        ),
                        name="notifications_mail_status",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("mode", models.TextField(choices=[("live", "Live"), ("test", "Test")])),
                ("order_id", models.BigIntegerField(null=True)),
                ("customer_id", models.BigIntegerField(null=True)),
                ("kind", models.TextField()),
                ("fact", models.TextField()),
                ("title", models.TextField()),
                ("message", models.TextField()),
                ("link", models.TextField(default="")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("read_at", models.DateTimeField(null=True)),
                ("removed_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "notifications_notification",
                "indexes": [
                    models.Index(
                        condition=models.Q(("removed_at__isnull", True)),
                        fields=["customer_id", "-id"],
                        name="notifications_of_customer",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "order_id", "kind", "fact", "customer_id"),
                        name="notifications_notification_key",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SandboxMail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("recipient", models.TextField()),
                ("sender", models.TextField()),
                ("subject", models.TextField()),
                ("html", models.TextField(default="")),
                ("text", models.TextField(default="")),
                ("message_id", models.TextField(default="")),
                ("headers", models.JSONField(default=dict)),
                (
                    "received_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "db_table": "notifications_sandbox_mail",
                "indexes": [
                    models.Index(fields=["merchant_id", "-id"], name="notifications_sandbox_recent")
                ],
            },
        ),
        migrations.CreateModel(
            name="SenderChoice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("storefront_id", models.BigIntegerField()),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("confirmation", "Confirmation"),
                            ("shipped", "Shipped"),
                            ("partly_shipped", "Partly Shipped"),
                            ("delivered", "Delivered"),
                            ("exception", "Exception"),
                            ("cancelled", "Cancelled"),
                            ("refunded", "Refunded"),
                        ]
                    ),
                ),
                (
                    "sender",
                    models.TextField(
                        choices=[("hub", "Hub"), ("shop", "Shop"), ("nobody", "Nobody")]
                    ),
                ),
            ],
            options={
                "db_table": "notifications_sender_choice",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("storefront_id", "kind"), name="notifications_sender_choice_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StoreVoice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("storefront_id", models.BigIntegerField(unique=True)),
                ("sender_name", models.TextField()),
                ("sender_email", models.TextField()),
                ("reply_to", models.TextField(blank=True, default="")),
                ("logo_url", models.TextField(blank=True, default="")),
                ("color", models.TextField(default="#0a626d")),
                ("language", models.TextField(default="en")),
                ("shop_url", models.TextField(blank=True, default="")),
                ("footer", models.TextField(blank=True, default="")),
            ],
            options={
                "db_table": "notifications_store_voice",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("color__regex", "^#[0-9a-f]{6}$")),
                        name="notifications_voice_color",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Template",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("storefront_id", models.BigIntegerField(default=0)),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("confirmation", "Confirmation"),
                            ("shipped", "Shipped"),
                            ("partly_shipped", "Partly Shipped"),
                            ("delivered", "Delivered"),
                            ("exception", "Exception"),
                            ("cancelled", "Cancelled"),
                            ("refunded", "Refunded"),
                        ]
                    ),
                ),
                ("language", models.TextField()),
                ("subject", models.TextField()),
                ("html", models.TextField()),
                ("text", models.TextField()),
                ("version", models.IntegerField(default=1)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "notifications_template",
                "verbose_name": "mail template",
                "verbose_name_plural": "mail templates",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "storefront_id", "kind", "language"),
                        name="notifications_template_key",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MailEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("event_id", models.TextField()),
                ("kind", models.TextField()),
                ("detail", models.TextField(default="")),
                ("happened_at", models.DateTimeField()),
                (
                    "mail",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="notifications.mail",
                    ),
                ),
            ],
            options={
                "db_table": "notifications_mail_event",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("mail", "event_id"), name="notifications_mail_event_key"
                    )
                ],
            },
        ),
        ScopeRows("notifications_mail"),
        ScopeRows("notifications_notification"),
        ScopeRows("notifications_sandbox_mail"),
        ScopeRows("notifications_sender_choice"),
        ScopeRows("notifications_store_voice"),
        ScopeRows("notifications_template"),
        ScopeRows("notifications_mail_event"),
        LinkRows(
            "notifications_store_voice",
            "storefront_id",
            "connections_connection",
            on_delete="CASCADE",
        ),
        LinkRows(
            "notifications_sender_choice",
            "storefront_id",
            "connections_connection",
            on_delete="CASCADE",
        ),
        LinkRows("notifications_mail", "order_id", "orders_order", also=("mode",)),
        LinkRows("notifications_mail_event", "mail_id", "notifications_mail", on_delete="CASCADE"),
        LinkRows(
            "notifications_notification", "customer_id", "customers_customer", on_delete="CASCADE"
        ),
    ]
