"""A peak hour: far more orders than a provider takes, and small merchants who sell meanwhile.

Two merchants, each with shops, a print house and carriers in a sandbox of its own. The large one's
house takes as many calls a minute as ten accounts of 120 would; its orders come as fast as the edge
takes them. The small one sells something every few seconds. Everything else is as in the river.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from benchmarks.frame import Figure, benchmark, percentile
from benchmarks.hub import fresh_hub
from benchmarks.processes import address_of, listeners, processes
from benchmarks.river import River, set_up

CALLS_PER_MINUTE = 10 * 120
OFFERED_PER_S = 100
SMALL_EVERY_S = 5.0
LOOK_EVERY_S = 2.0
# A share may be overtaken by one that is handed over beside it, in the same batch.
BESIDE_S = 10.0
LOST = """
    SELECT
        count(*),
        count(*) FILTER (WHERE share.status = 'open'),
        count(*) FILTER (WHERE attempt.status = 'accepted'),
        count(*) FILTER (WHERE share.status = 'open' AND job.id IS NULL)
    FROM fulfillment_order AS share
    LEFT JOIN attempts_attempt AS attempt
        ON attempt.kind = 'submit' AND attempt.subject_id = share.id
    LEFT JOIN pgqueuer AS job
        ON job.entrypoint = 'fulfillment.submit'
        AND (convert_from(job.payload, 'UTF8')::jsonb -> 'args' ->> 'subject_id')::bigint = share.id
    WHERE share.merchant_id = %s
"""
TURNS = """
    SELECT
        extract(epoch FROM share.submit_after)::float8,
        extract(epoch FROM attempt.called_at)::float8
    FROM fulfillment_order AS share
    JOIN attempts_attempt AS attempt ON attempt.kind = 'submit' AND attempt.subject_id = share.id
    WHERE share.merchant_id = %s AND attempt.status = 'accepted'
    ORDER BY attempt.called_at
"""


@benchmark(title="A peak hour", order=45, is_long=True)
def peak(*, orders: int = 20_000, minutes: int = 60) -> Iterator[Figure]:
    """So many orders at once for a provider that takes 1,200 calls a minute, and a small merchant.

    It ends when the provider has every order, or after so many minutes. An order was overtaken by
    how much later it was due than one that was handed over more than 10 s after it. The expected
    end is the one that a connection's tile shows once all orders are in the hub.
    """
    with _two_merchants() as (large, small):
        ends_at = time.monotonic() + 60 * minutes
        began = time.time()
        asyncio.run(large.send(orders, per_second=OFFERED_PER_S))
        planned, expected = _sell_meanwhile(large, small, orders, ends_at)
        took = time.time() - began
        small.wait_for_taken(len(planned), patience_s=10)
        taken = dict(small.get("taken"))
        waits = sorted(taken[name] - at for name, at in planned.items() if name in taken)
        kept, waiting, accepted, forgotten = large.ask(LOST, [large.merchant_id])[0]
        overtaken = _overtaken(large.ask(TURNS, [large.merchant_id]))
    yield Figure(
        name="orders that are handed over or have a job that will",
        value=kept - forgotten,
        unit="orders",
        n=orders,
        at_least=orders,
        note=f"{accepted} with the provider, {waiting} wait",
    )
    yield Figure(
        name="handed over",
        value=round(60 * accepted / took),
        unit="/min",
        n=accepted,
        baseline=CALLS_PER_MINUTE,
        against="what the provider takes",
        ratio_at_most=1.0,
    )
    yield Figure(name="overtaken, p99", value=overtaken, unit="s", n=accepted, at_most=BESIDE_S)
    if expected is not None:
        seen_at, told = expected
        yield Figure(
            name="time to the expected end of the backlog",
            value=round(told - seen_at),
            unit="s",
            n=orders,
            baseline=round(began + took - seen_at),
            against="when it ended" if not waiting else "when the run ended",
        )
    yield Figure(
        name="the small merchant's webhook to accepted, worst",
        value=round(waits[-1], 2) if waits else 60.0 * minutes,
        unit="s",
        n=len(waits),
        at_most=5,
        note=f"median {percentile(waits, 0.5):.2f} s" if waits else "none was accepted",
    )


@contextmanager
def _two_merchants() -> Iterator[tuple[River, River]]:
    with listeners(3) as (edge, outside, outside_of_small):
        settings = {
            "ENTREPOT_URL": address_of(edge),
            "ENTREPOT_SANDBOX": "1",
            "ENTREPOT_SANDBOX_URL": address_of(outside),
            "ENTREPOT_ALLOW_PRIVATE_ADDRESSES": "1",  # the other sandbox is on this machine as well
            "ENTREPOT_LOG_LEVEL": "error",
        }
        with fresh_hub(settings) as server, processes(server) as running:
            running.start("outside", "benchmarks.outside", listener=outside)
            running.start("outside of the small", "benchmarks.outside", listener=outside_of_small)
            running.start("edge", "entrepot", "edge", listener=edge)
            running.start("worker", "entrepot", "worker")
            large = set_up(server, running, address_of(edge), address_of(outside))
            small = set_up(
                server, running, address_of(edge), address_of(outside_of_small), code="kleinod"
            )
            for one in (large, small):
                one.dials(is_whole=False)
            _limit(large)
            yield large, small


def _limit(large: River) -> None:
    from entrepot.connections import services  # noqa: PLC0415 -- app not ready

    services.change_policy(
        large.connections["prodigi"],
        merchant_id=large.merchant_id,
        changes={"calls_per_minute": CALLS_PER_MINUTE, "burst": CALLS_PER_MINUTE // 60},
    )


def _sell_meanwhile(
    large: River, small: River, orders: int, ends_at: float
) -> tuple[dict[str, float], tuple[float, float] | None]:
    """Sell at the small merchant's until the large one's backlog is gone.

    Gives when each sale was told, and when the end of the backlog was asked for and what it was.
    """
    planned: dict[str, float] = {}
    expected: tuple[float, float] | None = None
    next_sale = time.monotonic()
    while time.monotonic() < ends_at and large.get("counts")["taken"] < orders:
        if time.monotonic() >= next_sale:
            next_sale += SMALL_EVERY_S
            planned |= asyncio.run(small.send(1, per_second=1))
        if expected is None and large.ask(LOST, [large.merchant_id])[0][0] >= orders:
            ends = _expected_end(large)
            expected = (time.time(), ends.timestamp()) if ends is not None else None
        time.sleep(LOOK_EVERY_S)
    return planned, expected


def _expected_end(large: River) -> datetime | None:
    from entrepot.access import scope  # noqa: PLC0415 -- app not ready
    from entrepot.fulfillment.pacing import backlogs  # noqa: PLC0415 -- likewise

    house = large.connections["prodigi"]
    with scope.merchant(large.merchant_id):
        found = backlogs({house: CALLS_PER_MINUTE / 60}).get(house)
    return found.ends_at if found is not None else None


def _overtaken(turns: list[tuple[Any, ...]]) -> float:
    """By how many seconds shares were due before one that went at least `BESIDE_S` before them."""
    late: list[float] = []
    latest_due, ahead = 0.0, 0
    for due, called_at in turns:
        while turns[ahead][1] < called_at - BESIDE_S:
            latest_due = max(latest_due, turns[ahead][0])
            ahead += 1
        late.append(max(0.0, latest_due - due))
    return round(percentile(sorted(late), 0.99), 1) if late else 0.0
