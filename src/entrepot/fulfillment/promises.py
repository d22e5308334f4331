"""When a share should have left: a provider's working days on its business calendar."""

from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from entrepot.connections.queries import connection_of
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed

PRODUCTION_DAYS = 3
END_OF_DAY = time(18, 0)


def ship_by(after: datetime, *, days: int, country: str = "", time_zone: str = "UTC") -> datetime:
    """The end of the n-th working day after an instant; Saturdays, Sundays and holidays are none.

    Without a country only weekends are free.
    """
    zone = ZoneInfo(time_zone)
    day = after.astimezone(zone).date()
    free = _holidays(country)
    left = days
    while left > 0:
        day += timedelta(days=1)
        if day.weekday() < SATURDAY and day not in free:
            left -= 1
    return datetime.combine(day, END_OF_DAY, zone).astimezone(UTC)


SATURDAY = 5


def owe_shipping(fulfillment_order: FulfillmentOrder, *, since: datetime) -> None:
    """Owe that a locked, accepted share leaves in time."""
    policy = connection_of(fulfillment_order.connection_id).policy
    due_at = ship_by(
        since,
        days=int(policy.get("production_days", PRODUCTION_DAYS)),
        country=str(policy.get("calendar_country", "")),
        time_zone=str(policy.get("time_zone", "UTC")),
    )
    obligations.open_many(
        [
            obligations.NewObligation(
                merchant_id=fulfillment_order.merchant_id,
                mode=fulfillment_order.mode,
                kind=Owed.SHIP,
                subject_kind="fulfillment_order",
                subject_id=fulfillment_order.id,
                order_id=fulfillment_order.order_id,
                due_at=due_at,
            )
        ]
    )


@cache
def _holidays(country: str) -> holidays.HolidayBase | frozenset[object]:
    if not country:
        return frozenset()
    return holidays.country_holidays(country)
