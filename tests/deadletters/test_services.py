"""Work that gave up is kept, grouped by cause, and run again or discarded by a person."""

from collections.abc import Iterator

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.deadletters import queries, services
from entrepot.deadletters.models import DeadLetter
from entrepot.deadletters.services import NewDeadLetter, Replay
from entrepot.deadletters.states import Status
from entrepot.events.models import Event


@pytest.fixture
def deferred() -> Iterator[list[Replay]]:
    """What was deferred again; the installed replayer is put back afterwards."""
    before = list(services._replayers)
    jobs: list[Replay] = []
    services.install_replayer(jobs.extend)
    yield jobs
    services._replayers[:] = before


def bury(merchant: Merchant, error: str, **changes: object) -> DeadLetter:
    values: dict[str, object] = {
        "merchant_id": merchant.id,
        "task": "fulfillment.submit",
        "arguments": {"merchant_id": merchant.id, "subject_id": 31},
        "error": error,
        "tries": 13,
        "order_id": 17,
    }
    return services.bury(NewDeadLetter(**(values | changes)))  # type: ignore[arg-type]


def statuses(merchant: Merchant) -> dict[int, str]:
    with scope.merchant(merchant.id):
        rows = DeadLetter.objects.filter(merchant_id=merchant.id)
        return dict(rows.values_list("id", "status"))


def test_letters_of_one_cause_share_a_fingerprint(merchant: Merchant) -> None:
    bury(merchant, "UnexpectedResponse: order 10482 has stage 'Melting'", order_id=17)
    bury(merchant, "UnexpectedResponse: order 10483 has stage 'Gärung'", order_id=18)
    bury(merchant, "KeyError: lines", order_id=18)

    with scope.merchant(merchant.id):
        fingerprints = [letter.fingerprint for letter in queries.waiting(merchant.id)]
        count = queries.waiting_count(merchant.id)

    assert count == 3
    key_error, second, first = fingerprints
    assert first == second != key_error


def test_an_e_mail_address_never_enters_a_letter(merchant: Merchant) -> None:
    letter = bury(
        merchant,
        "Rejected: <mareike.voß@example.org> is unknown",
        detail="File x\nValueError: mareike@example.org",
    )

    assert letter.error == "Rejected: <(e-mail)> is unknown"
    assert letter.detail == "File x\nValueError: (e-mail)"


def test_replaying_defers_the_same_work_once(merchant: Merchant, deferred: list[Replay]) -> None:
    first, second = bury(merchant, "KeyError: a"), bury(merchant, "KeyError: b")

    done = services.replay(
        [first.id, second.id], merchant_id=merchant.id, by="user:3", reason="mapping repaired"
    )
    again = services.replay([first.id], merchant_id=merchant.id, by="user:3", reason="once more")

    assert (done, again) == (2, 0)
    assert sorted(job.dead_letter_id for job in deferred) == [first.id, second.id]
    assert deferred[0].arguments == {"merchant_id": merchant.id, "subject_id": 31}
    assert set(statuses(merchant).values()) == {Status.REPLAYED}
    with scope.merchant(merchant.id):
        event = Event.objects.filter(merchant_id=merchant.id, name="deadletter.replayed").first()
    assert event is not None
    assert (event.actor, event.reason, event.order_id) == ("user:3", "mapping repaired", 17)


def test_a_job_that_cannot_be_deferred_leaves_its_letter_waiting(
    merchant: Merchant, deferred: list[Replay]
) -> None:
    def refuse(jobs: list[Replay]) -> None:
        raise LookupError(jobs[0].task)

    letter = bury(merchant, "KeyError: a")
    services.install_replayer(refuse)

    with pytest.raises(LookupError):
        services.replay([letter.id], merchant_id=merchant.id, by="user:3", reason="again")

    assert statuses(merchant) == {letter.id: Status.WAITING}


def test_discarding_needs_a_reason_and_ends_it(merchant: Merchant) -> None:
    letter = bury(merchant, "KeyError: a")

    with pytest.raises(services.ReasonMissing):
        services.discard([letter.id], merchant_id=merchant.id, by="user:3", reason="")
    done = services.discard([letter.id], merchant_id=merchant.id, by="user:3", reason="test order")

    assert done == 1
    assert statuses(merchant) == {letter.id: Status.DISCARDED}


def test_nobody_decides_about_another_merchants_letters(
    merchant: Merchant, other_merchant: Merchant, deferred: list[Replay]
) -> None:
    letter = bury(merchant, "KeyError: a")

    done = services.replay([letter.id], merchant_id=other_merchant.id, by="user:9", reason="mine")

    assert done == 0
    assert deferred == []
    assert statuses(merchant) == {letter.id: Status.WAITING}


def test_the_installations_own_work_can_give_up_too(merchant: Merchant) -> None:
    letter = bury(merchant, "OSError: disk full", merchant_id=0, order_id=None, task="upkeep.run")

    with scope.system():
        assert [row.id for row in queries.waiting(0)] == [letter.id]
    assert statuses(merchant) == {}
