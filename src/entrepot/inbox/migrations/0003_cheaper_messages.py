"""Drop what every message pays for and nothing needs.

The index says what the unique constraint on (merchant_id, id) says already. The links: work and
outcome are written by statements that read or write their message, merchant included, and a
message is never deleted; checking each row again took four fifths of the time of ending a message.
"""

from django.db import migrations

_LINK = """
    ALTER TABLE {table} ADD CONSTRAINT {table}_message_id_link
        FOREIGN KEY (merchant_id, message_id) REFERENCES inbox_message (merchant_id, id)
        ON DELETE CASCADE
"""


def _without_link(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_message_id_link", _LINK.format(table=table)
    )


class Migration(migrations.Migration):
    dependencies = [("inbox", "0002_indexes_of_views")]

    operations = [
        migrations.RemoveIndex(model_name="inboxmessage", name="inbox_message_recent"),
        _without_link("inbox_work"),
        _without_link("inbox_outcome"),
    ]
