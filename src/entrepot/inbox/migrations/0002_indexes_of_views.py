"""Messages that ended otherwise than applied, and those that came again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index made beside running work cannot be made in a transaction
    dependencies = [("inbox", "0001_inbox")]

    operations = [
        AddIndexConcurrently(
            model_name="inboxoutcome",
            index=models.Index(
                condition=models.Q(("outcome", "applied"), _negated=True),
                fields=["merchant_id", "outcome", "-message_id"],
                name="inbox_outcome_unusual",
            ),
        ),
        AddIndexConcurrently(
            model_name="inboxseen",
            index=models.Index(
                condition=models.Q(("repeats__gt", 0)),
                fields=["merchant_id", "-message_id"],
                name="inbox_seen_repeated",
            ),
        ),
    ]
