"""Given-up work that waits for a decision."""

from django.db.models import QuerySet

from entrepot.deadletters.models import DeadLetter
from entrepot.deadletters.states import Status


def waiting(merchant_id: int) -> QuerySet[DeadLetter]:
    """Letters that nobody has decided about, the newest first."""
    return DeadLetter.objects.filter(merchant_id=merchant_id, status=Status.WAITING).order_by(
        "-buried_at", "-id"
    )


def waiting_count(merchant_id: int) -> int:
    """How many letters wait; a count over their partial index."""
    return waiting(merchant_id).order_by().count()


def waiting_of_order(merchant_id: int, order_id: int) -> QuerySet[DeadLetter]:
    """Letters about one order that wait, the newest first."""
    return waiting(merchant_id).filter(order_id=order_id)
