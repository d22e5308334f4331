"""The inbox: what became of each message, its bytes without personal data, replay, discard."""

import html
import json
import re
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.access.states import Role
from entrepot.canon.orders import Mode
from entrepot.connect.webhook import Refused, hmac_sha256_base64
from entrepot.connections import services as connections
from entrepot.events.models import Event
from entrepot.inbox import services
from entrepot.inbox.models import InboxMessage, InboxOutcome, InboxWork, Refusal
from entrepot.inbox.states import Outcome
from entrepot.inbox.storing import Incoming
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene

BODY = json.dumps(
    {
        "id": 10495,
        "number": "10495",
        "total": "74.50",
        "currency": "EUR",
        "billing": {"first_name": "Jimena", "email": "jimena@correo.example", "city": "A Coruña"},
        "line_items": [{"name": "Fähre um sechs", "sku": "CNV-FAE-6080", "quantity": 2}],
    },
    ensure_ascii=False,
).encode()


def received(
    scene: Scene,
    body: bytes = BODY,
    *,
    times: int = 1,
    source: str = "webhook",
    dedupe_key: str = "",
) -> int:
    """Store a message as the edge does, a number of times."""
    with scope.system():
        stored = services.store(
            [
                Incoming(
                    merchant_id=scene.merchant.id,
                    connection_id=scene.connections["shop"].id,
                    mode="live",
                    source=source,
                    topic="order.updated",
                    body=body,
                    headers={"x-wc-webhook-topic": "order.updated", "cookie": "session=abc"},
                    dedupe_key=dedupe_key,
                )
            ]
            * times
        )
    return stored[0].message_id


def parked(scene: Scene, reason: str) -> int:
    """A message that could not be applied."""
    message_id = received(scene, dedupe_key=reason)
    with scope.system():
        services.park(message_id, reason=reason)
    return message_id


def refused(scene: Scene, *, body: bytes = BODY, signature: str = "Hg6WtRWt") -> int:
    """A delivery whose signature did not hold."""
    services.refuse(
        connection_id=scene.connections["shop"].id,
        merchant_id=scene.merchant.id,
        refused=Refused("signature_mismatch", expected="one of 2 secrets", seen=signature),
        status_code=401,
        headers={"x-wc-webhook-signature": signature, "x-wc-webhook-topic": "order.updated"},
        body=body,
    )
    with scope.merchant(scene.merchant.id):
        return Refusal.objects.latest("id").id


