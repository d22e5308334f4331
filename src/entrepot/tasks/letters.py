"""Joins the queue to the dead letters: what gives up is kept, what is replayed runs again."""

from entrepot.deadletters import services
from entrepot.deadletters.services import NewDeadLetter, Replay
from entrepot.tasks import queue
from entrepot.tasks.retry import DeadJob
from entrepot.tasks.running import DEADLY


def keep(job: DeadJob) -> None:
    """Bury a job that gave up. Jobs of the installation itself belong to merchant 0."""
    order_id = job.args.get("order_id")
    services.bury(
        NewDeadLetter(
            merchant_id=int(str(job.args.get("merchant_id") or services.INSTALLATION)),
            task=job.task,
            arguments=job.args,
            error=f"{job.kind}: {job.error}" if job.error else job.kind,
            detail=job.traceback,
            tries=job.tries,
            order_id=int(str(order_id)) if order_id else None,
            is_quarantined=job.deaths >= DEADLY,
        )
    )


def defer_again(replays: list[Replay]) -> None:
    """Defer replayed jobs with their own arguments, in the transaction of the decision."""
    queue.defer(
        [
            queue.Job(
                task=replay.task,
                args=replay.arguments,
                cause=f"dead_letter:{replay.dead_letter_id}",
            )
            for replay in replays
        ]
    )
