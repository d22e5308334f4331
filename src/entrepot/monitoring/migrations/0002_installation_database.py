"""The installation remembers the database server that it lives in."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0001_monitoring"),
    ]

    operations = [
        migrations.AddField(
            model_name="installation",
            name="database",
            field=models.TextField(default=""),
        ),
    ]