def page_of(client: Client, path: str) -> str:
    """A page that opened."""
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_the_list_tells_messages_repeats_and_refusals_apart(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    once = received(empty_scene, b'{"id": 1}')
    thrice = received(empty_scene, times=3)
    stuck = parked(empty_scene, "unknown currency XAX")
    disbelieved = refused(empty_scene)
    client = sign_in(empty_scene)

    everything = page_of(client, "/inbox/")
    repeated = page_of(client, "/inbox/?outcome=repeated")
    standing = page_of(client, "/inbox/?outcome=parked")
    refusals = page_of(client, "/inbox/?outcome=refused")

    assert all(f"m-{one}<" in everything for one in (once, thrice, stuck))
    assert f"m-{thrice}<" in repeated
    assert "came 3 times" in repeated
    assert f"m-{once}<" not in repeated
    assert "unknown currency XAX" in standing
    assert f"m-{thrice}<" not in standing
    assert f"r-{disbelieved}<" in refusals
    assert "Signature does not match" in refusals


def test_a_message_hides_personal_data_until_somebody_looks_and_is_recorded(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    message_id = received(empty_scene)
    client = sign_in(empty_scene, Role.SUPPORT)

    masked = page_of(client, f"/inbox/{message_id}/")
    revealed = client.post(f"/inbox/{message_id}/reveal/").content.decode()

    assert "Jimena" not in masked
    assert "correo.example" not in masked
    assert "A Coruña" in masked
    assert "Fähre um sechs" in masked
    assert "session=abc" not in masked
    assert "Jimena" in revealed
    assert "jimena@correo.example" in revealed
    with scope.merchant(empty_scene.merchant.id):
        looked = Event.objects.get(name="customer.revealed")
    assert (looked.subject_kind, looked.subject_id) == ("inbox", message_id)
    assert looked.actor == f"user:{empty_scene.people[Role.SUPPORT].id}"


def test_a_replay_shows_its_effect_first_and_then_runs_the_message_again(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    message_id = parked(empty_scene, "unknown currency XAX")
    client = sign_in(empty_scene)

    preview = page_of(client, f"/inbox/several/replay/?message={message_id}")
    client.post(
        "/inbox/several/replay/", {"message": message_id, "reason": "currency is known now"}
    )

    assert "Replay 1 message" in preview
    assert "sent again" in preview
    with scope.merchant(empty_scene.merchant.id):
        assert not InboxWork.objects.get(message_id=message_id).is_parked
        event = Event.objects.get(name="inbox.replayed")
    assert event.reason == "currency is known now"


def test_only_parked_messages_are_discarded(empty_scene: Scene, sign_in: SignIn) -> None:
    stuck = parked(empty_scene, "totals do not add up")
    waiting = received(empty_scene, b'{"id": 2}')
    client = sign_in(empty_scene)

    client.post(
        "/inbox/several/discard/", {"message": [stuck, waiting], "reason": "test order of ours"}
    )

    with scope.merchant(empty_scene.merchant.id):
        assert InboxOutcome.objects.latest("id").outcome == Outcome.DISCARDED
        assert list(InboxWork.objects.values_list("message_id", flat=True)) == [waiting]


def test_a_refusal_names_its_check_and_whether_anything_is_lost(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    refusal_id = refused(empty_scene)
    client = sign_in(empty_scene)

    before = page_of(client, f"/inbox/refused/{refusal_id}/")
    by_poll = received(empty_scene, source="poll")
    after = page_of(client, f"/inbox/refused/{refusal_id}/")

    assert "Signature does not match" in before
    assert "one of 2 secrets" in before
    assert "Nothing is lost" not in before
    assert "Nothing is lost" in after
    assert f"m-{by_poll}" in after


def test_a_refused_delivery_can_be_verified_with_another_secret(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    signature = hmac_sha256_base64(b"the new secret", BODY)
    refusal_id = refused(empty_scene, signature=signature)
    client = sign_in(empty_scene)

    wrong = client.post(f"/inbox/refused/{refusal_id}/", {"secret": "the old secret"})
    right = client.post(f"/inbox/refused/{refusal_id}/", {"secret": "the new secret"})

    assert "does not match with it, too" in wrong.content.decode()
    assert "The delivery is genuine" in right.content.decode()


def test_another_merchants_message_does_not_exist(
    empty_scene: Scene, other_merchant: Merchant, sign_in: SignIn
) -> None:
    theirs = connections.add_connection(
        other_merchant.id, platform="by_hand", mode=Mode.LIVE, name="倉庫", settings={}
    )
    with scope.system():
        stored = services.store(
            [
                Incoming(
                    merchant_id=other_merchant.id,
                    connection_id=theirs.id,
                    mode="live",
                    source="poll",
                    topic="orders",
                    body=b'{"id": 7}',
                )
            ]
        )
    client = sign_in(empty_scene)

    assert client.get(f"/inbox/{stored[0].message_id}/").status_code == 404
    assert f"m-{stored[0].message_id}<" not in page_of(client, "/inbox/")


def test_a_viewer_sees_who_may_open_the_inbox(empty_scene: Scene, sign_in: SignIn) -> None:
    answer = sign_in(empty_scene, Role.VIEWER).get("/inbox/")

    assert answer.status_code == 403
    assert "Ólafur Þór" in answer.content.decode()


def aged(scene: Scene, message_id: int, span: timedelta) -> int:
    """Let a message have come that long ago."""
    with scope.system():
        InboxMessage.objects.filter(id=message_id).update(received_at=timezone.now() - span)
    return message_id


def test_what_came_in_the_last_hour_is_replayed_as_a_whole_after_a_preview(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    early = aged(empty_scene, parked(empty_scene, "unknown currency XAX"), timedelta(hours=3))
    late = [
        aged(empty_scene, parked(empty_scene, f"unknown currency {code}"), timedelta(minutes=40))
        for code in ("XBX", "XCX")
    ]
    client = sign_in(empty_scene)

    listed = page_of(client, "/inbox/?since=hour")
    preview = page_of(client, "/inbox/several/replay/?all=1&since=hour")
    client.post("/inbox/several/replay/", {"message": late, "reason": "currencies are known"})

    assert all(f"m-{one}<" in listed for one in late)
    assert f"m-{early}<" not in listed
    assert "Replay 2 messages" in preview
    assert f'name="message" value="{early}"' not in preview
    with scope.merchant(empty_scene.merchant.id):
        still = InboxWork.objects.filter(is_parked=True).values_list("message_id", flat=True)
        assert list(still) == [early]


def test_more_than_a_round_takes_is_said_and_the_next_round_begins_with_the_rest(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    with scope.system():
        stored = services.store(
            [
                Incoming(
                    merchant_id=empty_scene.merchant.id,
                    connection_id=empty_scene.connections["shop"].id,
                    mode="live",
                    source="webhook",
                    topic="order.updated",
                    body=json.dumps({"id": number}).encode(),
                    headers={},
                    dedupe_key=f"order {number}",
                )
                for number in range(503)
            ]
        )
        InboxWork.objects.all().delete()
    ids = sorted(one.message_id for one in stored)
    client = sign_in(empty_scene)

    preview = page_of(client, "/inbox/several/replay/?all=1&since=hour")
    kept = re.findall(r'name="(message|rest)" value="([^"]+)"', preview)
    asked: dict[str, object] = {name: html.unescape(value) for name, value in kept}
    asked |= {"reason": "mended", "message": [value for name, value in kept if name == "message"]}
    done = client.post("/inbox/several/replay/", asked, follow=True).content.decode()
    again = page_of(client, f"/inbox/several/replay/?all=1&{asked['rest']}")

    assert "Older ones wait for another round: one takes 500, newest first" in preview
    assert asked["rest"] == f"since=hour&before={ids[3]}"
    assert "500 messages replayed. Older ones wait for another round" in done
    assert f"m-{ids[2]}<" in done
    assert f"m-{ids[3]}<" not in done
    assert f"all=1&amp;before={ids[3]}" in done
    assert "Replay 3 messages" in again
    assert "another round" not in again


def test_the_list_of_refusals_says_whether_anything_is_lost(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    refused(empty_scene)
    other = refused(empty_scene, body=b'{"id": 10496}')
    by_poll = received(empty_scene, source="poll")
    client = sign_in(empty_scene)

    before = page_of(client, "/inbox/?outcome=refused")
    received(empty_scene, b'{"id": 10496}', source="poll")
    after = page_of(client, "/inbox/?outcome=refused")

    assert "1 of 2 did not come in otherwise yet" in before
    assert f"m-{by_poll}<" in before
    assert f"r-{other}<" in before
    assert "Nothing is lost" not in before
    assert "Nothing is lost" in after
    assert "All 2 refused deliveries" in after


def test_a_preview_leads_back_into_this_site_only(empty_scene: Scene, sign_in: SignIn) -> None:
    stuck = parked(empty_scene, "totals do not add up")

    page = page_of(
        sign_in(empty_scene), f"/inbox/several/replay/?message={stuck}&back=//evil.example/"
    )

    assert "evil.example" not in page
