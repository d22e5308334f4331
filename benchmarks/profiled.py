"""`entrepot worker` that says where its time goes: `python -m benchmarks.profiled FILE`.

Seconds so far by task, of the threads that ran them, twice a second as JSON. What calls to
platforms took in threads of their own is apart, and the main thread's is the queue's: taking jobs,
carrying them to threads, telling of their ends. What is left is mostly Python's own lock.
"""

import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

WRITTEN_EVERY_S = 0.5
CALLS, QUEUE, REST = "calls to platforms", "the queue", "the rest"

_seconds: dict[str, float] = defaultdict(float)
_lock = threading.Lock()


def main() -> None:
    """Work until told to stop."""
    file = Path(sys.argv.pop())
    import django  # noqa: PLC0415 -- the environment is the child's

    django.setup()
    _watch_tasks()
    clock = time.pthread_getcpuclockid(threading.main_thread().ident or 0)
    threading.Thread(target=_tell, args=(file, clock), daemon=True, name="profile").start()
    from entrepot.cli.main import main as entrepot  # noqa: PLC0415 -- likewise

    sys.argv = ["entrepot", "worker"]
    entrepot()


def _watch_tasks() -> None:
    from entrepot.tasks import calls, registry  # noqa: PLC0415 -- app not ready

    registry.load()
    for name, task in registry.TASKS.items():
        together = task.together and _timed(name, task.together)
        registry.TASKS[name] = replace(
            task, function=_timed(name, task.function), together=together
        )
    for name, drain in registry.DRAINS.items():
        registry.DRAINS[name] = replace(drain, function=_timed(name, drain.function))
    calls._in_thread = _timed(CALLS, calls._in_thread)  # noqa: SLF001 -- nobody else may see it


def _timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*args: Any, **named: Any) -> Any:
        began = time.thread_time()
        try:
            return function(*args, **named)
        finally:
            with _lock:
                _seconds[name] += time.thread_time() - began

    return timed


def _tell(file: Path, clock: int) -> None:
    while True:
        with _lock:
            told = dict(_seconds)
        told[QUEUE] = time.clock_gettime(clock)
        told[REST] = max(time.process_time() - sum(told.values()), 0.0)
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(told))
        draft.replace(file)
        time.sleep(WRITTEN_EVERY_S)


if __name__ == "__main__":
    main()
