"""The one journal: what happened to a merchant's things, who or what caused it, and why."""

from django.db import models

from entrepot.database.rows import MerchantRow


class Event(MerchantRow):
    """One thing that happened; timeline, audit trail and outbox in one row.

    The table is partitioned by month (its key is (id, at)), so the migration writes it and nothing
    may have a foreign key to it. Rows are written by `events.outbox` only and never changed. Ids
    rise within a transaction; between transactions they follow the sequence, not the commits.
    """

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    mode = models.TextField()
    name = models.TextField()
    order_id = models.BigIntegerField(null=True)
    subject_kind = models.TextField()
    subject_id = models.BigIntegerField(null=True)
    actor = models.TextField()
    cause = models.TextField()
    reason = models.TextField()
    data = models.JSONField()

    class Meta:
        managed = False
        db_table = "event"

    def __str__(self) -> str:
        return f"{self.name} #{self.id}"
