"""The one door to the outside: deadlines, limits, breaker, error sorting, recording, redaction.

It knows no database: who watches over its calls is handed in (`watching.py`). No other module opens
a socket.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import msgspec

from entrepot.connect.addresses import refuse_private
from entrepot.connect.clients import kept_client
from entrepot.connect.errors import (
    ConnectorError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
    UnexpectedResponse,
)
from entrepot.connect.guards import Guard, before_first_byte, together
from entrepot.connect.haste import hurried
from entrepot.connect.unpacking import unpacked
from entrepot.connect.waiting import retry_after_of
from entrepot.connect.watching import Breaker, Budget, Call, CallLog, Priority, Unlimited
from entrepot.connect.words import keepable_json

CALL_DEADLINE = hurried(timedelta(seconds=25))
CONNECT_TIMEOUT = hurried(timedelta(seconds=5))
ANSWER_LIMIT = 20 * 1024 * 1024
QUOTED = 300
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Json = Any
Auth = Callable[[httpx.Request], None]
_decoder = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Answer:
    """A platform's answer, wholly read: `content` as it came, `words` and `json` to be kept."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def words(self) -> bytes:
        """The body as JSON whose texts can be kept, whatever signs the platform put into them."""
        return keepable_json(self.content)

    def json(self) -> Json:
        """Decode `words`; numbers with a fraction become Decimal, never float.

        Raises:
            UnexpectedResponse: the body is not JSON (a proxy's HTML page, garbage).
        """
        try:
            return _decoder.decode(self.words)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UnexpectedResponse(
                f"answered {self.status_code} with something that is not JSON: {self.quote()}"
            ) from error

    def quote(self) -> str:
        """The beginning of the body, for an error message."""
        return self.content[:QUOTED].decode("utf-8", "replace").strip() or "(empty)"


