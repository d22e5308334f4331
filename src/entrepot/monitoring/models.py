"""Alerts, the identity of this installation, and rollups that pages read instead of counting."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from entrepot.database.rows import MerchantRow, Mode


class Alert(MerchantRow):
    """Something that a person should know, once per cause, until it has recovered."""

    mode = models.TextField(choices=Mode, default=Mode.LIVE, db_default=Mode.LIVE.value)
    connection_id = models.BigIntegerField(null=True)
    kind = models.TextField()
    cause = models.TextField()
    title = models.TextField()
    detail = models.TextField(default="")
    count = models.IntegerField(default=1)
    raised_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    told_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.TextField(default="")
    recovered_at = models.DateTimeField(null=True)
    recovery_told_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "monitoring_alert"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "kind", "cause"],
                condition=Q(recovered_at__isnull=True),
                name="monitoring_alert_open_key",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Installation(models.Model):
    """Who this database belongs to: one row.

    `identity`, `host`, `public_url` and `database` (the server's own identifier) are compared at
    start with the place where the hub runs; where they differ the database was copied, moved or
    restored, and outside effects stay paused until a person has said `adopt` or `reconcile`.
    """

    id = models.IntegerField(primary_key=True, default=1)
    identity = models.UUIDField()
    host = models.TextField()
    public_url = models.TextField()
    database = models.TextField(default="")
    effects_paused_reason = models.TextField(default="")
    started_at = models.DateTimeField(null=True)
    last_backup_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "monitoring_installation"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(id=1), name="monitoring_installation_one"),
        ]

    def __str__(self) -> str:
        return str(self.identity)


class RollupDelta(MerchantRow):
    """A change of a counter, appended by the hot path and folded by upkeep."""

    mode = models.TextField(choices=Mode)
    name = models.TextField()
    hour = models.DateTimeField()
    currency = models.TextField(default="")
    amount = models.DecimalField(max_digits=20, decimal_places=4)

    class Meta:
        db_table = "monitoring_rollup_delta"

    def __str__(self) -> str:
        return f"{self.name} {self.amount}"


class Rollup(MerchantRow):
    """A counter per hour, folded from its deltas."""

    mode = models.TextField(choices=Mode)
    name = models.TextField()
    hour = models.DateTimeField()
    currency = models.TextField(default="")
    amount = models.DecimalField(max_digits=24, decimal_places=4)

    class Meta:
        db_table = "monitoring_rollup"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "mode", "name", "hour", "currency"],
                name="monitoring_rollup_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.hour}"
