"""Turns on a lane's threads: the urgent before the early, and none is lost."""

import asyncio
from collections.abc import Iterable
from itertools import count, repeat

from entrepot.tasks.turns import Apart, Turns


async def _settled(rounds: int = 10) -> None:
    """Let everything go on that can."""
    for _ in range(rounds):
        loop = asyncio.get_running_loop()
        comes = loop.create_future()
        loop.call_soon(comes.set_result, None)
        await comes


async def _order_of(
    priorities: Iterable[int], *, at_once: int, merchants: Iterable[int] = repeat(1)
) -> list[int]:
    """In which order those get their turn who all wait behind `at_once` others; by their place.

    The others are merchant 1's.
    """
    turns = Turns(at_once)
    may_end = asyncio.Event()
    began: list[int] = []

    async def hold() -> None:
        async with turns.turn(0, 1):
            await may_end.wait()

    async def want(place: int, priority: int, merchant_id: int) -> None:
        async with turns.turn(priority, merchant_id):
            began.append(place)
            await _settled()

    holders = [asyncio.create_task(hold()) for _ in range(at_once)]
    await _settled()
    wanting = [asyncio.create_task(want(*one)) for one in zip(count(), priorities, merchants)]
    await _settled()
    assert began == []
    may_end.set()
    await asyncio.gather(*holders, *wanting)
    return began


def test_the_urgent_go_first_and_equals_in_the_order_they_came() -> None:
    assert asyncio.run(_order_of([10, 30, 20, 30, 10, 20], at_once=1)) == [1, 3, 2, 5, 0, 4]


def test_who_has_the_fewest_goes_first_however_urgent_the_others_are() -> None:
    """Two of the merchant's turns are taken; each that ends is given to whom has fewer by then."""
    priorities, merchants = [30, 30, 30, 10, 10], [1, 1, 1, 2, 3]

    order = asyncio.run(_order_of(priorities, at_once=3, merchants=merchants))

    assert order == [3, 4, 0, 1, 2]


def test_several_have_turns_at_the_same_time() -> None:
    order = asyncio.run(_order_of([10, 20, 30, 30, 20], at_once=2))

    assert set(order[:2]) == {2, 3}
    assert order[-1] == 0


def test_those_who_run_apart_go_one_by_one_the_urgent_first_and_keep_no_turn_from_others() -> None:
    async def run() -> list[str]:
        apart = Apart()
        lanes = Turns(2, apart=apart), Turns(1, apart=apart)
        may_end = asyncio.Event()
        began: list[str] = []

        async def want(name: str, lane: Turns, priority: int, *, is_apart: bool) -> None:
            async with lane.turn(priority, 1, is_apart=is_apart):
                began.append(name)
                if is_apart:
                    await may_end.wait()
                await _settled()
                began.append(f"/{name}")

        names = [
            ("first", lanes[0], 10, True),
            ("low", lanes[0], 10, True),
            ("high", lanes[0], 30, True),
            ("beside", lanes[0], 10, False),
            ("elsewhere", lanes[1], 20, True),
            ("beside elsewhere", lanes[1], 10, False),
        ]
        tasks = []
        for name, lane, priority, is_apart in names:
            tasks.append(asyncio.create_task(want(name, lane, priority, is_apart=is_apart)))
            await _settled(1)
        await _settled(30)
        assert set(began) == {
            "first",
            "beside",
            "/beside",
            "beside elsewhere",
            "/beside elsewhere",
        }
        may_end.set()
        await asyncio.gather(*tasks)
        return [name for name in began if "beside" not in name]

    order = asyncio.run(run())

    for name in ("first", "high", "low", "elsewhere"):  # nothing of their kind between
        assert order.index(f"/{name}") == order.index(name) + 1
    assert order.index("high") < order.index("low")


def test_who_is_cancelled_while_waiting_or_just_called_takes_no_turn_with_him() -> None:
    async def run() -> list[str]:
        turns = Turns(1)
        began: list[str] = []

        async def want(name: str) -> None:
            async with turns.turn(10, 1):
                began.append(name)
                await _settled()
            if name == "a":
                tasks[2].cancel()  # its turn has come just now, and it does not know yet

        tasks = [asyncio.create_task(want(name)) for name in "abc"]
        await _settled(1)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await want("d")
        return began

    assert asyncio.run(run()) == ["a", "d"]
