"""Starts processes of the hub quickly, to be run as a process of its own.

It loads the hub's code once and forks: a process that is killed is alive again within milliseconds
instead of seconds, so that a rehearsal can kill often. Each line on standard input is the arguments
of one `entrepot` command; the answer is the new process's id.
"""

import os
import shlex
import signal
import sys


def main() -> None:
    import django  # noqa: PLC0415 -- slow import

    django.setup()
    import entrepot.config.asgi  # noqa: PLC0415 -- Django app not ready
    import entrepot.tasks.worker  # noqa: F401, PLC0415 -- loaded once, for every fork
    from entrepot.cli.main import main as command_line  # noqa: PLC0415 -- likewise
    from entrepot.tasks import registry  # noqa: PLC0415 -- likewise

    registry.load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that are killed
    for line in sys.stdin:
        if pid := os.fork():
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDWR), sys.stdin.fileno())
        os._exit(command_line(shlex.split(line)))


if __name__ == "__main__":
    main()
