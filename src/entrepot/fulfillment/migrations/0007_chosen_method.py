"""By which shipping method a person wants a share to go, and which one its provider refused."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("fulfillment", "0006_quoted_place")]

    operations = [
        migrations.AddField(
            model_name="fulfillmentorder",
            name="chosen_method",
            field=models.TextField(default="", db_default=""),
        ),
        migrations.AddField(
            model_name="fulfillmentorder",
            name="refused_method",
            field=models.TextField(default="", db_default=""),
        ),
    ]
