"""The webhook routes of the simulated shop.

Part of the simulator.
"""

from collections.abc import Callable
from typing import Protocol

from entrepot.connect.simulator import Clock, Handler, Request, Response
from entrepot.connectors.woocommerce.answers import (
    NotPossible,
    is_forced,
    number_in,
    object_of,
    refusal,
)
from entrepot.connectors.woocommerce.books import Hook, ShopOptions
from entrepot.connectors.woocommerce.listing import BadParameter, number_of
from entrepot.connectors.woocommerce.resources import API, HOOKS
from entrepot.connectors.woocommerce.shop import Shop


class Host(Protocol):
    """The simulator, as its desks see it."""

    clock: Clock
    options: ShopOptions
    shop: Shop

    def route(self, method: str, pattern: str, handler: Handler) -> None:
        """Answer `method` on a path."""
        ...

    def not_found(self, request: Request) -> Response:
        """WordPress's words for a route that no plug-in has."""
        ...


def open_webhook_desk(simulator: Host) -> None:
    """Add the routes."""
    desk = _WebhookDesk(simulator)
    one = f"{API}/webhooks/{{webhook}}"
    simulator.route("GET", f"{API}/webhooks", guarded(desk.webhooks))
    simulator.route("GET", one, guarded(desk.webhook))
    simulator.route("POST", f"{API}/webhooks", guarded(desk.make_webhook))
    for method in ("POST", "PUT", "PATCH"):
        simulator.route(method, one, guarded(desk.change_webhook))
    simulator.route("DELETE", one, guarded(desk.delete_webhook))


def guarded(handler: Callable[[Request], Response]) -> Handler:
    """The same handler, with refusals in the API's shape."""

    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except BadParameter as error:
            return error.response()
        except NotPossible as error:
            return refusal(error.code, str(error), status=error.status)

    return answer


class _WebhookDesk:
    """Handlers over one simulator; its shop may be set up anew at any time."""

    def __init__(self, simulator: Host) -> None:
        self._simulator = simulator

    def webhooks(self, request: Request) -> Response:
        """GET /webhooks."""
        shop = self._simulator.shop
        hooks = sorted(shop.hooks.registered.values(), key=lambda hook: hook.id)
        size = number_of(request, "per_page", 10, low=1, high=100)
        page = number_of(request, "page", 1, low=1, high=None)
        shown = [shop.render.webhook(hook) for hook in hooks[(page - 1) * size : page * size]]
        total = {"X-WP-Total": str(len(hooks)), "X-WP-TotalPages": str(-(-len(hooks) // size))}
        return Response(200, shown, total)

    def webhook(self, request: Request) -> Response:
        """GET /webhooks/{id}."""
        return Response(200, self._simulator.shop.render.webhook(self._hook(request)))

    def make_webhook(self, request: Request) -> Response:
        """POST /webhooks; a ping follows."""
        body, shop = object_of(request), self._simulator.shop
        topic, url = str(body.get("topic") or ""), str(body.get("delivery_url") or "")
        if topic not in HOOKS and not topic.startswith(("action.", "customer.", "coupon.")):
            said = "Webhook topic must be valid."
            return refusal("woocommerce_rest_shop_webhook_invalid_topic", said, status=400)
        if not url.startswith(("http://", "https://")):
            said = "Webhook delivery URL must be a valid URL starting with http:// or https://."
            return refusal("woocommerce_rest_shop_webhook_invalid_delivery_url", said, status=400)
        hook = shop.register(
            name=str(body.get("name") or ""),
            topic=topic,
            url=url,
            secret=str(body.get("secret") or ""),
            status=str(body.get("status") or ""),
        )
        return Response(201, shop.render.webhook(hook))

    def change_webhook(self, request: Request) -> Response:
        """PUT /webhooks/{id}; becoming active forgets the failures."""
        hook, body, shop = self._hook(request), object_of(request), self._simulator.shop
        status = body.get("status", hook.status)
        if status not in {"active", "paused", "disabled"}:
            said = "status is not one of active, paused, and disabled."
            raise BadParameter("status", said, code="rest_not_in_enum")
        if status == "active" and hook.status != "active":
            hook.failures = 0
        hook.status = status
        hook.name = str(body.get("name") or hook.name)
        hook.topic = str(body.get("topic") or hook.topic)
        hook.secret = str(body.get("secret") or hook.secret)
        hook.modified_at = shop.now()
        return Response(200, shop.render.webhook(hook))

    def delete_webhook(self, request: Request) -> Response:
        """DELETE /webhooks/{id}: only with `force`."""
        hook, shop = self._hook(request), self._simulator.shop
        if not is_forced(request):
            said = "Webhooks do not support trashing."
            return refusal("woocommerce_rest_trash_not_supported", said, status=501)
        del shop.hooks.registered[hook.id]
        return Response(200, shop.render.webhook(hook))

    def _hook(self, request: Request) -> Hook:
        hook = self._simulator.shop.hooks.registered.get(number_in(request.match["webhook"]))
        if hook is None:
            raise NotPossible("woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.", 404)
        return hook
