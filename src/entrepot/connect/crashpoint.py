"""Named places where a rehearsal may kill the process; inert unless one is armed.

`ENTREPOT_CRASH_POINTS` names a folder. A file in it with the name of a point is a strike: the
first process that passes the point removes the file and dies by SIGKILL, as if the power had
gone. Every passing is counted only when armed, so that production pays one comparison.
"""

import os
import signal
from pathlib import Path

_folder = os.environ.get("ENTREPOT_CRASH_POINTS", "")

# Around every outside effect and every commit that an acknowledgement stands on.
POINTS = frozenset(
    {
        "edge.before_commit",
        "edge.after_commit",
        "intake.after_claim",
        "intake.before_commit",
        "intake.after_commit",
        "attempt.before_intend_commit",
        "attempt.after_intend",
        "attempt.before_call",
        "attempt.after_call",
        "attempt.before_record_commit",
        "attempt.after_record",
        "attempt.before_ask",
        "attempt.after_ask",
        "job.before_run",
        "job.after_run",
    }
)


def crashpoint(name: str) -> None:
    """Die here if a strike for this point is armed."""
    if not _folder:
        return
    if name not in POINTS:
        raise ValueError(f"{name!r} is not a crash point: list it in {__name__}.POINTS")
    strike = Path(_folder) / name
    try:
        strike.unlink()
    except FileNotFoundError:
        return
    with (Path(_folder) / "struck.log").open("a") as log:
        log.write(f"{name}\n")
    os.kill(os.getpid(), signal.SIGKILL)
