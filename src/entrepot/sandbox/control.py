"""The sandbox's own interface, below /control/: plain JSON in and out, for pages and checkers.

    GET  state       time, scenario, every simulator's counts, dials and deliveries, sales so far
    GET  books       what each account would swear to (see connect.world.Place.sworn)
    GET  accounts    what a hub's connections need; goods and recipes
    GET  scenarios   names and what they do
    GET  acknowledged  what the hub took: {sha256 of a body, or "message 17": when, really}
    GET  placed      every sale that happened: {sales: [...], waiting: n}
    POST draw        {count, seed, checkouts?, earlier?} -> {sales}: each with its turn and its
                     mount, or without one with a cart that needs a payment page; nothing happens
                     yet; other sales after that many earlier runs against the same hub
    POST place       {numbers}: those drawn sales happen at their storefronts -> {placed}
    POST pay         {number, url}: the customer of that cart arrives at the page
    POST sell        {count, seed}: draw and place, at storefronts only -> {placed}
    POST act         {mount, action, arguments}: something happens at one account
    POST faults      {mount or "*", dials: {name: chance}, seed?}
    POST scenario    {name, seed}
    POST clock       {speed?, jump_seconds?}; 0 freezes time, null lets it run as it did

Errors are {"error": text} with 400 or 404.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from entrepot.connect.world import Place, Sale, by_capability
from entrepot.sandbox.goods import ALL_GOODS
from entrepot.sandbox.scenarios import DIALS, SCENARIOS, play, set_dials
from entrepot.sandbox.selling import draw
from entrepot.sandbox.world import World

MOST_AT_ONCE = 20_000


class Control:
    """Answers for one world. `base_url` is where the sandbox is served."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._drawn: dict[int, tuple[str, Sale]] = {}
        self._next_number = 1
        self._speed_before = world.clock.speed or 1.0
        self._reads: dict[str, Callable[[str], Any]] = {
            "state": lambda _: self.state(),
            "books": lambda _: self.books(),
            "accounts": self.accounts,
            "scenarios": lambda _: {name: row.text for name, row in SCENARIOS.items()},
            "acknowledged": lambda _: self._world.post.acknowledged,
            "placed": lambda _: self.placed(),
        }
        self._writes: dict[str, Callable[[dict[str, Any]], Any]] = {
            "draw": self.draw,
            "place": self.place,
            "sell": self.sell,
            "pay": self.pay,
            "act": self.act,
            "faults": self.faults,
            "scenario": self.scenario,
            "clock": self.clock,
        }

    def answer(self, method: str, name: str, *, body: bytes, base_url: str) -> tuple[int, bytes]:
        """Status and JSON for one request."""
        try:
            if method == "GET" and name in self._reads:
                return 200, _encoded(self._reads[name](base_url))
            if method == "POST" and name in self._writes:
                asked = msgspec.json.decode(body or b"{}", type=dict[str, Any])
                return 200, _encoded(self._writes[name](asked))
        except KeyError as error:
            return 404, _encoded({"error": f"there is no {error.args[0]!r}"})
        except LookupError as error:
            return 404, _encoded({"error": str(error)})
        except (TypeError, ValueError) as error:
            return 400, _encoded({"error": str(error)})
        return 404, _encoded({"error": f"no {method} /control/{name}"})

    def state(self) -> dict[str, Any]:
        """Where the world stands, without its books."""
        world = self._world
        return {
            "run": world.run,
            "now": world.clock.now(),
            "speed": world.clock.speed,
            "scenario": world.scenario,
            "seed": world.seed,
            "sales_placed": len(world.placed),
            "acts_waiting": world.waiting,
            "mishaps": world.mishaps[-20:],
            "deliveries": {
                "sent": world.post.sent,
                "refused": world.post.refused,
                "unanswered": world.post.unanswered,
                "under_way": world.post.under_way,
                "acknowledged_ms_p50": world.post.percentile(0.5),
                "acknowledged_ms_p99": world.post.percentile(0.99),
            },
            "places": [_place(place) for place in world.places.values()],
        }

    def books(self) -> dict[str, Any]:
        """Everything that each account would swear to."""
        return {
            mount: {"platform": place.simulator.code, "name": place.name, **place.sworn()}
            for mount, place in self._world.places.items()
        }

    def accounts(self, base_url: str) -> dict[str, Any]:
        """What a hub needs to connect to every account and to map every good."""
        places = list(self._world.places.values())
        gateways = by_capability(places, "pay")
        return {
            "run": self._world.run,
            "places": [
                {
                    "mount": place.mount,
                    "platform": place.simulator.code,
                    "name": place.name,
                    "language": place.language,
                    "currencies": place.currencies,
                    "settings": place.settings(f"{base_url}/{place.mount}"),
                    "sells": place.mount in self._world.market.shops,
                    "takes_money": place in gateways,
                    "recipes": place.recipes(),
                    "shipping_methods": {
                        "standard": place.shipping_methods().get(False, ""),
                        "express": place.shipping_methods().get(True, ""),
                    },
                }
                for place in places
            ],
            "goods": [
                replace(good, artwork_url=f"{base_url}{good.artwork_url}")
                if good.artwork_url
                else good
                for good in ALL_GOODS
            ],
        }

    def placed(self) -> dict[str, Any]:
        """Every sale that happened."""
        return {
            "sales": [
                {
                    "number": row.sale.number,
                    "turn": row.sale.turn,
                    "mount": row.mount,
                    "external_id": row.external_id,
                    "currency": row.sale.currency,
                    "at": row.at,
                }
                for row in self._world.placed
            ],
            "drawn": len(self._drawn),
            "waiting": self._world.waiting,
        }

    def draw(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Draw sales from a seed; they happen by `place` or `pay`."""
        sales = self._draw(asked, has_checkouts=bool(asked.get("checkouts", True)))
        return {
            "sales": [
                {
                    "number": sale.number,
                    "turn": sale.turn,
                    "mount": mount,
                    "cart": None if mount else _cart(sale),
                }
                for mount, sale in sales
            ]
        }

    def place(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Let drawn sales happen at their storefronts."""
        numbers = [int(number) for number in asked["numbers"]]
        for number in numbers:
            mount, sale = self._drawn.pop(number)
            self._world.sell(mount, sale)
        return {"placed": len(numbers)}

    def sell(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Let sales happen at storefronts, at once."""
        sales = self._draw(asked, has_checkouts=False)
        return self.place({"numbers": [sale.number for _, sale in sales]})

    def pay(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The customer of a cart arrives at its payment page."""
        _, sale = self._drawn.pop(int(asked["number"]))
        gateway = next(
            place
            for place in by_capability(list(self._world.places.values()), "pay")
            if sale.currency in place.currencies
        )
        placed = self._world.pay(gateway.mount, str(asked["url"]), sale=sale)
        return {"external_id": placed.external_id, "mount": placed.mount}

    def _draw(self, asked: dict[str, Any], *, has_checkouts: bool) -> list[tuple[str, Sale]]:
        count = int(asked.get("count", 1))
        if not 1 <= count <= MOST_AT_ONCE:
            raise ValueError(f"count must be between 1 and {MOST_AT_ONCE}")
        market = self._world.market
        if not has_checkouts:
            market = replace(market, checkout_currencies=())
        drawn = draw(
            market,
            count=count,
            seed=int(asked.get("seed", 0)),
            first=self._next_number,
            earlier=int(asked.get("earlier", 0)),
        )
        sales = list(drawn)
        self._next_number += count
        self._drawn |= {sale.number: (mount, sale) for mount, sale in sales}
        return sales

    def act(self, asked: dict[str, Any]) -> Any:
        """Something happens at one account; the answer is what the simulator returned, if JSON."""
        result = self._world.act(
            asked["mount"], str(asked["action"]), arguments=dict(asked.get("arguments", {}))
        )
        return {"result": result if isinstance(result, dict | list | str | int | float) else None}

    def faults(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Set dials of one account, or of all."""
        mounts = list(self._world.places) if asked.get("mount", "*") == "*" else [asked["mount"]]
        seed = asked.get("seed")
        for mount in mounts:
            set_dials(
                self._world.faults_of(mount),
                dict(asked.get("dials", {})),
                seed=None if seed is None else int(seed),
            )
        self._world.scenario = "by hand"
        return {"mounts": mounts}

    def scenario(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Begin a named scenario."""
        play(self._world, str(asked["name"]), seed=int(asked.get("seed", 0)))
        return {"scenario": self._world.scenario, "seed": self._world.seed}

    def clock(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Turn the speed dial, or jump ahead."""
        if "speed" in asked:
            now = self._world.clock.speed
            self._speed_before = now or self._speed_before
            given = asked["speed"]
            speed = self._speed_before if given is None else float(given)
            if not 0 <= speed <= 100_000:
                raise ValueError("speed must be between 0 and 100000 sandbox seconds per second")
            self._world.clock.set_speed(speed)
        if "jump_seconds" in asked:
            seconds = float(asked["jump_seconds"])
            if seconds < 0:
                raise ValueError("time does not run backwards")
            self._world.clock.advance(timedelta(seconds=seconds))
        return {"now": self._world.clock.now(), "speed": self._world.clock.speed}


def _place(place: Place) -> dict[str, Any]:
    simulator = place.simulator
    faults = simulator.faults
    dials = {
        name: value
        for name in sorted(DIALS)
        if (value := getattr(faults, name)) and not name.endswith("_seconds")
    }
    return {
        "mount": place.mount,
        "platform": simulator.code,
        "name": place.name,
        "summary": simulator.summary(),
        "dials": dials,
        "struck": dict(faults.struck),
        "deliveries_waiting": len(simulator.deliveries),
        "calls": len(simulator.calls),
        "calls_unanswered": sum(status == 0 for _, _, status in simulator.calls),
        "actions": sorted(place.ACTIONS),
    }


def _cart(sale: Sale) -> dict[str, Any]:
    return {
        "number": sale.number,
        "turn": sale.turn,
        "currency": sale.currency,
        "email": sale.customer.email,
        "country": sale.customer.country,
        "coupon_percent": sale.coupon_percent,
        "lines": [
            {
                "sku": line.good.sku,
                "title": line.good.title,
                "quantity": line.quantity,
                "unit_price": line.good.prices[sale.currency],
                "is_shippable": not line.good.is_virtual,
            }
            for line in sale.lines
        ],
    }


def _encoded(value: Any) -> bytes:
    return msgspec.json.encode(value)
