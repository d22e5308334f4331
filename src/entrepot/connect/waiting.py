"""How long a platform asks us to wait."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# Whoever asks for more is asked again after it: a wrong clock or word must not stop us for years.
LONGEST = timedelta(days=1)
MOST_DIGITS = 9


def retry_after_of(headers: Mapping[str, str]) -> timedelta | None:
    """Read Retry-After, seconds or a date (RFC 9110, 10.2.3); None when absent or unreadable."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text)), LONGEST) if len(text) <= MOST_DIGITS else LONGEST
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    now = datetime.now(UTC)  # noqa: TID251 -- relative to the real clock
    return min(max(at - now, timedelta(0)), LONGEST)
