"""Instants as callers give them: with their time zone, and of our time."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator


def _with_zone(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("must name its time zone, as in 2026-03-01T09:30:00Z")
    if not 1970 <= at.year < 9000:
        raise ValueError("is not an instant of our time")
    return at


Moment = Annotated[datetime, AfterValidator(_with_zone)]
