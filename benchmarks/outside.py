"""The platforms of the river's benchmarks, in a process of their own.

The sandbox as it is, at the speed of the real clock, with sales drawn beforehand. A sale stands in
its shop's books from the moment at which the load client tells the hub of it, and not before, so
that no poll is faster than the webhook. Beside the sandbox's own addresses:

    POST /benchmark/draw    {count, seed}: draw plain sales -> {sales: [{mount, reference, body}]}
    POST /benchmark/begin   {at, per_second, first, count}: those sales happen from that instant on
    POST /benchmark/dials   {production_s, journey_s, tells}: how fast providers and carriers are,
                            and whether they send webhooks
    GET  /benchmark/taken   every order at the provider: [[reference, when it was taken]]
    GET  /benchmark/counts  {taken, completed, delivered}: orders at the provider, orders completed
                            in their shop, and parcels that arrived
"""

import argparse
import socket
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import uvicorn

from entrepot.connect.simulator import Clock, Receive, Send
from entrepot.connect.world import Turn
from entrepot.connectors.easypost.simulator import EasyPostSimulator
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.connectors.woocommerce.hooks import encoded
from entrepot.connectors.woocommerce.simulator import WooCommerce
from entrepot.sandbox.app import Sandbox
from entrepot.sandbox.selling import draw
from entrepot.sandbox.world import World

# Of the drawn sales about a third are plain ones at a shop.
DRAWN_PER_PLAIN = 3.5
NEVER = 10_000_000.0
BLINK_S = 0.02


class Outside(Sandbox):
    """The sandbox, and what a benchmark asks of it."""

    def __init__(self) -> None:
        super().__init__(World(clock=Clock()))
        self._waiting: list[tuple[WooCommerce, Any]] = []
        self._begun: deque[tuple[float, int]] = deque()
        self._answers: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("POST", "draw"): self._draw,
            ("POST", "begin"): self._begin,
            ("POST", "dials"): self._dials,
            ("GET", "taken"): self._taken,
            ("GET", "counts"): self._counts,
        }

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request, or the server's start and end."""
        head, _, rest = scope.get("path", "").lstrip("/").partition("/")
        answer = self._answers.get((scope.get("method", ""), rest)) if head == "benchmark" else None
        if answer is None:
            self._reveal()
            await super().__call__(scope, receive, send)
            return
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        content = msgspec.json.encode(answer(msgspec.json.decode(body + message["body"] or b"{}")))
        headers = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _draw(self, asked: dict[str, Any]) -> dict[str, Any]:
        market = self.world.market
        count = int(asked["count"])
        plain = (
            (mount, sale)
            for mount, sale in draw(
                market,
                count=round(count * DRAWN_PER_PLAIN) + 100,
                seed=int(asked["seed"]),
                first=len(self._waiting) + 1,
            )
            if sale.turn is Turn.PLAIN
            and mount
            and not any(line.good.made_as == "sticker" for line in sale.lines)
        )
        told = []
        for (mount, sale), _ in zip(plain, range(count), strict=False):
            shop = self.world.places[mount].simulator
            assert isinstance(shop, WooCommerce)
            shop.shop.hooks.is_silent = True
            sold = self.world.places[mount].sell(sale, lambda _money, _note: "")
            shop.shop.hooks.is_silent = False
            row = shop.shop.sales.pop(int(sold.external_id))
            self._waiting.append((shop, row))
            body = encoded(shop.shop.render.order(row)).decode()
            account = shop.options.site_url.removeprefix("https://")
            reference = f"test!{account}/{sold.external_id}/1/1"
            told.append({"mount": mount, "reference": reference, "body": body})
        return {"sales": told}

    def _begin(self, asked: dict[str, Any]) -> dict[str, Any]:
        first, apart = int(asked["first"]), 1 / float(asked["per_second"])
        self._begun.extend(
            (float(asked["at"]) + number * apart, first + number)
            for number in range(int(asked["count"]))
        )
        return {}

    def _reveal(self) -> None:
        """Put sales into their shops' books whose moment is there, or will be in a blink."""
        now = time.time() + BLINK_S
        while self._begun and self._begun[0][0] <= now:
            shop, row = self._waiting[self._begun.popleft()[1]]
            shop.shop.sales[row.id] = row

    def _dials(self, asked: dict[str, Any]) -> dict[str, Any]:
        seconds = float(asked["production_s"])
        for place in self.world.places.values():
            simulator = place.simulator
            if isinstance(simulator, ProdigiSimulator):
                simulator.dials.download = simulator.dials.preparation = timedelta(seconds=1)
                simulator.dials.labs_apart = timedelta(seconds=0)
                simulator.dials.production = timedelta(seconds=seconds)
            elif isinstance(simulator, EasyPostSimulator):
                simulator.dials.journey = timedelta(seconds=float(asked["journey_s"]))
                simulator.dials.failure = simulator.dials.return_to_sender = 0.0
            if not isinstance(simulator, WooCommerce):
                simulator.faults.delay_webhook = 0.0 if asked["tells"] else 1.0
                simulator.faults.delay_seconds = NEVER
        return {}

    def _taken(self, _: dict[str, Any]) -> list[tuple[str, float]]:
        return [
            (order.reference, order.created_at.timestamp())
            for place in self.world.places.values()
            if isinstance(place.simulator, ProdigiSimulator)
            for order in place.simulator.orders.values()
        ]

    def _counts(self, _: dict[str, Any]) -> dict[str, int]:
        simulators = [place.simulator for place in self.world.places.values()]
        return {
            "taken": sum(
                len(one.orders) for one in simulators if isinstance(one, ProdigiSimulator)
            ),
            "completed": sum(
                sale.status == "completed"
                for one in simulators
                if isinstance(one, WooCommerce)
                for sale in one.shop.sales.values()
            ),
            "delivered": sum(
                bool(parcel.scans) and parcel.scans[-1][1] == "delivered"
                for one in simulators
                if isinstance(one, EasyPostSimulator)
                for parcel in one.parcels.values()
            ),
        }


def main() -> None:
    """Serve at an inherited socket until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--descriptor", type=int, required=True)
    with socket.socket(fileno=parser.parse_args().descriptor) as listening:
        config = uvicorn.Config(Outside(), log_config=None, access_log=False)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
