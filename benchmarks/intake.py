"""Intake: from the inbox to orders and everything that hangs on them, in one process and in two.

Shops' payloads of 4 KB with three lines (`sales.py`) are stored first; what is measured is the
drain that a worker runs. Run as a program of its own, this module is such a worker.
"""

import gc
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import psycopg

from benchmarks import bare, sales
from benchmarks.frame import Figure, benchmark
from benchmarks.history import filled_hub
from benchmarks.hub import fresh_hub
from entrepot.inbox.storing import IMPORT_LANE, LIVE_LANE

WARM_UP = 1_000
STORED_AT_ONCE = 200
RATE_BESIDE = "--rate-beside"
WHOLE = "an order, whole"
OTHER_STATEMENTS = "other statements"
# A part of the work, and a word that only its statements have.
PARTS = (
    ("claim the messages", "UPDATE inbox_work\n"),
    ("customers", "INTO customers_customer"),
    ("addresses", "INTO customers_postal_address"),
    ("orders", "INTO orders_order "),
    ("lines", "INTO orders_line"),
    ("tax lines", "INTO orders_tax_line"),
    ("search terms", "INTO search_term"),
    ("payments", "INTO payments_entry"),
    ("recount units and money", "IS DISTINCT FROM ("),
    ("suspected duplicates", "twin AS ("),
    ("payments that waited for it", "waiting AS MATERIALIZED"),
    ("lock what is known", "FOR UPDATE OF o\n"),
    ("events", "INTO event ("),
    ("end the messages", "INTO inbox_outcome"),
)


