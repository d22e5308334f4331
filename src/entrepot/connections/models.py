"""A merchant's accounts on platforms: what they are, may do, and were told."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from entrepot.connections.states import EffectFlow, IllegalStep, Status, Step
from entrepot.database.rows import MerchantRow, Mode
from entrepot.events import outbox


class Connection(MerchantRow):
    """One account of a merchant on one platform, in one mode.

    `account` is the platform's own identity of the account; with platform and mode it is unique for
    ever, so that adding the same account again resumes the old connection. `token` is the
    unguessable part of its webhook address. `settings` are checked by the platform's manifest;
    secrets stand in `Credential`. `live_since` is the go-live instant: what was placed before it
    is history. `policy` holds the merchant's choices that are no settings of the platform.
    `status_before_fault` is where a misconfigured connection returns to, `recovered_at` when it
    last did; a misconfigured one that keeps it waits for a person (faults.py). Until
    `webhooks_leased_until` one worker looks at its webhooks, and no second.
    """

    platform = models.TextField()
    mode = models.TextField(choices=Mode)
    name = models.TextField()
    code = models.TextField()
    account = models.TextField(default="")
    token = models.TextField(unique=True)
    status = models.TextField(choices=Status, default=Status.OBSERVING)
    status_reason = models.TextField(default="")
    status_before_fault = models.TextField(default="")
    settings = models.JSONField(default=dict)
    policy = models.JSONField(default=dict)
    settings_version = models.IntegerField(default=1)
    live_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    last_ping_at = models.DateTimeField(null=True)
    last_useful_at = models.DateTimeField(null=True)
    last_useful_topic = models.TextField(default="")
    refused_in_a_row = models.IntegerField(default=0)
    recovered_at = models.DateTimeField(null=True)
    webhooks_leased_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "connections_connection"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "platform", "mode", "account"],
                condition=~Q(account=""),
                name="connections_connection_account_key",
            ),
            models.UniqueConstraint(
                fields=["merchant_id", "code"], name="connections_connection_code_key"
            ),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="connections_connection_status"
            ),
            models.CheckConstraint(
                condition=Q(mode__in=Mode.values), name="connections_connection_mode"
            ),
        ]

    def __str__(self) -> str:
        return f"connection {self.code}"

    def take(self, step: Step, *, reason: str) -> None:
        """Make a named move and record it. The row must be locked.

        Raises:
            IllegalStep: its status does not allow the move.
        """
        previous = self.status
        if previous not in step.sources:
            raise IllegalStep(self, step, previous)
        self.status = step.target
        self.status_reason = reason
        self.save(update_fields=["status", "status_reason"])
        outbox.record(
            EVENT_OF_STEP[step],
            merchant_id=self.merchant_id,
            mode=self.mode,
            subject=("connection", self.id),
            data={"from": previous, "to": self.status},
            reason=reason,
        )


EVENT_OF_STEP = {
    Step.GO_LIVE: "connection.went_live",
    Step.OBSERVE: "connection.paused",
    Step.PAUSE: "connection.paused",
    Step.RESUME: "connection.resumed",
    Step.REFUSE_CREDENTIALS: "connection.misconfigured",
    Step.ACCEPT_CREDENTIALS: "connection.recovered",
    Step.ACCEPT_CREDENTIALS_UNSEEN: "connection.recovered",
    Step.ARCHIVE: "connection.archived",
    Step.RESTORE: "connection.added",
}


class Credential(MerchantRow):
    """One secret of a connection, encrypted; rotated ones keep verifying until `expires_at`.

    `name` is a secret setting of the manifest, or `webhook_signing` for a secret that signs
    deliveries to us.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, db_constraint=False)
    name = models.TextField()
    sealed = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "connections_credential"
        indexes: ClassVar = [
            models.Index(fields=["connection", "name"], name="connections_credential_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of connection {self.connection_id}"


class FormerToken(MerchantRow):
    """A token that a connection's address once had; it keeps finding the connection.

    What was handed out earlier (callback addresses of orders under way) cannot be changed any more.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, db_constraint=False)
    token = models.TextField(unique=True)
    replaced_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "connections_former_token"

    def __str__(self) -> str:
        return f"former token of connection {self.connection_id}"


class EffectPause(MerchantRow):
    """A stop that a person or a fuse pulled: on one connection, one flow, or everything.

    `connection_id` and `flow` are empty for "all of them". `resumed_at` ends it.
    """

    mode = models.TextField(choices=Mode)
    connection_id = models.BigIntegerField(null=True)
    flow = models.TextField(choices=EffectFlow, default="", blank=True)
    reason = models.TextField()
    is_fuse = models.BooleanField(default=False)
    paused_at = models.DateTimeField(db_default=Now())
    paused_by = models.TextField()
    resumed_at = models.DateTimeField(null=True)
    resumed_by = models.TextField(default="")

    class Meta:
        db_table = "connections_effect_pause"
        indexes: ClassVar = [
            models.Index(
                fields=["merchant_id"],
                condition=Q(resumed_at__isnull=True),
                name="connections_pause_open",
            ),
        ]

    def __str__(self) -> str:
        return f"pause of {self.flow or 'all effects'}"


class Cursor(MerchantRow):
    """How far a flow of a connection has been read. `position` is the connector's own."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, db_constraint=False)
    flow = models.TextField()
    position = models.TextField(default="")
    read_until = models.DateTimeField(null=True)
    polled_at = models.DateTimeField(null=True)
    next_poll_at = models.DateTimeField(null=True)
    failed_in_a_row = models.IntegerField(default=0)
    last_error = models.TextField(default="")

    class Meta:
        db_table = "connections_cursor"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "flow"], name="connections_cursor_key"),
        ]

    def __str__(self) -> str:
        return f"{self.flow} of connection {self.connection_id}"


