"""Messages from outside as they came, the work that is left on them, and what was refused."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from entrepot.database.rows import MerchantRow, Mode
from entrepot.inbox.states import Outcome, Source


class InboxMessage(MerchantRow):
    """One message, immutable but for its outcome's twin in `InboxWork` and `InboxOutcome`.

    `body` is compressed, then sealed; `fingerprint` is the hash of the raw bytes and outlives them.
    """

    connection_id = models.BigIntegerField()
    mode = models.TextField(choices=Mode)
    source = models.TextField(choices=Source)
    topic = models.TextField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField(null=True)
    size = models.IntegerField()
    fingerprint = models.BinaryField()
    is_hint = models.BooleanField(default=False)
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "inbox_message"
        indexes: ClassVar = [
            # What a merchant has is found by the unique constraint (merchant_id, id) of its links.
            models.Index(fields=["connection_id", "-id"], name="inbox_message_connection"),
        ]

    def __str__(self) -> str:
        return f"message m-{self.id}"


class InboxSeen(MerchantRow):
    """The names of deliveries that were stored: what makes a repeat a repeat. Outlives payloads."""

    connection_id = models.BigIntegerField()
    dedupe_hash = models.BinaryField()
    message_id = models.BigIntegerField()
    seen_at = models.DateTimeField(db_default=Now())
    repeats = models.IntegerField(default=0)
    repeated_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "inbox_seen"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection_id", "dedupe_hash"], name="inbox_seen_key"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["message_id"], name="inbox_seen_message"),
            models.Index(
                fields=["merchant_id", "-message_id"],
                condition=Q(repeats__gt=0),
                name="inbox_seen_repeated",
            ),
        ]

    def __str__(self) -> str:
        return f"delivery of message m-{self.message_id}"


class InboxWork(MerchantRow):
    """A message that still has to be understood and applied; deleted when it is.

    `claimed_until` is a claim on the database's clock; a parked row waits for a person. `lane`
    keeps imports from starving live news.
    """

    message_id = models.BigIntegerField(unique=True)
    lane = models.TextField(default="live")
    tries = models.IntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    claimed_until = models.DateTimeField(null=True)
    is_parked = models.BooleanField(default=False)
    reason = models.TextField(default="")

    class Meta:
        db_table = "inbox_work"
        indexes: ClassVar = [
            models.Index(
                fields=["lane", "merchant_id", "due_at"],
                condition=Q(is_parked=False),
                name="inbox_work_due",
            ),
            models.Index(
                fields=["merchant_id", "-id"],
                condition=Q(is_parked=True),
                name="inbox_work_parked",
            ),
        ]

    def __str__(self) -> str:
        return f"work on message m-{self.message_id}"


class InboxOutcome(MerchantRow):
    """How a message ended, each time it was run. The last row counts."""

    message_id = models.BigIntegerField()
    outcome = models.TextField(choices=Outcome)
    reason = models.TextField(default="")
    order_id = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "inbox_outcome"
        indexes: ClassVar = [
            models.Index(fields=["message_id"], name="inbox_outcome_message"),
            models.Index(fields=["order_id"], name="inbox_outcome_order"),
            models.Index(
                fields=["merchant_id", "outcome", "-message_id"],
                condition=~Q(outcome="applied"),
                name="inbox_outcome_unusual",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values), name="inbox_outcome_outcome"
            ),
        ]

    def __str__(self) -> str:
        return f"message m-{self.message_id} {self.outcome}"


class Refusal(MerchantRow):
    """A delivery that was not believed: headers, hash and the first bytes, capped per hour."""

    connection_id = models.BigIntegerField()
    check_failed = models.TextField()
    expected = models.TextField(default="")
    seen = models.TextField(default="")
    status_code = models.IntegerField()
    headers = models.JSONField(default=dict)
    beginning = models.BinaryField()
    size = models.IntegerField()
    fingerprint = models.BinaryField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "inbox_refusal"
        indexes: ClassVar = [
            models.Index(fields=["connection_id", "-at"], name="inbox_refusal_at"),
        ]

    def __str__(self) -> str:
        return f"refused delivery {self.id}"
