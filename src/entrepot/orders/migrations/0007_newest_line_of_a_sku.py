"""The newest line of a SKU is found without looking at all of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0006_erased_customers")]

    operations = [
        migrations.RemoveIndex(model_name="line", name="orders_line_sku"),
        migrations.AddIndex(
            model_name="line",
            index=models.Index(fields=["merchant_id", "sku", "id"], name="orders_line_sku"),
        ),
    ]
