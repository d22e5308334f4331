"""Parcels that have not ended, for what is delayed."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index made beside running work cannot be made in a transaction
    dependencies = [("fulfillment", "0004_quotes")]

    operations = [
        AddIndexConcurrently(
            model_name="parcel",
            index=models.Index(
                condition=models.Q(
                    ("status__in", ["delivered", "presumed_delivered", "returned", "voided"]),
                    _negated=True,
                ),
                fields=["merchant_id", "order_id"],
                name="fulfillment_parcel_open",
            ),
        ),
    ]
