"""What a share was planned from, where it was sent, and what it was said to cost."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("fulfillment", "0001_fulfillment")]

    operations = [
        migrations.AddField(
            model_name="fulfillmentorder",
            name="planned_content",
            field=models.TextField(default="", db_default=""),
        ),
        migrations.AddField(
            model_name="fulfillmentorder",
            name="quoted_cost",
            field=models.DecimalField(max_digits=18, decimal_places=4, null=True),
        ),
        migrations.AddField(
            model_name="fulfillmentorder",
            name="quote_currency",
            field=models.TextField(default="", db_default=""),
        ),
        migrations.AddField(
            model_name="fulfillmentorder",
            name="quoted_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="fulfillmentorder",
            name="sent_address_id",
            field=models.BigIntegerField(null=True),
        ),
    ]
