"""Let an alert say whose it is: the connection, and its mode."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0002_installation_database"),
    ]

    operations = [
        migrations.AddField(
            model_name="alert",
            name="connection_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="alert",
            name="mode",
            field=models.TextField(
                choices=[("live", "Live"), ("test", "Test")], db_default="live", default="live"
            ),
        ),
    ]