@benchmark(title="Intake", order=20)
def intake(*, orders: int = 6_000) -> Iterator[Figure]:
    """From the inbox to order, lines, taxes, customer, addresses, payment, events and jobs.

    Orders are new, of three lines, 4 KB each, from three shops. The baseline upserts the same rows,
    every one that the intake writes, from parameters that are ready, in batches of the same size,
    into tables with nothing but their keys.
    """
    with fresh_hub() as server:
        shops = sales.add_shops()
        number = store(shops, 1, WARM_UP)
        drained()  # orders have the ids 1 to WARM_UP now
        url = server.url("entrepot")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")  # autovacuum does within a minute
        gc.collect()
        gc.freeze()  # as a worker does
        first = number
        number = store(shops, number, orders)
        one = _rate(drained, orders)
        yield Figure(
            name="applied, one process",
            value=one,
            unit="/s",
            n=orders,
            baseline=bare.upsert_rate(url, after=WARM_UP),
            against="the bare upsert of the same rows",
            at_least=2_500,
            ratio_at_least=0.4,
        )
        yield Figure(
            name="bare upsert of orders, lines, customers and payments only",
            value=bare.upsert_rate(url, after=WARM_UP, tables=bare.NARROW),
            unit="/s",
            n=orders,
        )
        number = store(shops, number, 2 * orders)
        yield Figure(
            name="applied, two processes",
            value=_rate_of_workers(2, 2 * orders),
            unit="/s",
            n=2 * orders,
            baseline=one,
            against="one process",
            ratio_at_least=1.5,
        )
        store(shops, first, orders // 2, version=1, status="completed")
        number = store(shops, number, orders // 2)
        yield Figure(
            name="applied, half of them news of known orders",
            value=_rate(drained, orders // 2 * 2),
            unit="/s",
            n=orders // 2 * 2,
        )
        number = store(shops, number, orders)
        costs = _costs()
        store(shops, number, orders)
        yield from _table(costs | {"read and check": _seconds_of_reading(orders)}, orders)


@benchmark(title="Intake beside a million orders", order=21, is_long=True)
def intake_at_size(*, known: int = 1_000_000, orders: int = 4_000) -> Iterator[Figure]:
    """The same in a hub that knows a million orders, which are made first if need be."""
    yield Figure(
        name=f"applied beside {known:,} orders, one process",
        value=_rate_beside(known, orders),
        unit="/s",
        n=orders,
        baseline=_rate_beside(0, orders),
        against="on an empty database",
        ratio_at_least=0.9,
    )


def store(shops: Sequence[sales.Selling], first: int, count: int, **said: Any) -> int:
    """Put messages into the inbox, as the edge does; returns the first number that is not used."""
    from entrepot.access import scope  # noqa: PLC0415 -- app not ready
    from entrepot.inbox import services as inbox  # noqa: PLC0415 -- likewise

    for begin in range(first, first + count, STORED_AT_ONCE):
        numbers = range(begin, min(begin + STORED_AT_ONCE, first + count))
        with scope.system():
            inbox.store([sales.delivery(shops[n % len(shops)], n, **said) for n in numbers])
    return first + count


def drained(lane: str = LIVE_LANE) -> int:
    """Apply what waits in a lane, as a worker does; returns how many messages that were."""
    from entrepot.intake.drain import drain  # noqa: PLC0415 -- app not ready

    return sum(iter(lambda: drain(lane), 0))


def _rate(work: Callable[[], int], expected: int) -> float:
    began = time.perf_counter()
    done = work()
    seconds = time.perf_counter() - began
    if done != expected:
        raise RuntimeError(f"{done} of {expected} messages were taken")
    return round(done / seconds)


def _rate_of_workers(count: int, expected: int) -> float:
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "benchmarks.intake"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(count)
        ]
        for worker in workers:
            _heard(worker)  # it is ready
        return _rate(lambda: _work_of(workers), expected)


def _work_of(workers: Sequence["subprocess.Popen[str]"]) -> int:
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    return sum(int(_heard(worker)) for worker in workers)


def _rate_beside(known: int, orders: int) -> float:
    """The rate in a hub of so many orders; in a process of its own, as there is one Django each."""
    command = [sys.executable, "-m", "benchmarks.intake", RATE_BESIDE, str(known), str(orders)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(told)


def _tell_rate_beside(known: int, orders: int) -> None:
    with filled_hub(known) if known else fresh_hub():
        shops = sales.add_shops()
        number = store(shops, 1, WARM_UP)
        drained()
        store(shops, number, orders)
        print(_rate(drained, orders))


def _heard(worker: "subprocess.Popen[str]") -> str:
    assert worker.stdout is not None
    return worker.stdout.readline()


def _costs() -> dict[str, float]:
    """Drain, and tell how long the statements of each part took, and all of it."""
    from django.db import connections  # noqa: PLC0415 -- app not ready

    from entrepot.access import scope  # noqa: PLC0415 -- likewise
    from entrepot.events import outbox  # noqa: PLC0415 -- likewise
    from entrepot.tasks import subscriptions  # noqa: PLC0415 -- likewise

    spent: defaultdict[str, float] = defaultdict(float)

    def timed(execute: Callable[..., Any], statement: str, *rest: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(statement, *rest)
        finally:
            spent[_part(statement)] += time.perf_counter() - began

    def dispatch(events: list[outbox.RecordedEvent]) -> None:
        began = time.perf_counter()
        subscriptions.dispatch(events)
        spent["jobs"] += time.perf_counter() - began

    with scope.system():
        pass  # now there is a connection to wrap
    outbox.uninstall(subscriptions.dispatch)
    outbox.install(dispatch)
    began = time.perf_counter()
    with connections["system"].execute_wrapper(timed):
        drained()
    spent[WHOLE] = time.perf_counter() - began
    outbox.uninstall(dispatch)
    outbox.install(subscriptions.dispatch)
    return dict(spent)


def _table(costs: Mapping[str, float], count: int) -> Iterator[Figure]:
    """What each addition costs, the dearest first, and what is left for everything else."""
    whole = costs[WHOLE]
    parts = {part: seconds for part, seconds in costs.items() if part != WHOLE}
    parts["make the rows, commit"] = whole - sum(parts.values())
    for part, seconds in [(WHOLE, whole), *sorted(parts.items(), key=lambda item: -item[1])]:
        yield Figure(
            name=part,
            value=round(seconds / count * 1_000_000, 1),
            unit="µs",
            n=count,
            baseline=None if part == WHOLE else round(whole / count * 1_000_000, 1),
            against="" if part == WHOLE else WHOLE,
        )


def _part(statement: str) -> str:
    return next((part for part, word in PARTS if word in statement), OTHER_STATEMENTS)


def _seconds_of_reading(count: int) -> float:
    """Unseal, parse, map and check what waits in the inbox."""
    from entrepot.access import scope  # noqa: PLC0415 -- app not ready
    from entrepot.connections.models import Connection  # noqa: PLC0415 -- likewise
    from entrepot.inbox.claiming import claim  # noqa: PLC0415 -- likewise
    from entrepot.intake.understanding import Known, understand  # noqa: PLC0415 -- likewise

    with scope.system():
        claimed = claim(limit=count)
        known = {one.id: Known.of(one) for one in Connection.objects.all()}
    began = time.perf_counter()
    for message in claimed:
        understand(message, known[message.connection_id])
    return time.perf_counter() - began


def main() -> None:
    """Say that this worker is ready, wait for the word, drain, and say how much that was."""
    import django  # noqa: PLC0415 -- the parent has set the environment

    django.setup()
    gc.freeze()  # as a worker does
    drained(IMPORT_LANE)  # nothing, but everything is loaded and connected then
    print("ready", flush=True)
    sys.stdin.readline()
    print(drained(), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == [RATE_BESIDE]:
        _tell_rate_beside(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
