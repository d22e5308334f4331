"""Intended effects outside, one row each, with the lease that fences them."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from entrepot.attempts.states import LIVE, Kind, Status
from entrepot.database.rows import MerchantRow, Mode
from entrepot.database.saving import SavingManager


class Attempt(MerchantRow):
    """One intended effect.

    `reference` is what the other side sees; it derives from the sale and holds the generation.
    `token` rises with every lease; only its holder may write. `holder` is the worker that has it,
    None for a process that is none. Until `may_leave_until` the bytes of a call may leave, whoever
    took the attempt over meanwhile. `fingerprint` is of the content.
    `asked` counts look-ups of an unknown attempt, `first_empty_at` and `last_empty_at` the instants
    of those that found nothing. `request` and `outcome` are plain values without personal data.
    """

    mode = models.TextField(choices=Mode)
    kind = models.TextField(choices=Kind)
    connection_id = models.BigIntegerField(null=True)
    order_id = models.BigIntegerField(null=True)
    subject_kind = models.TextField()
    subject_id = models.BigIntegerField()
    reference = models.TextField()
    generation = models.IntegerField(default=1, db_default=1)
    idempotency_key = models.TextField()
    fingerprint = models.TextField(default="", db_default="")
    status = models.TextField(choices=Status, default=Status.INTENDED)
    token = models.BigIntegerField(default=1, db_default=1)
    leased_until = models.DateTimeField(null=True)
    holder = models.UUIDField(null=True)
    may_leave_until = models.DateTimeField(null=True)
    calls = models.IntegerField(default=0, db_default=0)
    asked = models.IntegerField(default=0, db_default=0)
    next_ask_at = models.DateTimeField(null=True)
    first_empty_at = models.DateTimeField(null=True)
    last_empty_at = models.DateTimeField(null=True)
    needs_person = models.BooleanField(default=False, db_default=False)
    request = models.JSONField(default=dict)
    outcome = models.JSONField(default=dict)
    message = models.TextField(default="", db_default="")
    intended_at = models.DateTimeField(db_default=Now())
    called_at = models.DateTimeField(null=True)
    unknown_since = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects: ClassVar = SavingManager["Attempt"]()

    class Meta:
        db_table = "attempts_attempt"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "mode", "kind", "connection_id", "reference"],
                name="attempts_attempt_reference_key",
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                fields=["merchant_id", "kind", "subject_kind", "subject_id"],
                condition=Q(status__in=LIVE),
                name="attempts_attempt_live_key",
            ),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="attempts_attempt_status"
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="attempts_attempt_kind"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["order_id"], name="attempts_attempt_order"),
            models.Index(
                fields=["subject_kind", "subject_id", "kind"], name="attempts_attempt_subject"
            ),
            models.Index(
                fields=["next_ask_at"],
                condition=Q(status="unknown"),
                name="attempts_attempt_unknown",
            ),
            models.Index(
                fields=["leased_until"],
                condition=Q(status__in=["intended", "calling"]),
                name="attempts_attempt_leased",
            ),
            models.Index(
                fields=["merchant_id", "mode", "kind", "intended_at"],
                name="attempts_attempt_rate",
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.id} to {self.kind} ({self.reference})"