class Http:
    """One connection's door. Safe to share between threads."""

    def __init__(
        self,
        base_url: str,
        *,
        auth: Auth | None = None,
        headers: Mapping[str, str] | None = None,
        budget: Budget | None = None,
        breaker: Breaker | None = None,
        call_log: CallLog | None = None,
        redact: Callable[[str], str] = lambda text: text,
        priority: Priority = "live",
        before_send: Callable[[], None] | None = None,
        let_go: Callable[[], None] = lambda: None,
        allow_private: bool = True,
    ) -> None:
        """Make a door to `base_url`.

        Args:
            base_url: scheme, host and the path that all calls share.
            auth: signs a request just before it leaves.
            headers: sent with every call.
            budget: asked before every call.
            breaker: asked before, and told after, every call.
            call_log: gets every call.
            redact: takes secrets and personal data out of what the log keeps.
            priority: the lane of the budget.
            before_send: called just before the bytes of a write leave, and again once there is a
                connection for them; raises to stop them.
            let_go: called before each call: gives back what others need while it waits.
            allow_private: whether it may lead into our own network.
        """
        unlimited = Unlimited()
        self.base_url = base_url.rstrip("/")
        self._auth = auth
        self._headers = dict(headers or {})
        self._budget: Budget = budget or unlimited
        self._breaker: Breaker = breaker or unlimited
        self._log: CallLog = call_log or unlimited
        self._redact = redact
        self._priority: Priority = priority
        self._before_send = before_send
        self._let_go = let_go
        self._allow_private = allow_private

    def with_auth(self, auth: Auth, headers: Mapping[str, str] | None = None) -> "Http":
        """The same door with a platform's own way to sign."""
        return Http(
            self.base_url,
            auth=auth,
            headers={**self._headers, **(headers or {})},
            budget=self._budget,
            breaker=self._breaker,
            call_log=self._log,
            redact=self._redact,
            priority=self._priority,
            before_send=self._before_send,
            let_go=self._let_go,
            allow_private=self._allow_private,
        )

    def get(self, path: str, **options: Any) -> Answer:
        """Read; see `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        """Write; see `request`."""
        return self.request("POST", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        """Remove; see `request`."""
        return self.request("DELETE", path, **options)

    def request(  # noqa: D417 -- the body's three forms speak for themselves
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | Sequence[tuple[str, str]] | None = None,
        json: Json = None,
        form: list[tuple[str, str]] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        allow: frozenset[int] | set[int] = frozenset(),
        is_read: bool | None = None,
        deadline: timedelta = CALL_DEADLINE,
        cost: int = 1,
    ) -> Answer:
        """Make one call and sort its failure.

        Args:
            path: below the base URL, or a whole URL of the same host (next pages).
            allow: status codes besides 2xx that the caller gives meaning to.
            is_read: whether a repeat is harmless; by default what the method says.
            deadline: for the whole call, connection and answer together.

        Raises:
            Unavailable: it never took effect, or it was a read that failed.
            RateLimited: 429, or the budget is spent.
            OutcomeUnknown: a write was sent and no trustworthy answer came back.
            Misconfigured: 401 or 403, or an address that may not be asked.
            Rejected: another 4xx that `allow` does not list, as the order's fault.
            UnexpectedResponse: a redirect or another status that nobody expects.
        """
        reads = method in SAFE_METHODS if is_read is None else is_read
        self._breaker.check()
        self._budget.take(cost=cost, priority=self._priority)
        is_json = {"Content-Type": "application/json"} if json is not None else {}
        with kept_client() as client:
            request = client.build_request(
                method,
                path if path.startswith(("http://", "https://")) else f"{self.base_url}{path}",
                params=None if params is None else httpx.QueryParams(tuple(_pairs(params))),
                content=msgspec.json.encode(json) if json is not None else content,
                data=_form(form),
                headers={**self._headers, **is_json, **(headers or {})},
            )
        return self._send(request, path=path, allow=allow, reads=reads, deadline=deadline)

    def _send(
        self,
        request: httpx.Request,
        *,
        path: str,
        allow: frozenset[int] | set[int],
        reads: bool,
        deadline: timedelta,
    ) -> Answer:
        """Sign it, let it go past the guards, and keep what came of it."""
        if self._auth is not None:
            self._auth(request)
        guards: list[Guard] = [] if self._allow_private else [refuse_private]
        self._let_go()
        if not reads and self._before_send is not None:
            self._before_send()
            guards.append(before_first_byte(self._before_send))
        if guards:
            request.extensions["trace"] = together(guards)
        started, started_at = time.monotonic(), datetime.now(UTC)  # noqa: TID251 -- the door's own log
        answer, outcome = None, "ok"
        try:
            answer = _exchange(request, deadline=deadline, reads=reads)
            self._budget.learn(answer.headers, answer.status_code)
            _sort(answer, method=request.method, path=path, allow=allow, reads=reads)
        except Exception as error:  # raised again: the breaker and the call log hear of it
            outcome = type(error).__name__
            is_down = isinstance(error, Unavailable) and not isinstance(error, RateLimited)
            self._breaker.record(is_available=not is_down)
            raise
        else:
            self._breaker.record(is_available=True)
        finally:
            duration = timedelta(seconds=time.monotonic() - started)
            self._note(request, answer, outcome=outcome, at=started_at, duration=duration)
        return answer

    def _note(
        self,
        request: httpx.Request,
        answer: Answer | None,
        *,
        outcome: str,
        at: datetime,
        duration: timedelta,
    ) -> None:
        self._log.add(
            Call(
                method=request.method,
                url=self._redact(str(request.url)),
                status_code=None if answer is None else answer.status_code,
                outcome=outcome,
                duration=duration,
                at=at,
                request_id=_request_id(answer),
                sent=self._redact(request.content[:4096].decode("utf-8", "replace")),
                answered=""
                if answer is None
                else self._redact(answer.content[:4096].decode("utf-8", "replace")),
            )
        )


def _exchange(request: httpx.Request, *, deadline: timedelta, reads: bool) -> Answer:
    """Send and read to the end, or say whether anything can have happened."""
    ends = time.monotonic() + deadline.total_seconds()
    request.extensions["timeout"] = {
        "connect": CONNECT_TIMEOUT.total_seconds(),
        "pool": CONNECT_TIMEOUT.total_seconds(),
        "write": deadline.total_seconds(),
        "read": deadline.total_seconds(),
    }
    where = f"{request.method} {request.url.path}"
    failure = Unavailable if reads else OutcomeUnknown
    with kept_client() as client:
        try:
            response = client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unavailable(f"{where}: no connection to {request.url.host}: {error}") from error
        except httpx.HTTPError as error:
            raise failure(f"{where}: the connection ended before an answer: {error!r}") from error
        try:
            content = _whole(response, where, deadline=deadline, ends=ends, failure=failure)
        except httpx.HTTPError as error:
            raise failure(f"{where}: the connection ended within the answer: {error!r}") from error
        finally:
            response.close()
    return Answer(response.status_code, response.headers, content)


def _whole(
    response: httpx.Response,
    where: str,
    *,
    deadline: timedelta,
    ends: float,
    failure: type[ConnectorError],
) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in unpacked(response):
        parts.append(part)
        size += len(part)
        if size > ANSWER_LIMIT:
            raise UnexpectedResponse(f"{where}: the answer is larger than {ANSWER_LIMIT} bytes")
        if time.monotonic() > ends:
            raise failure(f"{where}: no whole answer within {deadline.total_seconds():.0f} s")
    return b"".join(parts)


def _sort(
    answer: Answer, *, method: str, path: str, allow: frozenset[int] | set[int], reads: bool
) -> None:
    code = answer.status_code
    if 200 <= code < 300 or code in allow:
        return
    said = f"{method} {path} answered {code}: {answer.quote()}"
    match code:
        case 429:
            raise RateLimited(said, retry_after=retry_after_of(answer.headers))
        case 401 | 403:
            raise Misconfigured(said)
        case _ if code >= 500:
            if reads:
                raise Unavailable(said, retry_after=retry_after_of(answer.headers))
            raise OutcomeUnknown(said)
        case _ if 400 <= code < 500:
            raise Rejected(said, code=str(code))
        case _:
            raise UnexpectedResponse(said)


def _pairs(params: Mapping[str, str | int] | Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    items = params.items() if isinstance(params, Mapping) else params
    return [(name, str(value)) for name, value in items]


def _form(form: list[tuple[str, str]] | None) -> dict[str, Any] | None:
    """Httpx wants repeated names grouped."""
    grouped: dict[str, Any] = {}
    for name, value in form or ():
        grouped.setdefault(name, []).append(value)
    return None if form is None else grouped


def _request_id(answer: Answer | None) -> str:
    headers = {} if answer is None else answer.headers
    names = ("request-id", "x-request-id", "traceparent")
    return next((found for name in names if (found := headers.get(name))), "")
