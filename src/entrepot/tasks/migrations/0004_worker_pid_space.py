"""A worker says where its process id means something, so that its neighbours see when it is gone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0003_turns_of_merchants")]

    operations = [
        migrations.AddField(
            model_name="worker",
            name="pid_space",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
    ]
