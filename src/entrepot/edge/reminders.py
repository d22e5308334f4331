"""How much is taken of what nobody has signed: anybody may send it, and each may cost a re-read."""

import time
from dataclasses import dataclass, field

# More than a print house says of some dozens of orders at once; what is above comes with the polls.
UNPROVED_AT_ONCE = 120
UNPROVED_PER_SECOND = 0.5


@dataclass(slots=True)
class Reminders:
    """One process's allowance for each connection; it grows again with time."""

    _left: dict[int, tuple[float, float]] = field(default_factory=dict)

    def take(self, connection_id: int) -> bool:
        """Whether one more may be taken now."""
        now = time.monotonic()
        left, at = self._left.get(connection_id, (float(UNPROVED_AT_ONCE), now))
        left = min(UNPROVED_AT_ONCE, left + (now - at) * UNPROVED_PER_SECOND)
        is_taken = left >= 1
        self._left[connection_id] = (left - 1 if is_taken else left, now)
        return is_taken
