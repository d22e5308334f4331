"""Keeps months of the journal's table ready, before their first event arrives."""

from entrepot.database import sql

MONTHS_AHEAD = 3


def ensure_partitions(months_ahead: int = MONTHS_AHEAD) -> int:
    """Make the partitions of this and the coming months that are missing; return how many.

    Runs in the system's scope; upkeep calls it daily. Without it events still arrive: they fall
    into the default partition, whose month then stays there.
    """
    return int(sql.fetch_value("SELECT event_ensure_partitions(%s)", [months_ahead]))
