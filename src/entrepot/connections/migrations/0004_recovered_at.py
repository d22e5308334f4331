"""When a ping last ended a fault; a call that is refused soon after was not what it proved."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0003_webhooks_leased")]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="recovered_at",
            field=models.DateTimeField(null=True),
        ),
    ]
