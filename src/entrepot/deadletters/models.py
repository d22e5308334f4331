"""Work of ours that gave up: cause, payload, and what was done about it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from entrepot.database.rows import MerchantRow
from entrepot.deadletters.states import Status


class DeadLetter(MerchantRow):
    """One run of a task that will not be tried again by itself.

    `arguments` are the job's own (ids and plain values). `fingerprint` groups letters of one cause.
    """

    task = models.TextField()
    arguments = models.JSONField()
    order_id = models.BigIntegerField(null=True)
    error = models.TextField()
    detail = models.TextField(default="")
    fingerprint = models.TextField()
    tries = models.IntegerField()
    is_quarantined = models.BooleanField(default=False)
    buried_at = models.DateTimeField(db_default=Now())
    status = models.TextField(choices=Status, default=Status.WAITING)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(default="")
    reason = models.TextField(default="")

    class Meta:
        db_table = "deadletters_dead_letter"
        indexes: ClassVar = [
            models.Index(
                fields=["merchant_id", "-buried_at"],
                condition=Q(status="waiting"),
                name="deadletters_waiting",
            ),
            models.Index(fields=["order_id"], name="deadletters_order"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="deadletters_dead_letter_status"
            ),
        ]

    def __str__(self) -> str:
        return f"dead letter {self.id}"
