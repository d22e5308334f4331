"""Let the index of unmatched entries serve every order that comes in, dismissed entries included."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index made beside running work cannot be made in a transaction
    dependencies = [("payments", "0001_payments")]

    operations = [
        RemoveIndexConcurrently(model_name="paymententry", name="payments_entry_unmatched"),
        AddIndexConcurrently(
            model_name="paymententry",
            index=models.Index(
                fields=["merchant_id", "mode", "-id"],
                condition=models.Q(("order_id__isnull", True)),
                name="payments_entry_unmatched",
            ),
        ),
    ]
