"""What follows when a platform refuses our credentials: the connection stops, its jobs wait."""

from datetime import timedelta

from entrepot.connect.errors import Misconfigured
from entrepot.connect.haste import hurried
from entrepot.connections.faults import refuse_call
from entrepot.tasks.retry import Snooze

# A wrong password does not repair itself within seconds; once it is repaired, what waits for it is
# mostly told at once, by `effects.go_on`.
LOOK_AGAIN_AFTER = hurried(timedelta(minutes=15))


def stopped(connection_id: int, *, merchant_id: int, error: Misconfigured) -> Snooze:
    """Stop the connection until a person has acted, once for all its jobs; what each is told."""
    refuse_call(connection_id, merchant_id=merchant_id, reason=str(error))
    return Snooze(LOOK_AGAIN_AFTER, f"the connection stops until a person has acted: {error}")
