"""Addresses that a connection once had, and where a misconfigured one returns to."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from entrepot.database.rows import LinkRows, ScopeRows


class Migration(migrations.Migration):
    dependencies = [("connections", "0001_connections")]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="status_before_fault",
            field=models.TextField(default=""),
        ),
        migrations.CreateModel(
            name="FormerToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("token", models.TextField(unique=True)),
                (
                    "replaced_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="connections.connection",
                    ),
                ),
            ],
            options={"db_table": "connections_former_token"},
        ),
        ScopeRows("connections_former_token"),
        LinkRows(
            "connections_former_token",
            "connection_id",
            "connections_connection",
            on_delete="CASCADE",
        ),
    ]
