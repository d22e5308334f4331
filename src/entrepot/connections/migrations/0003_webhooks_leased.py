"""One worker at a time looks at the webhooks of a connection."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0002_former_tokens")]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="webhooks_leased_until",
            field=models.DateTimeField(null=True),
        ),
    ]
