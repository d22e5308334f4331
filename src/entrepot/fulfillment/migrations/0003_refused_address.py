"""Where a provider would not send a share instead."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("fulfillment", "0002_what_was_planned")]

    operations = [
        migrations.AddField(
            model_name="fulfillmentorder",
            name="refused_address_id",
            field=models.BigIntegerField(null=True),
        ),
    ]
