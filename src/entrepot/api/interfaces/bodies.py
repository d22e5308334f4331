"""What callers of the documented interfaces send; each name in both of its usual spellings."""

from typing import Annotated, Any

from ninja import Schema
from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field

from entrepot.api.paging import Id
from entrepot.intake.given import Text, Word


def _as_text(value: Any) -> Any:
    """The integer of an order may come as a number or as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"id:{value}"
    return value


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) or value is None else [value]


def either(*names: str, **more: Any) -> Any:
    """A field that may be called by any of these names."""
    return Field(validation_alias=AliasChoices(*names), **more)


OrderKey = Annotated[str, BeforeValidator(_as_text), Field(min_length=1, max_length=200)]


class Loose(Schema):
    """A body of which unknown members are passed over."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class OrderUpdate(Loose):
    """`PATCH /api/orders/management`: a status, tracking, a note, or an action."""

    order_id: OrderKey = either("order_id", "orderId", "id")
    status: Word = ""
    action: Word = ""
    tracking_number: Word = either("tracking_number", "trackingNumber", default="")
    tracking_url: Word = either("tracking_url", "trackingUrl", default="")
    carrier: Word = ""
    notes: Text = either("notes", "note", "admin_notes", default="")
    reason: Word = ""


class DropshipOrder(Loose):
    """`POST /api/dropship/prodigi`: which order to hand over, or to bring up to date."""

    order_id: OrderKey = either("order_id", "orderId", "id")
    force_sync: bool = either("force_sync", "forceSync", default=False)


class ReadMarks(Loose):
    """`PATCH /api/notifications`: which were read."""

    ids: Annotated[list[Id], BeforeValidator(_as_list), Field(max_length=500)] = either(
        "notification_ids", "notificationIds", "ids", "notification_id", "notificationId", "id",
        default=[],
    )  # fmt: skip
    everything: bool = either("mark_all_as_read", "markAllAsRead", "mark_all", "all", default=False)


class Removal(Loose):
    """`DELETE /api/notifications`: which to take off the list."""

    ids: Annotated[list[Id], BeforeValidator(_as_list), Field(max_length=500)] = either(
        "notification_ids", "notificationIds", "ids", "notification_id", "notificationId", "id",
        default=[],
    )  # fmt: skip
    everything: bool = either("delete_all", "deleteAll", "all", default=False)


class Maintenance(Loose):
    """`POST /api/admin/health`: what to do."""

    action: Annotated[Word, Field(min_length=1)]
