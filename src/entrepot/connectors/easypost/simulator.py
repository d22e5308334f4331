"""EasyPost, offline: trackers, signed events, and the carriers behind them.

For scenarios (the world outside acts by these):

    simulator.announce(code, carrier)    a carrier gave this number out; `at` and `fate` if wanted
    simulator.set_fate(code, fate)       delivered, failure, return_to_sender or stuck
    simulator.scan(code, status)         one scan by hand; `at` for a late one
    simulator.dials                      how long a parcel travels; chances of failure and return
    simulator.add_key(key, mode), simulator.revoke(key)

Announced parcels move with the clock. The documented test codes (EZ1000000001 and so on) are known
with a fixed status; any other code is refused. `books["trackers"]` holds what is followed,
`books["parcels"]` what the carriers know. Events repeat and overtake each other by `faults`.
"""

import base64
from datetime import datetime, timedelta
from typing import Any

import msgspec

from entrepot.canon.orders import Mode
from entrepot.connect.ports import Account, Secrets
from entrepot.connect.simulator import Clock, Delivery, Request, Response, Simulator
from entrepot.connect.webhook import WebhookRequest
from entrepot.connectors.easypost import mapping, wire
from entrepot.connectors.easypost.journeys import ENDINGS, TEST_CODES, Dials, Parcel, Scan, Tracker
from entrepot.connectors.easypost.webhook import sign

TEST_KEY = "EZTK-simulated"
PRODUCTION_KEY = "EZAK-simulated"
EVENT_RETRIES = (
    timedelta(minutes=2),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=3),
)


def build(clock: Clock) -> "EasyPostSimulator":
    """No trackers, a test key and a production key."""
    return EasyPostSimulator(clock)


