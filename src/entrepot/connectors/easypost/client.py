"""EasyPost over HTTP: trackers and the webhook that brings their news.

Source: EasyPost API v2, "Trackers", "Webhooks", and the official client 10.7, read 2026-11.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from entrepot.canon.messages import Flow
from entrepot.canon.tracking import TrackerSnapshot
from entrepot.connect.errors import Misconfigured, OutcomeUnknown, Rejected, UnexpectedResponse
from entrepot.connect.http import Answer, Http
from entrepot.connect.ports import Account, Page, PingResult, PulledItem, Subscription
from entrepot.connect.reading import Node
from entrepot.connectors.easypost import mapping

ADDRESS = "https://api.easypost.com/v2"
PAGE_LIMIT = 100
TOPICS = ("tracker.created", "tracker.updated")
# Trackers are listed by when they were made. A parcel that was handed in longer ago than this is
# left to webhooks.
LOOK_BACK = timedelta(days=60)

Read = TypeVar("Read")


class _Cursor(msgspec.Struct, array_like=True):
    before_id: str
    newest_made: str
    newest_changed: str


class _Row(msgspec.Struct):
    id: str
    created_at: str
    updated_at: str


class _List(msgspec.Struct):
    trackers: list[msgspec.Raw]
    has_more: bool = False


def base_url(account: Account) -> str:
    """The address in the settings, else EasyPost's own; the key tells test from production."""
    return str(account.settings.get("base_url") or ADDRESS)


class Client:
    """Implements ports.Tracks, Subscribes, Pulls and Connector."""

    def __init__(self, http: Http, account: Account) -> None:
        self._account = account
        self._http = http.with_auth(self._sign)

    def ping(self) -> PingResult:
        """List the webhooks: cheap, and needs a valid key. Their mode is the key's.

        Raises:
            Misconfigured: the key is refused, or is of the other mode.
        """
        rows = list(_body(self._http.get("/webhooks"))["webhooks"])
        mode = next((mode for row in rows if (mode := mapping.mode_of(row))), None)
        if mode is not None and mode is not self._account.mode:
            raise Misconfigured(
                f"the key is a {mode.value} key, the connection's mode is "
                f"{self._account.mode.value}: use the other key"
            )
        name = str(self._account.settings.get("account_name") or "")
        warnings = () if rows else ("No webhook is registered: news comes by polling alone.",)
        return PingResult(
            identity=f"{self._account.mode.value}/{name}" if name else self._account.mode.value,
            name=name or "EasyPost",
            mode=mode,
            api_version="v2",
            warnings=warnings,
        )

    def track(self, tracking_number: str, *, carrier: str) -> TrackerSnapshot:
        """Begin to follow a parcel, or read the tracker that follows it already. Repeatable.

        Raises:
            Rejected: no carrier knows the number (yet).
            OutcomeUnknown: no answer that can be trusted; calling again looks first.
        """
        word = mapping.carrier_word(carrier)
        params = {"tracking_code": tracking_number, "page_size": "1"}
        if word:
            params["carrier"] = word
        found = list(_body(self._http.get("/trackers", params=params))["trackers"])
        if found:
            return _understood(lambda: mapping.to_tracker(found[0]))
        content = {"tracking_code": tracking_number} | ({"carrier": word} if word else {})
        answer = self._http.post("/trackers", json={"tracker": content}, allow={400, 422})
        try:
            body = _body(answer)
            if answer.status_code not in {200, 201}:
                raise _refusal(body)
            return mapping.to_tracker(body)
        except (UnexpectedResponse, ValueError) as error:
            raise OutcomeUnknown(f"POST /trackers: {error}") from error

    def pull(self, flow: Flow, *, cursor: str, since: datetime | None, limit: int) -> Page:
        """Read a page of trackers that changed since an instant, newest first.

        `read_until` is by EasyPost's clock: the newest change that the run saw.
        """
        here = _cursor(cursor)
        params = {"page_size": str(max(1, min(limit, PAGE_LIMIT)))}
        if here.before_id:
            params["before_id"] = here.before_id
        page = _decoded(self._http.get("/trackers", params=params).content, _List)
        rows = [_decoded(raw, _Row) for raw in page.trackers]
        made = [_instant(row.created_at) for row in rows]
        changed = [_instant(row.updated_at) for row in rows]
        if made and not here.newest_made:
            here.newest_made = made[0].isoformat()
        newest = max([*changed, *_known(here.newest_changed)], default=since)
        is_far_back = bool(made) and made[-1] < _instant(here.newest_made) - LOOK_BACK
        is_last = not page.has_more or not rows or is_far_back
        items = tuple(
            _pulled(row.id, bytes(raw))
            for row, raw, at in zip(rows, page.trackers, changed, strict=True)
            if since is None or at >= since
        )
        here.before_id = rows[-1].id if rows else ""
        here.newest_changed = newest.isoformat() if newest else ""
        return Page(
            items=items,
            cursor="" if is_last else msgspec.json.encode(here).decode(),
            is_last=is_last,
            read_until=newest if is_last else None,
        )

    def fetch(self, flow: Flow, external_id: str) -> PulledItem | None:
        """Read one tracker again; None when EasyPost does not have it."""
        answer = self._http.get(f"/trackers/{external_id}", allow={404})
        return None if answer.status_code == 404 else _pulled(external_id, answer.content)

    def subscriptions(self) -> list[Subscription]:
        """All webhooks of the key, ours and others'. Each gets every kind of event."""
        body = _body(self._http.get("/webhooks"))
        return _understood(lambda: [_subscription(row) for row in body["webhooks"]])

    def subscribe(self, *, url: str, secret: str) -> list[Subscription]:
        """Register `url` with `secret`. One of the same address is repaired, a second one removed.

        Raises:
            OutcomeUnknown: no answer that can be trusted; calling again looks first.
        """
        same = [each for each in self.subscriptions() if each.url == url]
        for extra in same[1:]:
            self.unsubscribe(extra.external_id)
        content: dict[str, Any] = {"webhook": {"webhook_secret": secret}}
        if same:
            path = f"/webhooks/{same[0].external_id}"
            answer = self._http.request("PATCH", path, json=content)
        else:
            content["webhook"]["url"] = url
            answer = self._http.post("/webhooks", json=content)
        try:
            made = _subscription(_body(answer))
        except (UnexpectedResponse, ValueError) as error:
            raise OutcomeUnknown(f"registering a webhook: {error}") from error
        return [replace(made, secret=secret)]

    def unsubscribe(self, external_id: str) -> None:
        """Remove one; removing an absent one changes nothing."""
        self._http.delete(f"/webhooks/{external_id}", allow={404})

    def _sign(self, request: Any) -> None:
        key = self._account.settings.get("api_key")
        if not key:
            raise Misconfigured("the API key is empty: set it on the connection")
        token = base64.b64encode(f"{key}:".encode()).decode()
        request.headers["Authorization"] = f"Basic {token}"


