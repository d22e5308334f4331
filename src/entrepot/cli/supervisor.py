"""Keeps the hub's processes running: starts them, restarts what dies, ends them in order."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

# A child that lives this long was healthy: its next death counts as the first.
HEALTHY_AFTER_S = 60.0
RESTART_DELAYS_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
DRAIN_S = 30.0
TICK_S = 0.1
BEGIN = b"\n"


@dataclass(slots=True, kw_only=True)
class Child:
    """One process to keep running. What the others call while they drain `ends_last`."""

    name: str
    command: Sequence[str]
    descriptors: tuple[int, ...] = ()
    ends_last: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started_at: float = field(default=0.0, init=False)
    start_at: float = field(default=0.0, init=False)
    deaths: int = field(default=0, init=False)


class Supervisor:
    """Watches children until told to stop.

    Each child's standard input is a pipe. One byte in it says that the child may begin; until then
    it loads its code. The pipe closes when the supervisor dies, even by SIGKILL, and the child ends
    itself (see roles.py).
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        environment: Mapping[str, str],
        report: Callable[[str], None],
        each_tick: Callable[[], None] = lambda: None,
        may_begin: bool = True,
    ) -> None:
        self._children = children
        self._environment = {**os.environ, **environment}
        self._report = report
        self._each_tick = each_tick
        self.may_begin = may_begin

    def run(self, stop: threading.Event) -> None:
        """Keep every child running until `stop` is set, then drain them."""
        try:
            while not stop.is_set():
                for child in self._children:
                    self._tend(child)
                self._each_tick()
                stop.wait(TICK_S)
        finally:
            self._drain()

    def let_begin(self) -> None:
        """Let the children begin, those that run and those that will; for `may_begin=False`."""
        self.may_begin = True
        for child in self._children:
            if child.process is not None:
                _say_begin(child.process)

    def _tend(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_at:
                self._start(child, now)
            return
        code = child.process.poll()
        if code is None or not self.may_begin:
            return  # what ends it so early is said by whatever keeps it from beginning
        if now - child.started_at >= HEALTHY_AFTER_S:
            child.deaths = 0
        delay = RESTART_DELAYS_S[min(child.deaths, len(RESTART_DELAYS_S) - 1)]
        child.deaths += 1
        child.start_at = now + delay
        self._close(child)
        self._report(f"{child.name} ended ({_cause(code)}), starting it again in {delay:g} s")

    def _start(self, child: Child, now: float) -> None:
        child.process = subprocess.Popen(  # noqa: S603 -- our own command, no shell
            child.command,
            stdin=subprocess.PIPE,
            env=self._environment,
            pass_fds=child.descriptors,
            start_new_session=True,  # a terminal's Ctrl-C is ours to pass on
        )
        child.started_at = now
        if self.may_begin:
            _say_begin(child.process)

    def _drain(self) -> None:
        running = [child for child in self._children if child.process is not None]
        self._end([child for child in running if not child.ends_last])
        self._end([child for child in running if child.ends_last])

    def _end(self, children: Sequence[Child]) -> None:
        for child in children:
            assert child.process is not None
            child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + DRAIN_S
        for child in children:
            assert child.process is not None
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._report(f"{child.name} did not end within {DRAIN_S:g} s: killed")
                child.process.kill()
                child.process.wait()
            self._close(child)

    @staticmethod
    def _close(child: Child) -> None:
        assert child.process is not None
        if child.process.stdin is not None:
            with suppress(BrokenPipeError):
                child.process.stdin.close()
        child.process = None


def _say_begin(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it has ended already, and is started again
        process.stdin.write(BEGIN)
        process.stdin.flush()


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
