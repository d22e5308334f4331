"""The loops that read the inbox: one for live news, one for imports, so that neither starves."""

import time

from entrepot.inbox.storing import IMPORT_LANE, LIVE_LANE
from entrepot.intake import drain as intake
from entrepot.tasks.registry import drain

# What comes meanwhile waits for the batch that is under way: a merchant's first order of the day
# must not wait for five hundred of another's.
BATCH_S = 0.5
FEWEST, MOST = 25, intake.BATCH


class Paced:
    """Batches of a lane, as large as can be worked on in about half a second; for one thread."""

    def __init__(self, lane: str) -> None:
        self.limit = MOST // 4
        self._lane = lane

    def read(self) -> int:
        """Work on the next batch; returns how many messages it took."""
        began = time.monotonic()
        done = intake.drain(self._lane, limit=self.limit)
        self.learn(done, time.monotonic() - began)
        return done

    def learn(self, done: int, seconds: float) -> None:
        """Fit the next batch to how long one of so many took, to twice this one's size at most."""
        if done == self.limit or (done and seconds > BATCH_S):
            fitting = int(done * BATCH_S / max(seconds, 0.001))
            self.limit = min(max(fitting, FEWEST), 2 * self.limit, MOST)


_live, _imports = Paced(LIVE_LANE), Paced(IMPORT_LANE)


@drain("intake", idle=0.25, company=0.03)
def read_live() -> int:
    """Work on the next batch of live messages."""
    return _live.read()


@drain("intake_import", idle=1.0)
def read_imports() -> int:
    """Work on the next batch of imported history."""
    return _imports.read()
