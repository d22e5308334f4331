"""Who calls the interface: a machine with a key, or a customer with a token of a shop."""

from dataclasses import dataclass, field

from django.http import HttpRequest

from entrepot.access.permissions import NotAllowed, require
from entrepot.database.rows import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What a caller may see and do.

    `customer_id` limits a customer to their own; `order_id` limits a mailed link to its one order.
    Both are None for a machine, whose `scopes` say what it may do. `actor` is the journal's name.
    """

    merchant_id: int
    mode: Mode
    actor: str
    scopes: frozenset[str] = field(default_factory=frozenset)
    customer_id: int | None = None
    order_id: int | None = None

    @property
    def is_customer(self) -> bool:
        """Whether this is somebody who bought, and not a machine of the merchant."""
        return self.customer_id is not None or self.order_id is not None

    @property
    def sees_people(self) -> bool:
        """Whether names and addresses of customers are shown."""
        return self.is_customer or "personal_data:read" in self.scopes

    def needs(self, scope: str) -> None:
        """Refuse a caller without a scope.

        Raises:
            NotAllowed: naming the scope.
        """
        if self.is_customer:
            raise NotAllowed(scope)
        require(scope, self.scopes)


class ApiRequest(HttpRequest):
    """A request that was let through."""

    auth: Caller