class EasyPostSimulator(Simulator):
    """See the module's docstring."""

    code = "easypost"

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.dials = Dials()
        self.keys = {TEST_KEY: "test", PRODUCTION_KEY: "production"}
        self.parcels: dict[str, Parcel] = {}
        self.trackers: dict[str, Tracker] = {}
        self.webhooks: dict[str, dict[str, Any]] = {}
        self.books = {
            "trackers": self.trackers,
            "parcels": self.parcels,
            "webhooks": self.webhooks,
        }
        self._moving: dict[str, Parcel] = {}
        self._followers: dict[str, list[Tracker]] = {}
        self._count = 0
        self.route("POST", "/v2/trackers", self._create)
        self.route("GET", "/v2/trackers", self._list)
        self.route("GET", "/v2/trackers/{id}", self._get)
        self.route("DELETE", "/v2/trackers/{id}", self._delete)
        self.route("POST", "/v2/webhooks", self._register)
        self.route("GET", "/v2/webhooks", self._registered)
        self.route("PATCH", "/v2/webhooks/{id}", self._repair)
        self.route("DELETE", "/v2/webhooks/{id}", self._remove)

    # The world outside

    def add_key(self, key: str, mode: str) -> None:
        """Issue an API key for "test" or "production"."""
        self.keys[key] = mode

    def revoke(self, key: str) -> None:
        """Make a key worthless."""
        self.keys.pop(key, None)

    def announce(
        self, code: str, carrier: str, *, at: datetime | None = None, fate: str | None = None
    ) -> None:
        """A carrier has a parcel under this number from `at` on; repeating it changes nothing."""
        if code in self.parcels:
            return
        self.parcels[code] = self._moving[code] = Parcel(
            code=code,
            carrier=mapping.carrier_word(carrier) or carrier,
            starts_at=at or self.clock.now(),
            fate=fate or self._drawn_fate(),
            journey=self.dials.journey,
        )

    def set_fate(self, code: str, fate: str) -> None:
        """Decide how the rest of a journey goes."""
        if fate not in ENDINGS:
            raise ValueError(f"{fate!r} is no fate: {', '.join(ENDINGS)}")
        parcel = self.parcels[code]
        parcel.fate = fate
        self._moving[code] = parcel

    def scan(
        self, code: str, status: str, *, detail: str = "unknown", at: datetime | None = None
    ) -> None:
        """One scan that the journey does not have, now or at an earlier instant (a late one)."""
        self._scanned(self.parcels[code], (at or self.clock.now(), status, detail, status))

    def follow(self, code: str, *, mode: str) -> Tracker:
        """Make a tracker of a parcel that a carrier knows, as a call does."""
        now = self.clock.now()
        is_hidden = self.faults.strikes("invisible")
        tracker = Tracker(
            id=self._next_id("trk"),
            mode=mode,
            parcel=self.parcels[code],
            created_at=now,
            updated_at=now,
            visible_at=now + timedelta(seconds=self.faults.invisible_seconds * is_hidden),
        )
        self.trackers[tracker.id] = tracker
        self._followers.setdefault(code, []).append(tracker)
        self._send(tracker, "tracker.created", now)
        return tracker

    def tick(self) -> None:
        """Move every parcel to where it is now; each scan sends its event."""
        now = self.clock.now()
        for parcel in list(self._moving.values()):
            while (scan := parcel.due(now)) is not None:
                parcel.steps_done += 1
                self._scanned(parcel, scan)
            if parcel.is_over:
                del self._moving[parcel.code]

    def _scanned(self, parcel: Parcel, scan: Scan) -> None:
        before = parcel.scans[-1][1] if parcel.scans else "unknown"
        parcel.scans = sorted([*parcel.scans, scan])
        for tracker in self._followers.get(parcel.code, ()):
            tracker.updated_at = max(scan[0], tracker.updated_at)
            self._send(tracker, "tracker.updated", tracker.updated_at, before=before)

    def _drawn_fate(self) -> str:
        drawn = self.faults.between(0, 1)
        if drawn < self.dials.failure:
            return "failure"
        if drawn < self.dials.failure + self.dials.return_to_sender:
            return "return_to_sender"
        return "delivered"

    def _send(self, tracker: Tracker, description: str, at: datetime, *, before: str = "") -> None:
        for hook in self.webhooks.values():
            if hook["mode"] != tracker.mode or hook["disabled_at"]:
                continue
            body = msgspec.json.encode(
                {
                    "id": self._next_id("evt"),
                    "object": "Event",
                    "description": description,
                    "mode": tracker.mode,
                    "previous_attributes": {"status": before} if before else {},
                    "pending_urls": [hook["url"]],
                    "completed_urls": [],
                    "created_at": wire.written(at),
                    "updated_at": wire.written(at),
                    "status": "pending",
                    "result": wire.tracker_body(tracker),
                }
            )
            headers = {"content-type": "application/json", "user-agent": "EasyPost/v2"}
            if hook["secret"]:
                headers["x-hmac-signature"] = sign(hook["secret"], body)
            self.send_webhook(
                Delivery(
                    url=hook["url"],
                    body=body,
                    headers=headers,
                    due_at=at,
                    retry_after=EVENT_RETRIES,
                )
            )

    # The wire

    def handle(self, request: Request) -> Response | None:
        """Let time pass, then answer."""
        self.tick()
        return super().handle(request)

    def authenticate(self, request: Request) -> Response | None:
        """Basic authentication: the key is the user name, the password empty."""
        if self._mode(request):
            return None
        return wire.error(
            401, "UNAUTHORIZED", message="Sorry, the API key that was given is not valid."
        )

    def not_found(self, request: Request) -> Response:
        """An unknown path."""
        return wire.error(404, "NOT_FOUND", message="The requested resource could not be found.")

    def too_many(self) -> Response:
        """A 429 with its wait."""
        answer = wire.error(429, "RATE_LIMITED", message="Too many requests; try again later.")
        return Response(answer.status, answer.body, self.pause(11))

    def broken(self) -> Response:
        """An unexpected failure."""
        return wire.error(500, "INTERNAL_SERVER_ERROR", message="An unexpected error occurred.")

    def _create(self, request: Request) -> Response:
        asked = wire.object_of(request, "tracker")
        code = str(asked.get("tracking_code") or "").strip()
        if not code:
            return wire.error(422, "TRACKER.CREATE.ERROR", message="Missing tracking_code")
        mode = self._mode(request)
        if not self._is_known(code):
            return wire.error(
                422, "TRACKER.CREATE.ERROR", message="No carrier knows this tracking code"
            )
        known = next((each for each in self._lately(code) if each.mode == mode), None)
        if known is not None:
            return Response(200, wire.tracker_body(known))
        return Response(201, wire.tracker_body(self.follow(code, mode=mode)))

    def _list(self, request: Request) -> Response:
        codes = [
            *request.query.get("tracking_code", []),
            *request.query.get("tracking_codes[]", []),
        ]
        carrier, before = request.one("carrier"), request.one("before_id")
        try:
            size = int(request.one("page_size", "20"))
        except ValueError:
            size = 0
        if not 1 <= size <= 100:
            return wire.error(
                422, "PARAMETER.INVALID", message="page_size must be between 1 and 100"
            )
        mode, now = self._mode(request), self.clock.now()
        found = [
            tracker
            for tracker in reversed(self.trackers.values())
            if tracker.mode == mode
            and tracker.visible_at <= now
            and (not codes or tracker.parcel.code in codes)
            and (not carrier or tracker.parcel.carrier.casefold() == carrier.casefold())
            and (not before or tracker.id < before)
        ]
        page = found[:size]
        has_more = len(found) > size
        rows = [wire.tracker_body(tracker) for tracker in page]
        return Response(200, {"trackers": rows, "has_more": has_more})

    def _get(self, request: Request) -> Response:
        tracker = self._own(request)
        return Response(200, wire.tracker_body(tracker)) if tracker else self.not_found(request)

    def _delete(self, request: Request) -> Response:
        tracker = self._own(request)
        if tracker is None:
            return self.not_found(request)
        del self.trackers[tracker.id]
        self._followers[tracker.parcel.code].remove(tracker)
        return Response(200, {})

    def _register(self, request: Request) -> Response:
        asked = wire.object_of(request, "webhook")
        url, secret = str(asked.get("url") or ""), str(asked.get("webhook_secret") or "")
        if not url.startswith(("http://", "https://")):
            return wire.error(422, "WEBHOOK.CREATE.ERROR", message="url must be a valid address")
        now = wire.written(self.clock.now())
        hook_id = self._next_id("hook")
        self.webhooks[hook_id] = hook = {
            "id": hook_id,
            "mode": self._mode(request),
            "url": url,
            "created_at": now,
            "disabled_at": None,
            "secret": secret,
        }
        return Response(201, wire.webhook_body(hook))

    def _registered(self, request: Request) -> Response:
        mode = self._mode(request)
        rows = [wire.webhook_body(hook) for hook in self.webhooks.values() if hook["mode"] == mode]
        return Response(200, {"webhooks": rows})

    def _repair(self, request: Request) -> Response:
        hook = self.webhooks.get(request.match["id"])
        if hook is None or hook["mode"] != self._mode(request):
            return self.not_found(request)
        asked = wire.object_of(request, "webhook")
        hook["secret"] = str(asked.get("webhook_secret") or hook["secret"])
        hook["disabled_at"] = None
        return Response(200, wire.webhook_body(hook))

    def _remove(self, request: Request) -> Response:
        hook = self.webhooks.get(request.match["id"])
        if hook is None or hook["mode"] != self._mode(request):
            return self.not_found(request)
        del self.webhooks[hook["id"]]
        return Response(200, {})

    def _mode(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            name, _, password = base64.b64decode(token, validate=True).decode().partition(":")
        except ValueError:
            return ""
        return self.keys.get(name, "") if scheme == "Basic" and not password else ""

    def _own(self, request: Request) -> Tracker | None:
        tracker = self.trackers.get(request.match["id"])
        if tracker is None or tracker.mode != self._mode(request):
            return None
        return tracker if tracker.visible_at <= self.clock.now() else None

    def _lately(self, code: str) -> list[Tracker]:
        """The trackers of a code that are young enough to be answered with again."""
        since = self.clock.now() - self.dials.same_tracker_for
        return [each for each in self._followers.get(code, ()) if each.created_at >= since]

    def _is_known(self, code: str) -> bool:
        """Whether some carrier knows the code; the documented test codes come to be when asked."""
        if code in TEST_CODES and code not in self.parcels:
            self.announce(code, "USPS", fate="stuck")
            parcel, status = self.parcels[code], TEST_CODES[code]
            parcel.steps_done = len(parcel.steps)
            parcel.scans = [(self.clock.now(), status, status, f"Test code: {status}")]
        self.tick()
        return code in self.parcels

    def _next_id(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{self._count:032x}"


def example_account(base_url: str) -> Account:
    """A test account at a simulator that is served at `base_url`."""
    settings = {
        "api_key": TEST_KEY,
        "webhook_secret": "",
        "account_name": "",
        "base_url": f"{base_url}/v2",
    }
    return Account(mode=Mode.TEST, settings=settings)


def example_secrets() -> Secrets:
    """A secret that is not ASCII, since it is normalised before it signs."""
    return Secrets(signing=("sécret-of-the-hub",))


def example_webhook(secrets: Secrets, *, at: datetime) -> WebhookRequest:
    """An event as it would arrive at a connection with these secrets."""
    simulator = build(Clock(start=at))
    simulator.webhooks["hook_1"] = {
        "id": "hook_1",
        "mode": "test",
        "url": "http://hub.example/hooks/1",
        "disabled_at": None,
        "secret": secrets.signing[0],
    }
    parcel = Parcel(
        code="9400100000000000000001", carrier="USPS", starts_at=at, fate="delivered",
        journey=timedelta(days=1), scans=[(at, "in_transit", "departed_facility", "Departed")],
    )  # fmt: skip
    tracker = Tracker(
        id="trk_1", mode="test", parcel=parcel, created_at=at, updated_at=at, visible_at=at
    )
    simulator._send(tracker, "tracker.updated", at, before="pre_transit")  # noqa: SLF001 -- same module
    [delivery] = simulator.deliveries
    return WebhookRequest(body=delivery.body, headers=delivery.headers)


def example_happenings(simulator: EasyPostSimulator) -> None:
    """Five parcels are followed, and one of them has arrived."""
    now = simulator.clock.now()
    for number in range(5):
        code = f"940010000000000000010{number}"
        simulator.announce(code, "USPS", at=now, fate="stuck")
        simulator.follow(code, mode="test")
    simulator.scan("9400100000000000000102", "delivered")


def example_parcel(simulator: EasyPostSimulator) -> tuple[str, str]:
    """A number that a carrier has just given out, and that carrier."""
    simulator.announce("9400100000000000000042", "USPS")
    return "9400100000000000000042", "usps"
