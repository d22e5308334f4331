"""Around every call to a platform: no transaction may be open meanwhile, and many go at once."""

import contextvars
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar, cast

from django.db import connections

from entrepot.connections.call_log import gathered_calls
from entrepot.connections.models import CallRecord

Thing = TypeVar("Thing")
Answer = TypeVar("Answer")

# So many calls of one process may be on their way at the same moment.
CALLS_AT_ONCE = 32
# How long answers that are there wait for those that are about to come, to be recorded together.
COMPANY_S = 0.03


class NoCallsInsideTransaction(Exception):
    """A platform was about to be called while a transaction held its locks."""

    def __init__(self, alias: str) -> None:
        super().__init__(
            f"cannot call a platform: a transaction is open on {alias!r}."
            " Decide in one transaction, call outside, record the answer in another"
        )


@contextmanager
def outside_transaction() -> Iterator[None]:
    """Refuse to enter the block while this thread has a transaction open.

    Raises:
        NoCallsInsideTransaction: there is one.
    """
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            raise NoCallsInsideTransaction(connection.alias)
    yield


@dataclass(frozen=True, slots=True)
class Ended(Generic[Thing, Answer]):
    """How a call about a thing ended: with an answer or an error; and what went over the wire."""

    thing: Thing
    answer: Answer | None
    error: Exception | None
    calls: Sequence[CallRecord]

    def answered(self) -> Answer:
        """The answer. Raises the error where there is one."""
        if self.error is not None:
            raise self.error
        return cast("Answer", self.answer)


def side_by_side(
    call: Callable[[Thing], Answer], things: Sequence[Thing]
) -> Iterator[list[Ended[Thing, Answer]]]:
    """Call about each thing at the same time; what ends within a moment of each other, together.

    Each call runs in this context, in a thread of its own unless it is the only one, and gives its
    thread's database connections back. What went over the wire is handed out to be kept with what
    is recorded of it (`connections.call_log.keep_calls`).

    Raises:
        NoCallsInsideTransaction: one is open.
    """
    with outside_transaction():
        connections.close_all()  # the calls need some themselves, and there are not so many
        if len(things) == 1:
            yield [_tried(call, things[0])]
            return
        under_way: set[Future[Ended[Thing, Answer]]] = {
            _callers().submit(contextvars.copy_context().run, _in_thread, call, thing)
            for thing in things
        }
        while under_way:
            wait(under_way, return_when=FIRST_COMPLETED)
            done, under_way = wait(under_way, timeout=COMPANY_S)
            yield [future.result() for future in done]


@cache
def _callers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="call")


def _in_thread(call: Callable[[Thing], Answer], thing: Thing) -> Ended[Thing, Answer]:
    try:
        return _tried(call, thing)
    finally:
        connections.close_all()


def _tried(call: Callable[[Thing], Answer], thing: Thing) -> Ended[Thing, Answer]:
    with gathered_calls() as calls:
        try:
            return Ended(thing, call(thing), None, calls)
        except Exception as error:  # noqa: BLE001 -- sorted by whoever asked; the others go on
            return Ended(thing, None, error, calls)
