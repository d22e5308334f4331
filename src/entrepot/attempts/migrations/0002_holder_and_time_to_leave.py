"""Who holds an attempt's lease, and until when its call may leave."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("attempts", "0001_attempts"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="holder",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="attempt",
            name="may_leave_until",
            field=models.DateTimeField(null=True),
        ),
    ]
