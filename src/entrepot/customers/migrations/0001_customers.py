"""The first tables of customers."""

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
            name="Customer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("identity", models.TextField()),
                ("email_sealed", models.BinaryField(default=bytes)),
                ("email_hash", models.TextField(default="", db_default="")),
                ("name", models.TextField(default="", db_default="")),
                ("phone", models.TextField(default="", db_default="")),
                ("company", models.TextField(default="", db_default="")),
                ("language", models.TextField(default="", db_default="")),
                ("accepts_marketing", models.BooleanField(null=True)),
                (
                    "first_seen_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("erased_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "customers_customer",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "identity"), name="customers_customer_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PostalAddress",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("content_hash", models.TextField()),
                ("name", models.TextField(default="", db_default="")),
                ("company", models.TextField(default="", db_default="")),
                ("line1", models.TextField(default="", db_default="")),
                ("line2", models.TextField(default="", db_default="")),
                ("city", models.TextField(default="", db_default="")),
                ("region", models.TextField(default="", db_default="")),
                ("postal_code", models.TextField(default="", db_default="")),
                ("country", models.TextField(default="", db_default="")),
                ("phone", models.TextField(default="", db_default="")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "db_table": "customers_postal_address",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "content_hash"), name="customers_postal_address_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("country__regex", "^([A-Z]{2})?$")),
                        name="customers_postal_address_country",
                    ),
                ],
            },
        ),
        ScopeRows("customers_customer"),
        ScopeRows("customers_postal_address"),
    ]
