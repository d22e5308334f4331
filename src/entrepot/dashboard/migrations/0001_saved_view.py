"""Views that people save."""

import django.db.models.functions.datetime
from django.db import migrations, models

from entrepot.database.rows import ScopeRows


class Migration(migrations.Migration):
    initial = True

    dependencies = [("access", "0001_access")]

    operations = [
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("user_id", models.BigIntegerField()),
                ("name", models.TextField()),
                ("query", models.TextField()),
                ("is_shared", models.BooleanField(default=False)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "db_table": "dashboard_saved_view",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "user_id", "name"), name="dashboard_saved_view_key"
                    )
                ],
            },
        ),
        ScopeRows("dashboard_saved_view"),
    ]
