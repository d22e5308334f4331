"""Customers have rates of their own, in the table of the rates of keys."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0001_api"),
    ]

    operations = [
        migrations.AddField(
            model_name="ratebucket",
            name="customer",
            field=models.TextField(db_default="", default=""),
        ),
        migrations.AlterField(
            model_name="ratebucket",
            name="api_key_id",
            field=models.BigIntegerField(null=True, unique=True),
        ),
        migrations.AddConstraint(
            model_name="ratebucket",
            constraint=models.UniqueConstraint(
                condition=models.Q(("customer", ""), _negated=True),
                fields=("merchant_id", "customer"),
                name="api_rate_bucket_customer",
            ),
        ),
        migrations.AddConstraint(
            model_name="ratebucket",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("api_key_id__isnull", True), ("customer", ""), _connector="XOR"
                ),
                name="api_rate_bucket_of_one",
            ),
        ),
    ]
