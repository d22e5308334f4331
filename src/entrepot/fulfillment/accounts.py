"""A merchant's accounts as one batch of decisions sees them: each asked for once, in one scope."""

from dataclasses import dataclass, field
from functools import cached_property

from entrepot.catalog.queries import ANY_METHOD, provider_methods_of
from entrepot.connect import registry
from entrepot.connections.models import Connection
from entrepot.connections.states import Status
from entrepot.orders.models import Order
from entrepot.orders.policy import OrderPolicy
from entrepot.routing.plan import Share


@dataclass
class Accounts:
    """Reads when first asked; not to be kept longer than the scope that it was made in."""

    merchant_id: int
    _policies: dict[int, OrderPolicy] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> dict[int, Connection]:
        """Every connection of the merchant."""
        rows = Connection.objects.filter(merchant_id=self.merchant_id).order_by("id")
        return {row.id: row for row in rows}

    @cached_property
    def _methods(self) -> dict[tuple[int, int, str], str]:
        return provider_methods_of(self.merchant_id)

    def policy_of(self, order: Order) -> OrderPolicy:
        """The policy of the storefront that an order came from."""
        known = self._policies.get(order.connection_id)
        if known is None:
            storefront = self.by_id[order.connection_id]
            known = self._policies[storefront.id] = OrderPolicy.read(
                storefront.policy,
                live_since=storefront.live_since,
                is_live_mode=storefront.mode == "live",
            )
        return known

    def provider_of(self, order: Order, share: Share) -> Connection | None:
        """The connection that ships a share, in the order's own mode.

        A mapping names one connection; an order of the other mode goes to the same platform's
        connection of that mode, and never across.
        """
        usable = [
            row
            for row in self.by_id.values()
            if row.status != Status.ARCHIVED and row.mode == order.mode
        ]
        if share.connection_id:
            named = self.by_id.get(share.connection_id)
            if named is None:
                return None
            if named.mode == order.mode:
                return named if named.status != Status.ARCHIVED else None
            return next((row for row in usable if row.platform == named.platform), None)
        by_hand = platforms_by_hand()
        return next((row for row in usable if row.platform in by_hand), None)

    def shipping_method(self, order: Order, share: Share, *, provider: Connection) -> str | None:
        """The provider's word for the customer's choice; None when nobody has said.

        The merchant's word for the very method wins over the one for any method.
        """
        if share.is_by_hand:
            return order.shipping_title or order.shipping_method
        where = (order.connection_id, provider.id)
        return (
            self._methods.get((*where, order.shipping_method))
            or self._methods.get((*where, ANY_METHOD))
            or None
        )


def platforms_by_hand() -> list[str]:
    """Platforms whose work people do: providers that nothing can be submitted to."""
    return [
        code
        for code, platform in registry.platforms().items()
        if "fulfillment" in platform.manifest.kinds and not platform.manifest.can("submit")
    ]
