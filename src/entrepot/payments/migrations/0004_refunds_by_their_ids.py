"""Let a refund's identifier lead to its order: an index of refunds only, of which there are few."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index made beside running work cannot be made in a transaction
    dependencies = [("payments", "0003_captures_and_voids")]

    operations = [
        AddIndexConcurrently(
            model_name="paymententry",
            index=models.Index(
                fields=["merchant_id", "external_id"],
                condition=models.Q(("kind__in", ["refund_pending", "refunded", "refund_failed"])),
                name="payments_entry_refund",
            ),
        ),
    ]
