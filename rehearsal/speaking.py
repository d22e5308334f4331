"""How the rehearsal speaks to others: the sandbox's control interface and the hub's REST one."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

PAGE = 200
PATIENCE_S = 300.0
AGAIN_AFTER_S = 0.2
LOOK_EVERY_S = 0.3
# A server ends a connection that is idle, and what is just being asked on it with it; who must not
# ask twice asks on a new one.
NOT_KEPT = httpx.Limits(max_keepalive_connections=0)
LOOK_SHARE = 3.0  # at the least this many times as long between two looks as one takes


class Silent(Exception):
    """Somebody did not answer for long, or refused; the message says what was asked."""


class SceneFailed(Exception):
    """What a scene waits for did not happen; the message says what."""


def until(fact: Callable[[], Any], what: str) -> Any:
    """Look again and again until something is there; what it is. Raises SceneFailed.

    A look that takes long is made less often: it takes the hub's time.
    """
    deadline = time.monotonic() + PATIENCE_S
    while (looked_at := time.monotonic()) < deadline:
        if found := fact():
            return found
        time.sleep(max(LOOK_EVERY_S, LOOK_SHARE * (time.monotonic() - looked_at)))
    raise SceneFailed(f"no {what} within {PATIENCE_S:g} s")


@dataclass(slots=True)
class Sandbox:
    """The simulated world, by its address."""

    address: str
    _client: httpx.Client = field(
        default_factory=lambda: httpx.Client(timeout=PATIENCE_S, limits=NOT_KEPT)
    )

    def ask(self, what: str) -> Any:
        """GET /control/<what>."""
        return self._told(self._client.get(f"{self.address}/control/{what}"))

    def tell(self, what: str, **values: Any) -> Any:
        """POST /control/<what>."""
        return self._told(self._client.post(f"{self.address}/control/{what}", json=values))

    def act(self, mount: str, action: str, **arguments: Any) -> Any:
        """Have something happen at one account; the answer is what it returned."""
        return self.tell("act", mount=mount, action=action, arguments=arguments)["result"]

    @staticmethod
    def _told(answer: httpx.Response) -> Any:
        if not answer.is_success:
            raise Silent(f"{answer.request.url.path}: {answer.status_code} {answer.text}")
        return answer.json()


@dataclass(slots=True)
class HubApi:
    """The hub's public interface, by a key. It asks again while the hub is dead or frozen.

    A repeated POST carries the same idempotency key, so that it acts once.
    """

    address: str
    key: str = field(repr=False)
    patience_s: float = PATIENCE_S
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20))

    def get(self, path: str, **query: Any) -> Any:
        """GET /api/v1/<path>."""
        return self._ask("GET", path, params=query)

    def every(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """All rows of a list, the newest first."""
        cursor = ""
        while True:
            told = self.get(path, **query, limit=PAGE, **({"cursor": cursor} if cursor else {}))
            yield from told["data"]
            cursor = told["next"] or ""
            if not cursor:
                return

    def post(self, path: str, once: str, /, **values: Any) -> Any:
        """POST /api/v1/<path>; `once` is the idempotency key."""
        return self._ask("POST", path, json=values, headers={"Idempotency-Key": once})

    def upload(self, path: str, once: str, /, text: str) -> Any:
        """POST /api/v1/<path> with a CSV file."""
        headers = {"Idempotency-Key": once, "Content-Type": "text/csv"}
        return self._ask("POST", path, content=text.encode(), headers=headers)

    def put(self, path: str, **values: Any) -> Any:
        """PUT /api/v1/<path>."""
        return self._ask("PUT", path, json=values)

    def try_to_put(self, path: str, **values: Any) -> Any:
        """PUT /api/v1/<path>; None where the hub says that it is too late for it."""
        return self._ask("PUT", path, json=values, may_refuse=True)

    def patch(self, path: str, **values: Any) -> Any:
        """PATCH /api/v1/<path>."""
        return self._ask("PATCH", path, json=values)

    def _ask(self, method: str, path: str, *, may_refuse: bool = False, **more: Any) -> Any:
        deadline = time.monotonic() + self.patience_s
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        while True:
            try:
                answer = self._client.request(
                    method, f"{self.address}/api/v1/{path}", headers=headers, **more
                )
            except httpx.HTTPError as error:
                problem: str = repr(error)
            else:
                if answer.is_success:
                    return answer.json()
                if may_refuse and answer.status_code == httpx.codes.CONFLICT:
                    return None
                problem = f"{answer.status_code} {answer.text[:300]}"
                if answer.status_code < 500 and answer.status_code not in {409, 429}:
                    raise Silent(f"{method} {path}: {problem}")
            if time.monotonic() > deadline:
                raise Silent(f"{method} {path}: {problem}")
            time.sleep(AGAIN_AFTER_S)
