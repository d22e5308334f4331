"""Starts processes of the hub quickly, to be run as a process of its own.

It loads the hub's code once and forks: a process that is killed is alive again within milliseconds
instead of seconds, so that a rehearsal can kill often. Each line on standard input is a JSON object
{arguments: those of one `entrepot` command, skew_seconds: how wrong its clock is}; the answer is
the new process's id.
"""

import ctypes
import json
import os
import signal
import sys
from datetime import datetime, timedelta

import time_machine

PR_SET_PDEATHSIG = 1  # Linux, <sys/prctl.h>


def main() -> None:
    """Fork until standard input ends."""
    import django  # noqa: PLC0415 -- slow import

    django.setup()
    import entrepot.config.asgi  # noqa: PLC0415 -- Django app not ready
    import entrepot.config.urls  # noqa: PLC0415 -- likewise
    import entrepot.tasks.worker  # noqa: F401, PLC0415 -- loaded once, for every fork
    from entrepot.tasks import registry  # noqa: PLC0415 -- likewise

    registry.load()
    kernel = ctypes.CDLL(None, use_errno=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that are killed
    for line in sys.stdin:
        wish = json.loads(line)
        if pid := os.fork():
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()
            continue
        kernel.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # nothing outlives the rehearsal
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDWR), sys.stdin.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        os._exit(_live(wish["arguments"], timedelta(seconds=wish["skew_seconds"])))


def _live(arguments: list[str], skew: timedelta) -> int:
    from entrepot.cli.main import main as command_line  # noqa: PLC0415 -- loaded by now

    if skew:
        wrong = datetime.now().astimezone() + skew  # noqa: TID251 -- the machine's own clock
        time_machine.travel(wrong, tick=True).start()
    return command_line(arguments)


if __name__ == "__main__":
    main()
