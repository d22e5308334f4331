"""How often a print file was asked for in vain."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_catalog")]

    operations = [
        migrations.AddField(
            model_name="asset", name="tries", field=models.IntegerField(default=0, db_default=0)
        ),
    ]
