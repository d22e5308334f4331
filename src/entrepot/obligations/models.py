"""Promises with deadlines: opened by one fact, met by another, overdue on screen until then."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from entrepot.database.rows import MerchantRow, Mode
from entrepot.obligations.states import End, Kind


class Obligation(MerchantRow):
    """One promise. `subject` names what it is about; one open promise per kind and subject."""

    mode = models.TextField(choices=Mode)
    kind = models.TextField(choices=Kind)
    order_id = models.BigIntegerField(null=True)
    subject_kind = models.TextField()
    subject_id = models.BigIntegerField()
    opened_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField()
    cause = models.TextField(default="")
    end = models.TextField(choices=End, default="", blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(default="")
    reason = models.TextField(default="")
    overdue_told_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "obligations_obligation"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "kind", "subject_kind", "subject_id"],
                condition=Q(end=""),
                name="obligations_open_key",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=Kind.values), name="obligations_obligation_kind"
            ),
            models.CheckConstraint(
                condition=Q(end__in=["", *End.values]), name="obligations_obligation_end"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["merchant_id", "mode", "due_at"],
                condition=Q(end=""),
                name="obligations_due",
            ),
            models.Index(fields=["order_id"], name="obligations_order"),
            models.Index(
                fields=["merchant_id", "mode", "ended_at"],
                include=["due_at"],
                condition=Q(end="met"),
                name="obligations_met_in_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject_kind} {self.subject_id}"


class DeadlineRule(MerchantRow):
    """How long a merchant allows for a kind of promise, in seconds. Absent: the default."""

    kind = models.TextField(choices=Kind)
    seconds = models.IntegerField()

    class Meta:
        db_table = "obligations_deadline_rule"
        verbose_name, verbose_name_plural = "deadline", "deadlines"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "kind"], name="obligations_deadline_rule_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} within {self.seconds} s"
