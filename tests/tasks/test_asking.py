"""Asking about attempts whose worker is gone."""

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts import services as attempts
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind
from entrepot.database import sql
from entrepot.obligations.models import Obligation
from entrepot.tasks import asking


def test_an_answer_is_owed_although_the_worker_died_before_it_could_promise_one(
    merchant: Merchant,
) -> None:
    with scope.merchant(merchant.id):
        lease = attempts.intend(
            merchant_id=merchant.id,
            mode="test",
            kind=Kind.CAPTURE,
            connection_id=None,
            order_id=None,
            subject=("payment", 7),
            reference="möwe/301/capture",
            generation=1,
            idempotency_key="key-301",
        )
        assert lease is not None
        attempts.begin_call(lease)
        sql.run("UPDATE attempts_attempt SET leased_until = now() - interval '1 second'")

    asking.ask(merchant_id=merchant.id, attempt_id=lease.attempt_id)

    with scope.merchant(merchant.id):
        after = Attempt.objects.get(id=lease.attempt_id)
        owed = list(
            Obligation.objects.filter(end="").values_list("kind", "subject_kind", "subject_id")
        )
    assert (after.status, after.needs_person) == ("unknown", True)
    assert owed == [("resolve", "attempt", lease.attempt_id)]
