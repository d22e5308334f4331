"""Webhooks leave the sandbox as they leave a platform: signed bytes, retried by plan."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from entrepot.cli.roles import listener
from entrepot.connect.posting import Post
from entrepot.connect.simulator import Clock, Delivery, Simulator
from tests.serving import serve

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
BODY = '{"name":"Straße 鴎"}'.encode()


class Receiver:
    """Answers every second delivery 500, and keeps all of them."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, str]] = []

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Any) -> None:
        body = (await receive())["body"]
        headers = dict(scope["headers"])
        self.got.append((body, headers[b"x-signature"].decode()))
        status = 500 if len(self.got) % 2 == 0 else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def deliver(simulator: Simulator, post: Post, *urls: str) -> None:
    """Post one delivery after the other, and wait until each was answered."""

    async def run() -> None:
        for number, url in enumerate(urls):
            delivery = Delivery(
                url=url,
                body=BODY,
                headers={"X-Signature": f"sig-{number}"},
                due_at=AT,
                retry_after=(timedelta(minutes=3),),
            )
            post.hand_over(simulator, delivery)
            await post.drain()
        await post.close()

    asyncio.run(run())


def test_a_refused_delivery_comes_again_after_its_wait_and_an_accepted_one_does_not() -> None:
    simulator, post, receiver = Simulator(Clock(speed=0.0, start=AT)), Post(), Receiver()

    with serve(receiver) as address:
        deliver(simulator, post, address, address, address)

    assert receiver.got == [(BODY, "sig-0"), (BODY, "sig-1"), (BODY, "sig-2")]
    assert (post.sent, post.refused, post.unanswered) == (3, 1, 0)
    assert [d.headers["X-Signature"] for d in simulator.deliveries] == ["sig-1"]
    assert simulator.due_deliveries() == []
    simulator.clock.advance(timedelta(minutes=3))
    assert [d.tries for d in simulator.due_deliveries()] == [1]
    assert post.percentile(0.5) is not None


def test_a_hub_that_is_not_there_is_tried_again() -> None:
    simulator, post = Simulator(Clock(speed=0.0, start=AT)), Post()

    with listener("127.0.0.1", 0) as closed:  # nobody listens there afterwards
        port = closed.getsockname()[1]
    deliver(simulator, post, f"http://127.0.0.1:{port}/hooks/x")

    assert (post.sent, post.refused, post.unanswered) == (1, 0, 1)
    assert len(simulator.deliveries) == 1
    assert post.percentile(0.99) is None
