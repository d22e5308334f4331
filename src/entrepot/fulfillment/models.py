"""Shares of orders, what left of them, and where the parcels are."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from entrepot.canon.tracking import ParcelStatus
from entrepot.database import saving
from entrepot.database.rows import MerchantRow, Mode
from entrepot.database.saving import SavingManager
from entrepot.events import outbox
from entrepot.fulfillment.states import UNDER_WAY, IllegalStep, ShipmentStatus, Status, Step

EVENT_OF_STEP = {
    Step.SUBMIT: "fulfillment_order.submitted",
    Step.ACCEPT: "fulfillment_order.accepted",
    Step.TAKE_BY_HAND: "fulfillment_order.accepted",
    Step.REJECT: "fulfillment_order.rejected",
    Step.CLOSE: "fulfillment_order.closed",
    Step.REOPEN: "fulfillment_order.reopened",
    Step.HOLD: "fulfillment_order.held",
    Step.RELEASE: "fulfillment_order.released",
    Step.ASK_TO_CANCEL: "fulfillment_order.cancelling",
    Step.REFUSE_TO_CANCEL: "fulfillment_order.cancel_refused",
    Step.CANCEL: "fulfillment_order.cancelled",
    Step.CANCEL_BY_PROVIDER: "fulfillment_order.cancelled",
}
# What a provider's word changes of a share, and what a move does besides.
TOLD = (
    "provider_stage",
    "provider_updated_at",
    "provider_read_at",
    "details",
    "cost",
    "cost_currency",
)
MOVING = (
    *TOLD,
    "status",
    "shipping_method",
    "quoted_at",
    "generation",
    "planned_version",
    "external_id",
    "sent_address_id",
    "accepted_at",
    "ended_at",
)


class FulfillmentOrder(MerchantRow):
    """The share of an order that one provider ships from one location.

    `share` numbers the shares of an order, `generation` the proven attempts outside; together with
    the sale's identity they make the reference. `replaces_id` and `replacement_reason` mark a
    deliberate reship. `submit_after` is the end of the cooling-off time. `details` keeps what the
    provider told of its progress (issues, charges). `planned_content` names what the plan was made
    from, so that an edit of the sale is noticed before anything is sent; `sent_address_id` is where
    the provider was told to send it, `refused_address_id` where it would not. `chosen_method` is
    the shipping method that a person wants instead, `refused_method` the one that the provider
    would not change to. `quoted_cost` is what it said beforehand, `cost` what it charged.
    """

    mode = models.TextField(choices=Mode)
    order_id = models.BigIntegerField()
    connection_id = models.BigIntegerField()
    share = models.IntegerField()
    generation = models.IntegerField(default=1, db_default=1)
    status = models.TextField(choices=Status, default=Status.OPEN)
    is_by_hand = models.BooleanField(default=False, db_default=False)
    shipping_method = models.TextField(default="", db_default="", blank=True)
    chosen_method = models.TextField(default="", db_default="")
    refused_method = models.TextField(default="", db_default="")
    planned_version = models.BigIntegerField()
    planned_content = models.TextField(default="", db_default="")
    decision_id = models.BigIntegerField(null=True)
    submit_after = models.DateTimeField(db_default=Now())
    external_id = models.TextField(default="", db_default="")
    provider_stage = models.TextField(default="", db_default="")
    provider_updated_at = models.DateTimeField(null=True)
    provider_read_at = models.DateTimeField(null=True)
    details = models.JSONField(default=dict)
    cost = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    cost_currency = models.TextField(default="", db_default="")
    quoted_cost = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    quote_currency = models.TextField(default="", db_default="")
    quoted_at = models.DateTimeField(null=True)
    quoted_place = models.TextField(default="", db_default="")
    sent_address_id = models.BigIntegerField(null=True)
    refused_address_id = models.BigIntegerField(null=True)
    replaces_id = models.BigIntegerField(null=True)
    replacement_reason = models.TextField(default="", db_default="")
    planned_at = models.DateTimeField(db_default=Now())
    accepted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects: ClassVar = SavingManager["FulfillmentOrder"]()

    class Meta:
        db_table = "fulfillment_order"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order_id", "share"], name="fulfillment_order_key"),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="fulfillment_order_status"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["status", "submit_after"],
                condition=Q(status__in=[status.value for status in UNDER_WAY]),
                name="fulfillment_order_active",
            ),
            models.Index(
                fields=["connection_id", "external_id"], name="fulfillment_order_external"
            ),
        ]

    def __str__(self) -> str:
        return f"fulfillment order FO-{self.id}"

    def take(self, step: Step, *, reason: str, **data: object) -> None:
        """Make a named move, save what moves with it and record the event. The row must be locked.

        Raises:
            IllegalStep: its status does not allow the move.
        """
        previous = self.status
        if previous not in step.sources:
            raise IllegalStep(self, step, previous)
        self.status = step.target
        saving.save(self, *MOVING)
        outbox.record(
            EVENT_OF_STEP[step],
            merchant_id=self.merchant_id,
            mode=self.mode,
            order_id=self.order_id,
            subject=("fulfillment_order", self.id),
            data={"from": previous, "to": self.status, **data},
            reason=reason,
        )


class FulfillmentItem(MerchantRow):
    """Units of one line in a share, and what they are at the provider.

    `provider_sku`, `attributes`, `sizing` and `assets` are as the mapping said when planned.
    """

    fulfillment_order = models.ForeignKey(
        FulfillmentOrder, on_delete=models.CASCADE, related_name="items", db_constraint=False
    )
    line_id = models.BigIntegerField()
    position = models.IntegerField()
    sku = models.TextField()
    units_per_line = models.IntegerField(
        default=1, db_default=1
    )  # kits: parts for one unit of the line
    quantity = models.IntegerField()
    provider_sku = models.TextField(default="", db_default="", blank=True)
    attributes = models.JSONField(default=dict)
    sizing = models.TextField(default="", db_default="", blank=True)
    assets = models.JSONField(default=list)
    bin = models.TextField(default="", db_default="", blank=True)
    external_id = models.TextField(default="", db_default="")
    units_shipped = models.IntegerField(default=0, db_default=0)
    units_cancelled = models.IntegerField(default=0, db_default=0)

    class Meta:
        db_table = "fulfillment_item"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["fulfillment_order", "position"], name="fulfillment_item_key"
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="fulfillment_item_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"


class Quote(MerchantRow):
    """What a provider said that some goods cost, delivered to a country; asked anew after a day.

    `content` names what decides the price: goods, country, shipping method, currency.
    """

    connection_id = models.BigIntegerField()
    content = models.TextField()
    cost = models.DecimalField(max_digits=18, decimal_places=4)
    currency = models.TextField()
    quoted_at = models.DateTimeField()

    class Meta:
        db_table = "fulfillment_quote"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "connection_id", "content"], name="fulfillment_quote_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cost} {self.currency}"


class Shipment(MerchantRow):
    """Goods that left together. `external_id` is the provider's, or ours for what people ship."""

    mode = models.TextField(choices=Mode)
    order_id = models.BigIntegerField()
    fulfillment_order = models.ForeignKey(
        FulfillmentOrder, on_delete=models.CASCADE, related_name="shipments", db_constraint=False
    )
    external_id = models.TextField()
    number = models.IntegerField()
    status = models.TextField(choices=ShipmentStatus, default=ShipmentStatus.SHIPPED)
    carrier = models.TextField(default="", db_default="")
    service = models.TextField(default="", db_default="")
    shipped_at = models.DateTimeField()
    learned_at = models.DateTimeField(db_default=Now())
    cause = models.TextField(default="", db_default="")
    written_back_at = models.DateTimeField(null=True)

    objects: ClassVar = SavingManager["Shipment"]()

    class Meta:
        db_table = "fulfillment_shipment"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["fulfillment_order", "external_id"], name="fulfillment_shipment_key"
            ),
            models.UniqueConstraint(
                fields=["order_id", "number"], name="fulfillment_shipment_number_key"
            ),
            models.CheckConstraint(
                condition=Q(status__in=ShipmentStatus.values), name="fulfillment_shipment_status"
            ),
        ]

    def __str__(self) -> str:
        return f"shipment {self.number} of order {self.order_id}"


