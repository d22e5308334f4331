"""Mails to customers, their templates, and notifications inside the dashboard and the REST API."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from entrepot.database import saving
from entrepot.database.rows import MerchantRow, Mode
from entrepot.events import outbox
from entrepot.notifications.states import IllegalStep, Kind, MailStatus, Sender, Step

EVENT_OF_STEP = {
    Step.SEND: "notification.sent",
    Step.LOSE: "notification.became_unknown",
    Step.REFUSE: "notification.refused",
    Step.SKIP: "notification.skipped",
    Step.DELIVER: "notification.delivered",
    Step.BOUNCE: "notification.bounced",
}


class StoreVoice(MerchantRow):
    """How a storefront speaks to its customers: sender, reply address, logo, colour, language."""

    storefront_id = models.BigIntegerField(unique=True)
    sender_name = models.TextField()
    sender_email = models.TextField()
    reply_to = models.TextField(default="", blank=True)
    logo_url = models.TextField(default="", blank=True)
    color = models.TextField(default="#0a626d")
    language = models.TextField(default="en")
    shop_url = models.TextField(default="", blank=True)
    footer = models.TextField(default="", blank=True)

    class Meta:
        db_table = "notifications_store_voice"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(color__regex="^#[0-9a-f]{6}$"), name="notifications_voice_color"
            ),
        ]

    def __str__(self) -> str:
        return self.sender_name


class SenderChoice(MerchantRow):
    """Who sends a kind of message for a storefront. Absent: the hub."""

    storefront_id = models.BigIntegerField()
    kind = models.TextField(choices=Kind)
    sender = models.TextField(choices=Sender)

    class Meta:
        db_table = "notifications_sender_choice"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["storefront_id", "kind"], name="notifications_sender_choice_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.sender}"


class Template(MerchantRow):
    """A merchant's own words for a kind of message. `storefront_id` 0: all storefronts.

    Only `{{name}}` variables; checked when saved.
    """

    storefront_id = models.BigIntegerField(default=0)
    kind = models.TextField(choices=Kind)
    language = models.TextField()
    subject = models.TextField()
    html = models.TextField()
    text = models.TextField()
    version = models.IntegerField(default=1)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "notifications_template"
        verbose_name, verbose_name_plural = "mail template", "mail templates"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "storefront_id", "kind", "language"],
                name="notifications_template_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} in {self.language}"


class Mail(MerchantRow):
    """One mail to a customer: one per (order, fact, kind), by constraint.

    `fact` names what it tells in the sale's own numbers (`released`, `shipment:2`, `parcel:2.1`,
    `refund:re_3`); while it waits, later facts of its kind join in `facts`. `send_after` is the end
    of the gathering. `message_id` derives from the sale and the fact; once it is set the content
    stands, and nothing joins any more. `resends_id` is the mail that it repeats.
    """

    mode = models.TextField(choices=Mode)
    order_id = models.BigIntegerField()
    kind = models.TextField(choices=Kind)
    fact = models.TextField()
    facts = ArrayField(models.TextField(), default=list)
    status = models.TextField(choices=MailStatus, default=MailStatus.WAITING)
    reason = models.TextField(default="")
    language = models.TextField(default="")
    recipient_sealed = models.BinaryField(default=bytes)
    subject = models.TextField(default="")
    html = models.TextField(default="")
    text = models.TextField(default="")
    message_id = models.TextField(default="")
    esp_message_id = models.TextField(default="")
    send_after = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    resends_id = models.BigIntegerField(null=True)

    objects: ClassVar = saving.SavingManager["Mail"]()

    class Meta:
        db_table = "notifications_mail"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["order_id", "kind", "fact"], name="notifications_mail_key"
            ),
            models.CheckConstraint(
                condition=Q(status__in=MailStatus.values), name="notifications_mail_status"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["send_after"], condition=Q(status="waiting"), name="notifications_mail_due"
            ),
            models.Index(fields=["merchant_id", "mode", "-id"], name="notifications_mail_recent"),
            models.Index(fields=["esp_message_id"], name="notifications_mail_esp"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} mail of order {self.order_id}"

    def take(self, step: Step, *fields: str, reason: str = "") -> None:
        """Make a named move, save it with these fields, record the event. The row must be locked.

        Raises:
            IllegalStep: its status does not allow the move.
        """
        previous = self.status
        if previous not in step.sources:
            raise IllegalStep(self, step, previous)
        self.status = step.target
        self.reason = reason
        saving.save(self, "status", "reason", *fields)
        outbox.record(
            EVENT_OF_STEP[step],
            merchant_id=self.merchant_id,
            mode=self.mode,
            order_id=self.order_id,
            subject=("mail", self.id),
            data={"kind": self.kind, "from": previous, "to": self.status, "detail": reason},
            reason=reason,
        )


class MailStop(MerchantRow):
    """A customer wants no more mails about an order."""

    order_id = models.BigIntegerField(unique=True)
    stopped_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "notifications_mail_stop"

    def __str__(self) -> str:
        return f"no mails about order {self.order_id}"


class MailEvent(MerchantRow):
    """What the mail service said of a mail afterwards, once per event id."""

    mail = models.ForeignKey(
        Mail, on_delete=models.CASCADE, related_name="events", db_constraint=False
    )
    event_id = models.TextField()
    kind = models.TextField()
    detail = models.TextField(default="")
    happened_at = models.DateTimeField()

    class Meta:
        db_table = "notifications_mail_event"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["mail", "event_id"], name="notifications_mail_event_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of mail {self.mail_id}"


class Notification(MerchantRow):
    """News for a customer or an operator inside the product.

    `customer_id` is set for customers' news (the documented notifications interface), null for
    operators'. One per (order, fact, kind).
    """

    mode = models.TextField(choices=Mode)
    order_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    kind = models.TextField()
    fact = models.TextField()
    title = models.TextField()
    message = models.TextField()
    link = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notifications_notification"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "order_id", "kind", "fact", "customer_id"],
                name="notifications_notification_key",
                nulls_distinct=False,
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["customer_id", "-id"],
                condition=Q(removed_at__isnull=True),
                name="notifications_of_customer",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class SandboxMail(MerchantRow):
    """A mail that the sandbox kept instead of sending."""

    recipient = models.TextField()
    sender = models.TextField()
    subject = models.TextField()
    html = models.TextField(default="")
    text = models.TextField(default="")
    message_id = models.TextField(default="")
    headers = models.JSONField(default=dict)
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "notifications_sandbox_mail"
        indexes: ClassVar = [
            models.Index(fields=["merchant_id", "-id"], name="notifications_sandbox_recent"),
        ]

    def __str__(self) -> str:
        return self.subject
