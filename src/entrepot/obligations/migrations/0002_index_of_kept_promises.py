"""Kept promises with their deadlines, counted without their table."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index made beside running work cannot be made in a transaction
    dependencies = [("obligations", "0001_obligations")]

    operations = [
        AddIndexConcurrently(
            model_name="obligation",
            index=models.Index(
                condition=models.Q(("end", "met")),
                fields=["merchant_id", "mode", "ended_at"],
                include=["due_at"],
                name="obligations_met_in_time",
            ),
        ),
        RemoveIndexConcurrently(model_name="obligation", name="obligations_met"),
    ]