class ShipmentItem(MerchantRow):
    """Units of a fulfillment item in a shipment."""

    shipment = models.ForeignKey(
        Shipment, on_delete=models.CASCADE, related_name="items", db_constraint=False
    )
    fulfillment_item_id = models.BigIntegerField()
    line_id = models.BigIntegerField()
    quantity = models.IntegerField()

    objects: ClassVar = SavingManager["ShipmentItem"]()

    class Meta:
        db_table = "fulfillment_shipment_item"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["shipment", "fulfillment_item_id"], name="fulfillment_shipment_item_key"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gt=0), name="fulfillment_shipment_item_quantity"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["line_id"], name="fulfillment_shipitem_line")]

    def __str__(self) -> str:
        return f"{self.quantity} units of line {self.line_id}"


class Parcel(MerchantRow):
    """One box.

    `status` follows from the tracking updates (tracking.py), never from the newest one
    to come in; `status_at` is when it became so at the carrier.
    """

    mode = models.TextField(choices=Mode)
    order_id = models.BigIntegerField()
    shipment = models.ForeignKey(
        Shipment, on_delete=models.CASCADE, related_name="parcels", db_constraint=False
    )
    number = models.IntegerField()
    tracking_number = models.TextField(default="", db_default="")
    tracking_url = models.TextField(default="", db_default="")
    carrier = models.TextField(default="", db_default="")
    status = models.TextField(
        choices=[(status.value, status.value) for status in ParcelStatus],
        default=ParcelStatus.UNKNOWN.value,
    )
    status_at = models.DateTimeField(null=True)
    carrier_connection_id = models.BigIntegerField(null=True)
    tracker_external_id = models.TextField(default="", db_default="")
    tracked_at = models.DateTimeField(null=True)
    estimated_delivery_at = models.DateTimeField(null=True)
    promised_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    added_at = models.DateTimeField(db_default=Now())

    objects: ClassVar = SavingManager["Parcel"]()

    class Meta:
        db_table = "fulfillment_parcel"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["shipment", "tracking_number"], name="fulfillment_parcel_key"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in ParcelStatus]),
                name="fulfillment_parcel_status",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["order_id"], name="fulfillment_parcel_order"),
            models.Index(
                fields=["merchant_id", "order_id"],
                condition=~Q(status__in=["delivered", "presumed_delivered", "returned", "voided"]),
                name="fulfillment_parcel_open",
            ),
            models.Index(
                fields=["merchant_id", "tracking_number"], name="fulfillment_parcel_tracking"
            ),
            models.Index(
                fields=["tracked_at"],
                condition=~Q(
                    status__in=["delivered", "presumed_delivered", "returned", "lost", "voided"]
                ),
                name="fulfillment_parcel_moving",
            ),
        ]

    def __str__(self) -> str:
        return f"parcel {self.number} of order {self.order_id}"


class TrackingEntry(MerchantRow):
    """One scan, kept once by (parcel, instant, status, message)."""

    parcel = models.ForeignKey(
        Parcel, on_delete=models.CASCADE, related_name="updates", db_constraint=False
    )
    status = models.TextField()
    source_status = models.TextField(default="", db_default="")
    happened_at = models.DateTimeField()
    message = models.TextField(default="", db_default="")
    city = models.TextField(default="", db_default="")
    region = models.TextField(default="", db_default="")
    country = models.TextField(default="", db_default="")
    learned_at = models.DateTimeField(db_default=Now())
    cause = models.TextField(default="", db_default="")

    class Meta:
        db_table = "fulfillment_tracking_entry"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["parcel", "happened_at", "status", "message"],
                name="fulfillment_tracking_entry_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} at {self.happened_at}"
