"""Named places where a rehearsal may kill the process; inert unless one is armed.

`ENTREPOT_CRASH_POINTS` names a folder. A file in it with the name of a point is a strike: the
first process that passes the point removes the file and dies by SIGKILL, as if the power had
gone; where the file says "freeze" it stops there instead, until somebody wakes it. What struck is
kept in `struck.log`, a point a line, frozen ones with their process. Every passing is counted only
when armed, so that production pays one comparison.
"""

import os
import signal
from pathlib import Path

FREEZE = "freeze"
_folder = os.environ.get("ENTREPOT_CRASH_POINTS", "")

# An effect is named as its attempts are; a step as the protocol of attempts/services.py has it.
EFFECTS = (
    "submit",
    "cancel",
    "change_recipient",
    "change_shipping",
    "refund",
    "capture",
    "void",
    "write_back",
    "mail",
)
STEPS = (
    "before_intend_commit",
    "after_intend",
    "before_call",
    "after_call",
    "before_record_commit",
    "after_record",
    "before_ask",
    "after_ask",
)
# Around every outside effect and every commit that an acknowledgement stands on.
POINTS = frozenset(
    {
        "edge.before_commit",
        "edge.after_commit",
        "intake.after_claim",
        "intake.before_commit",
        "intake.after_commit",
        "job.before_run",
        "job.after_run",
        *(f"{effect}.{step}" for effect in EFFECTS for step in STEPS),
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
        is_freeze = strike.read_text() == FREEZE
        strike.unlink()
    except FileNotFoundError:
        return
    with (Path(_folder) / "struck.log").open("a") as log:
        log.write(f"{name} {os.getpid()}\n" if is_freeze else f"{name}\n")
    os.kill(os.getpid(), signal.SIGSTOP if is_freeze else signal.SIGKILL)
