"""For which country a share was priced."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("fulfillment", "0005_index_of_open_parcels")]

    operations = [
        migrations.AddField(
            model_name="fulfillmentorder",
            name="quoted_place",
            field=models.TextField(default="", db_default=""),
        ),
    ]
