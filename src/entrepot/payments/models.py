"""The ledger of each order, stray payments, our own checkouts, refunds, captures and voids."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from entrepot.canon.payments import REFUND_KINDS, PaymentFactKind
from entrepot.database.rows import MerchantRow, Mode
from entrepot.events import outbox
from entrepot.payments.states import (
    CheckoutStatus,
    CheckoutStep,
    IllegalStep,
    RefundStatus,
    RefundStep,
    WishKind,
    WishStatus,
    WishStep,
)

_kinds = [(kind.value, kind.value.replace("_", " ")) for kind in PaymentFactKind]


class PaymentEntry(MerchantRow):
    """One fact about money, once: (account, kind, external id).

    `order_id` is null while no order is known for it: an unmatched payment, which never ships.
    `counts` is False for a storefront's word about money that a payment gateway reports itself:
    the gateway is believed. Amounts are positive; the kind gives the direction.
    """

    mode = models.TextField(choices=Mode)
    account = models.TextField()
    connection_id = models.BigIntegerField()
    order_id = models.BigIntegerField(null=True)
    kind = models.TextField(choices=_kinds)
    external_id = models.TextField()
    payment_external_id = models.TextField()
    amount = models.DecimalField(max_digits=18, decimal_places=4)
    currency = models.TextField()
    method = models.TextField(default="", db_default="")
    card_last4 = models.TextField(default="", db_default="")
    reason = models.TextField(default="", db_default="")
    checkout_reference = models.TextField(default="", db_default="")
    match_ids = ArrayField(models.TextField(), default=list)
    refunded_lines = models.JSONField(default=list)
    own_reference = models.TextField(default="", db_default="")
    is_from_gateway = models.BooleanField()
    counts = models.BooleanField(default=True, db_default=True)
    happened_at = models.DateTimeField()
    learned_at = models.DateTimeField(db_default=Now())
    cause = models.TextField(default="", db_default="")
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.TextField(default="", db_default="")

    class Meta:
        db_table = "payments_entry"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "account", "mode", "kind", "external_id"],
                name="payments_entry_key",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="payments_entry_amount"),
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"), name="payments_entry_currency"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["order_id"], name="payments_entry_order"),
            models.Index(
                fields=["merchant_id", "payment_external_id"], name="payments_entry_payment"
            ),
            models.Index(
                fields=["merchant_id", "mode", "-id"],
                condition=Q(order_id__isnull=True),
                name="payments_entry_unmatched",
            ),
            models.Index(
                fields=["merchant_id", "external_id"],
                condition=Q(kind__in=[kind.value for kind in REFUND_KINDS]),
                name="payments_entry_refund",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"


class Checkout(MerchantRow):
    """A cart that the hub snapshotted and sent to a payment page.

    Only so does a payment gateway make an order. `reference` rides along with every fact about it.
    """

    mode = models.TextField(choices=Mode)
    connection_id = models.BigIntegerField()
    reference = models.TextField(unique=True)
    cart_key = models.TextField(default="", db_default="")
    status = models.TextField(choices=CheckoutStatus, default=CheckoutStatus.OPENING)
    external_id = models.TextField(default="", db_default="")
    url = models.TextField(default="", db_default="")
    currency = models.TextField()
    cart = models.JSONField()
    total = models.DecimalField(max_digits=18, decimal_places=4)
    email_sealed = models.BinaryField(default=bytes)
    order_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "payments_checkout"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=CheckoutStatus.values), name="payments_checkout_status"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["merchant_id", "cart_key"], name="payments_checkout_cart"),
            models.Index(
                fields=["connection_id", "external_id"], name="payments_checkout_external"
            ),
        ]

    def __str__(self) -> str:
        return f"checkout {self.reference}"

    def take(self, step: CheckoutStep) -> None:
        """Make a named move. The row must be locked.

        Raises:
            IllegalStep: its status does not allow the move.
        """
        previous = self.status
        if previous not in step.sources:
            raise IllegalStep(self, step, previous)
        self.status = step.target
        self.save()
        outbox.record(
            "checkout.moved",
            merchant_id=self.merchant_id,
            mode=self.mode,
            order_id=self.order_id,
            subject=("checkout", self.id),
            data={"from": previous, "to": self.status},
        )


class Refund(MerchantRow):
    """Money that the hub gives back: decided by a person, issued by an attempt."""

    mode = models.TextField(choices=Mode)
    order_id = models.BigIntegerField()
    connection_id = models.BigIntegerField()
    payment_external_id = models.TextField()
    number = models.IntegerField()
    amount = models.DecimalField(max_digits=18, decimal_places=4)
    currency = models.TextField()
    reason = models.TextField()
    lines = models.JSONField(default=list)
    restocks = models.BooleanField(default=False, db_default=False)
    tells_customer = models.BooleanField(default=False, db_default=False)
    status = models.TextField(choices=RefundStatus, default=RefundStatus.WANTED)
    external_id = models.TextField(default="", db_default="")
    generation = models.IntegerField(default=1, db_default=1)
    wanted_by = models.TextField()
    wanted_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "payments_refund"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order_id", "number"], name="payments_refund_key"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payments_refund_amount"),
            models.CheckConstraint(
                condition=Q(status__in=RefundStatus.values), name="payments_refund_status"
            ),
        ]

    def __str__(self) -> str:
        return f"refund {self.number} of order {self.order_id}"

    def take(self, step: RefundStep, *, reason: str) -> None:
        """Make a named move and record it. The row must be locked.

        Raises:
            IllegalStep: its status does not allow the move.
        """
        previous = self.status
        if previous not in step.sources:
            raise IllegalStep(self, step, previous)
        self.status = step.target
        self.save()
        outbox.record(
            "refund.moved",
            merchant_id=self.merchant_id,
            mode=self.mode,
            order_id=self.order_id,
            subject=("refund", self.id),
            data={"from": previous, "to": self.status},
            reason=reason,
        )


class PaymentWish(MerchantRow):
    """What a person wants of authorized money: to capture it, or to void it; done by an attempt.

    `authorized_id` is the ledger's entry of the authorization. Of one payment, one is wanted at a
    time; a wish that failed is followed by another one, with a number of its own.
    """

    mode = models.TextField(choices=Mode)
    order_id = models.BigIntegerField()
    connection_id = models.BigIntegerField()
    kind = models.TextField(choices=WishKind)
    authorized_id = models.BigIntegerField()
    payment_external_id = models.TextField()
    number = models.IntegerField()
    amount = models.DecimalField(max_digits=18, decimal_places=4)
    currency = models.TextField()
    reason = models.TextField()
    status = models.TextField(choices=WishStatus, default=WishStatus.WANTED)
    message = models.TextField(default="", db_default="")
    wanted_by = models.TextField()
    wanted_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "payments_wish"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order_id", "number"], name="payments_wish_key"),
            models.UniqueConstraint(
                fields=["authorized_id"],
                condition=Q(status=WishStatus.WANTED),
                name="payments_wish_wanted",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payments_wish_amount"),
            models.CheckConstraint(
                condition=Q(status__in=WishStatus.values), name="payments_wish_status"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=WishKind.values), name="payments_wish_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number} of order {self.order_id}"

    def take(self, step: WishStep, *, reason: str) -> None:
        """Make a named move and record it. The row must be locked.

        Raises:
            IllegalStep: its status does not allow the move.
        """
        previous = self.status
        if previous not in step.sources:
            raise IllegalStep(self, step, previous)
        self.status = step.target
        self.message = reason
        self.save()
        outbox.record(
            f"{self.kind}.moved",
            merchant_id=self.merchant_id,
            mode=self.mode,
            order_id=self.order_id,
            subject=("payment_wish", self.id),
            data={"from": previous, "to": self.status},
            reason=reason,
        )
