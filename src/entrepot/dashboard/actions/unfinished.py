"""What is left to do of orders, as jobs that carry on: each asks first, none acts twice."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Status as AttemptStatus
from entrepot.deadletters import services as deadletters
from entrepot.deadletters.models import DeadLetter
from entrepot.deadletters.states import Status as LetterStatus
from entrepot.orders.models import Order
from entrepot.tasks import queue
from entrepot.tasks.going_on import left_of
from entrepot.tasks.queue import Job
from entrepot.tasks.registry import Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """Of one order: jobs that go on, jobs that ask what is unknown, dead letters that wait."""

    jobs: list[Job] = field(default_factory=list)
    asking: list[Job] = field(default_factory=list)
    letters: list[int] = field(default_factory=list)

    @property
    def is_any(self) -> bool:
        """Whether there is anything to try again."""
        return bool(self.jobs or self.letters)


def unfinished_of_each(merchant_id: int, orders: Sequence[Order]) -> dict[int, Unfinished]:
    """What is left to do of each order, in as many queries for many as for one."""
    found = {order.id: Unfinished() for order in orders}
    for order in orders:
        if order.released_at:
            args = {"merchant_id": merchant_id, "order_id": order.id}
            found[order.id].jobs.append(Job(task="routing.plan", args=args))
    for task, rows in left_of(found).items():
        for order_id, subject_ids in _by_order(rows).items():
            args = {"merchant_id": merchant_id, "order_id": order_id}
            found[order_id].jobs.extend(
                Job(task=task, args={**args, "subject_id": subject_id})
                for subject_id in subject_ids
            )
    unknown = Attempt.objects.filter(order_id__in=found, status=AttemptStatus.UNKNOWN)
    for order_id, attempt_ids in _by_order(unknown).items():
        found[order_id].asking.extend(
            Job(
                task="attempts.ask",
                args={"merchant_id": merchant_id, "attempt_id": attempt_id},
                priority=Priority.URGENT,
            )
            for attempt_id in attempt_ids
        )
    waiting = DeadLetter.objects.filter(order_id__in=found, status=LetterStatus.WAITING)
    for order_id, letter_ids in _by_order(waiting).items():
        found[order_id].letters.extend(letter_ids)
    return found


def go_on(unfinished: Unfinished, *, merchant_id: int, by: str, reason: str) -> None:
    """Carry on with it now, in the open scope; a reason is needed where letters wait."""
    queue.defer([*unfinished.jobs, *unfinished.asking])
    if unfinished.letters:
        deadletters.replay(unfinished.letters, merchant_id=merchant_id, by=by, reason=reason)


def _by_order(rows: QuerySet[Any]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for order_id, row_id in rows.order_by("id").values_list("order_id", "id"):
        found[order_id].append(row_id)
    return found