def _subscription(row: Node) -> Subscription:
    return Subscription(
        external_id=row["id"].text(),
        url=row["url"].text(),
        topics=TOPICS,
        is_active=row["disabled_at"].is_null,
    )


def _refusal(body: Node) -> Rejected:
    code = body["error"]["code"].text_or_empty() or "error"
    message = body["error"]["message"].value
    said = message if isinstance(message, str) else "(no words that we can read)"
    return Rejected(f"EasyPost refused: {code}: {said}", code=code)


def _pulled(tracker_id: str, raw: bytes) -> PulledItem:
    version = hashlib.sha256(raw).hexdigest()[:20]
    return PulledItem(topic=Flow.TRACKERS.value, dedupe_key=f"{tracker_id}:{version}", body=raw)


def _cursor(text: str) -> _Cursor:
    if not text:
        return _Cursor("", "", "")
    try:
        return msgspec.json.decode(text, type=_Cursor)
    except msgspec.DecodeError as error:
        raise ValueError(f"cursor: {error}") from error


def _known(instant: str) -> list[datetime]:
    return [_instant(instant)] if instant else []


def _instant(text: str) -> datetime:
    return _understood(lambda: Node(text, "instant").instant())


def _body(answer: Answer) -> Node:
    body = Node(answer.json(), "")
    if not isinstance(body.value, dict):
        raise UnexpectedResponse(f"expected an object, got {answer.quote()}")
    return body


def _understood(read: Callable[[], Read]) -> Read:
    try:
        return read()
    except ValueError as error:
        raise UnexpectedResponse(str(error)) from error


def _decoded(raw: bytes | msgspec.Raw, kind: type[Read]) -> Read:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnexpectedResponse(f"an answer of another shape: {error}") from error
