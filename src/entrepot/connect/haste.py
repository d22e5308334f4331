"""Shortens the hub's own waits, so that a rehearsal sees within minutes what takes hours.

`ENTREPOT_HASTE` says by how much: leases, deadlines of calls, the backoff of questions and retries,
settle times, polls and claims all take that part of their time, so that they keep their order among
each other. 1 unless it is set; outside the sandbox the settings refuse it.
"""

import os
from datetime import timedelta

VARIABLE = "ENTREPOT_HASTE"


def haste_in(text: str) -> float | None:
    """The factor that a text names, at least 1; None when it names none."""
    try:
        factor = float(text or "1")
    except ValueError:
        return None
    return factor if 1 <= factor <= 1000 else None


HASTE = haste_in(os.environ.get(VARIABLE, "")) or 1.0


def hurried(usual: timedelta) -> timedelta:
    """How long a wait takes here."""
    return usual / HASTE if HASTE > 1 else usual