class HistoryImport(MerchantRow):
    """A resumable reading of what a storefront sold before the hub came."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, db_constraint=False)
    flow = models.TextField()
    since = models.DateTimeField(null=True)
    position = models.TextField(default="")
    done = models.IntegerField(default=0)
    total = models.IntegerField(null=True)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    last_error = models.TextField(default="")

    class Meta:
        db_table = "connections_history_import"

    def __str__(self) -> str:
        return f"history of connection {self.connection_id}"


class WebhookRegistration(MerchantRow):
    """What the platform last said of our webhooks there, beside what we want."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, db_constraint=False)
    external_id = models.TextField()
    url = models.TextField()
    topics = ArrayField(models.TextField(), default=list)
    is_active = models.BooleanField(default=True)
    checked_at = models.DateTimeField(null=True)
    repaired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "connections_webhook_registration"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "external_id"], name="connections_registration_key"
            ),
        ]

    def __str__(self) -> str:
        return f"webhook {self.external_id}"


class RateBudget(MerchantRow):
    """A credential's token bucket, shared between processes. One row per connection."""

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, db_constraint=False)
    tokens = models.FloatField()
    refilled_at = models.DateTimeField(db_default=Now())
    blocked_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "connections_rate_budget"

    def __str__(self) -> str:
        return f"budget of connection {self.connection_id}"


class CircuitBreaker(MerchantRow):
    """Whether a connection's platform answers. One row per connection."""

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, db_constraint=False)
    window_started_at = models.DateTimeField(db_default=Now())
    calls = models.IntegerField(default=0)
    failures = models.IntegerField(default=0)
    failures_in_a_row = models.IntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    probe_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "connections_circuit_breaker"

    def __str__(self) -> str:
        return f"breaker of connection {self.connection_id}"


class CallRecord(MerchantRow):
    """One call that left by the door, redacted. Kept for days, then removed by upkeep."""

    connection_id = models.BigIntegerField()
    at = models.DateTimeField()
    method = models.TextField()
    url = models.TextField()
    status_code = models.IntegerField(null=True)
    outcome = models.TextField()
    duration_ms = models.IntegerField()
    request_id = models.TextField(default="")
    sent = models.TextField(default="")
    answered = models.TextField(default="")
    cause = models.TextField(default="")

    class Meta:
        db_table = "connections_call_record"
        indexes: ClassVar = [
            models.Index(fields=["connection_id", "-at"], name="connections_call_at"),
            models.Index(fields=["cause"], name="connections_call_cause"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.url}"
