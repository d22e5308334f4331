"""Jobs: lanes and clock, and dead letters by cause with replay and discard."""

import re
from datetime import timedelta

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.dashboard.reading import work
from entrepot.database import sql
from entrepot.deadletters.models import DeadLetter
from entrepot.deadletters.states import Status
from entrepot.tasks import queue
from tests.dashboard import scene as scenes
from tests.dashboard import troubles
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import page_of


def test_dead_letters_are_grouped_by_cause_and_lanes_tell_the_oldest(
    scene: Scene, sign_in: SignIn
) -> None:
    for number in ("10482", "10497"):
        troubles.bury(scene, number, "orders.write_back", "UnexpectedResponse: no id in the answer")
    with scope.merchant(scene.merchant.id):
        queue.defer([queue.Job(task="webhooks.check", args={"merchant_id": 0, "subject_id": 0})])

    page = re.sub(r"<[^>]+>|\s+", " ", page_of(sign_in(scene), "/jobs/"))

    assert re.search(r"2 dead letters\s+of\s+orders write back\s+orders.write_back", page)
    assert "no id in the answer" in page
    assert re.search(r"Bulk\s+Imports, exports, re-reads\s+In time\s+1\s+0\s+0\s", page)


def test_a_replay_previews_and_then_runs_every_letter_of_the_cause(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    scene = empty_scene
    for number in ("77", "78"):
        scenes.sell(
            scene,
            number,
            customer="Þórdís Ægisdóttir",
            country="IS",
            total="8400",
            currency="JPY",
            lines=[("CNV", "Leinwand", 2)],
            placed=timedelta(hours=2),
        )
        troubles.bury(scene, number, "webhooks.check", "Unavailable: 503 four times")
    with scope.merchant(scene.merchant.id):
        cause = work.given_up("live")[0].cause
    client = sign_in(scene)

    preview = page_of(client, f"/jobs/{cause}/replay/")
    one = page_of(client, f"/jobs/{cause}/")
    client.post(f"/jobs/{cause}/replay/", {"reason": "the shop is back"})

    assert "Replay 2 dead letters?" in preview
    assert "nothing happens twice" in preview
    assert "Unavailable: 503 four times" in one
    with scope.merchant(scene.merchant.id):
        letters = list(DeadLetter.objects.values_list("status", "reason", "ended_by"))
        waiting = sql.fetch_value(
            "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'webhooks.check'"
        )
    by = f"user:{scene.people[Role.OPERATOR].id}"
    assert letters == [(Status.REPLAYED, "the shop is back", by)] * 2
    assert waiting == 2


def test_chosen_letters_are_discarded_and_others_left(empty_scene: Scene, sign_in: SignIn) -> None:
    scene = empty_scene
    scenes.sell(
        scene,
        "79",
        customer="ليلى المنصوري",
        country="AE",
        total="412.00",
        currency="AED",
        lines=[("CNV", "Leinwand", 2)],
        placed=timedelta(hours=2),
    )
    first = troubles.bury(scene, "79", "mail.send", "Refused: mailbox full")
    troubles.bury(scene, "79", "mail.send", "Refused: mailbox full")
    client = sign_in(scene)

    client.post(
        f"/jobs/{first.fingerprint}/discard/", {"letter": first.id, "reason": "they know already"}
    )

    with scope.merchant(scene.merchant.id):
        by_status = sorted(DeadLetter.objects.values_list("status", flat=True))
    assert by_status == [Status.DISCARDED, Status.WAITING]


def test_what_a_job_was_given_is_said_in_words(scene: Scene, sign_in: SignIn) -> None:
    with scope.merchant(scene.merchant.id):
        letter = DeadLetter.objects.get()
        letter.arguments = {"order_id": 6, "reason": "a person asked", "parts": [2, 3]}
        letter.save()

    page = sign_in(scene).get(f"/jobs/{letter.fingerprint}/").content.decode()

    assert "parts [2, 3], reason “a person asked”, order id 6" in page
    assert ">order <bdi>10484</bdi></a>" in page
    assert "{&quot;" not in page


def test_a_warehouse_may_not_replay(scene: Scene, sign_in: SignIn) -> None:
    letter = troubles.bury(scene, "10482", "mail.send", "Refused: mailbox full")

    answer = sign_in(scene, Role.SUPPORT).post(
        f"/jobs/{letter.fingerprint}/replay/", {"reason": "try"}
    )

    assert answer.status_code == 403
    with scope.merchant(scene.merchant.id):
        assert DeadLetter.objects.get(id=letter.id).status == Status.WAITING
