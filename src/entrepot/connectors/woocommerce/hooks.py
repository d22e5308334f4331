"""The simulated shop's webhooks: queued, and sent later with the resource as it is then.

Part of the simulator. Seen in WooCommerce 11.0.1, 2026-11: a webhook that is made sends an unsigned
form-encoded ping; deliveries run from a queue, so an `order.created` may already show the completed
order, and changes in quick succession share one queued `order.updated`; the delivery id is a hash
of webhook and second, so all deliveries of one webhook in one second share it; `deleted` carries
only the id. Seen by others (woocommerce#20047, #19764, #28329): one change sends order.updated two
to four times. A webhook is disabled after five failed deliveries in a row.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from entrepot.connect.simulator import Delivery, Faults
from entrepot.connect.webhook import hmac_sha256_base64
from entrepot.connectors.woocommerce.books import Hook, ShopOptions

Show = Callable[[str, int], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Queued:
    due_at: datetime
    hook_id: int
    resource_id: int


class Hooks:
    """The registered webhooks and their queue."""

    def __init__(
        self,
        options: ShopOptions,
        faults: Callable[[], Faults],
        *,
        show: Show,
        send: Callable[[Delivery], None],
    ) -> None:
        """Take how a resource is shown (None when it is gone) and where deliveries go."""
        self.registered: dict[int, Hook] = {}
        self.is_silent = False
        self._options = options
        self._faults = faults
        self._show = show
        self._send = send
        self._queue: list[_Queued] = []

    def fire(self, topic: str, resource_id: int, *, now: datetime) -> None:
        """Queue a topic's webhooks for a resource; what is queued already is not queued again."""
        if self.is_silent:
            return
        for hook in self.registered.values():
            if hook.topic != topic or hook.status != "active":
                continue
            if any(q.hook_id == hook.id and q.resource_id == resource_id for q in self._queue):
                continue
            faults, copies = self._faults(), 1
            if topic == "order.updated":
                low, high = self._options.update_copies
                copies = low + int(faults.between(0, high - low + 0.999))
            due_at = now + timedelta(seconds=faults.between(*self._options.hook_delay))
            for copy in range(copies):
                self._queue.append(
                    _Queued(
                        due_at=due_at + timedelta(seconds=copy),
                        hook_id=hook.id,
                        resource_id=resource_id,
                    )
                )

    def run(self, now: datetime) -> None:
        """Send what is due, each with the resource as it is now."""
        due = sorted((q for q in self._queue if q.due_at <= now), key=lambda q: q.due_at)
        self._queue = [q for q in self._queue if q.due_at > now]
        for queued in due:
            hook = self.registered.get(queued.hook_id)
            if hook is None or hook.status != "active":
                continue
            shown = (
                {"id": queued.resource_id}
                if hook.topic.endswith(".deleted")
                else self._show(hook.topic, queued.resource_id)
            )
            if shown is not None:
                self._send(self._delivery(hook, encoded(shown), now))

    def ping(self, hook: Hook, *, now: datetime) -> None:
        """Send the unsigned ping that follows a webhook's creation."""
        self._send(
            Delivery(
                url=hook.delivery_url,
                body=f"webhook_id={hook.id}".encode(),
                headers={
                    "User-Agent": self._agent(),
                    "Content-Type": "application/x-www-form-urlencoded",
                },
                due_at=now,
            )
        )

    def waiting(self) -> int:
        """How many deliveries are queued."""
        return len(self._queue)

    def _delivery(self, hook: Hook, body: bytes, now: datetime) -> Delivery:
        resource, _, event = hook.topic.partition(".")
        second = f"{hook.id}:{int(now.timestamp())}"
        return Delivery(
            url=hook.delivery_url,
            body=body,
            headers={
                "User-Agent": self._agent(),
                "Content-Type": "application/json",
                "X-WC-Webhook-Source": f"{self._options.site_url}/",
                "X-WC-Webhook-Topic": hook.topic,
                "X-WC-Webhook-Resource": resource,
                "X-WC-Webhook-Event": event,
                "X-WC-Webhook-Signature": hmac_sha256_base64(hook.secret.encode(), body),
                "X-WC-Webhook-ID": str(hook.id),
                "X-WC-Webhook-Delivery-ID": hashlib.sha256(second.encode()).hexdigest()[:32],
            },
            due_at=now,
            on_result=lambda status: self._learn(hook, status),
        )

    def _learn(self, hook: Hook, status: int) -> None:
        if 200 <= status < 300:
            hook.failures = 0
            return
        hook.failures += 1
        if hook.failures >= self._options.failures_allowed:
            hook.status = "disabled"

    def _agent(self) -> str:
        options = self._options
        return f"WooCommerce/{options.version} Hookshot (WordPress/{options.wordpress_version})"


def encoded(value: Any) -> bytes:
    """As PHP writes JSON: no spaces, ASCII only, slashes escaped."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()
