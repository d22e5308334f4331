"""What lists and the home page ask for beside the newest orders."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index made beside running work cannot be made in a transaction
    dependencies = [("orders", "0001_orders")]

    operations = [
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                fields=["merchant_id", "mode", "first_seen_at"], name="orders_first_seen"
            ),
        ),
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                fields=["merchant_id", "mode", "currency", "-placed_at", "-id"],
                name="orders_currency",
            ),
        ),
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                condition=models.Q(
                    (
                        "payment_status__in",
                        (
                            "not_required",
                            "pending",
                            "authorized",
                            "partially_paid",
                            "partially_refunded",
                            "refunded",
                        ),
                    )
                ),
                fields=["merchant_id", "mode", "payment_status", "-placed_at", "-id"],
                name="orders_unusual_payment",
            ),
        ),
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                condition=models.Q(
                    ("fulfillment_status__in", ("not_required", "partially_shipped"))
                ),
                fields=["merchant_id", "mode", "fulfillment_status", "-placed_at", "-id"],
                name="orders_unusual_fulfillment",
            ),
        ),
    ]
