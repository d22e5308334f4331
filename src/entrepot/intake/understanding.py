"""From raw bytes to canonical values: the connector's word, checked before anything is written."""

from dataclasses import dataclass

from entrepot.access.crypto import CannotDecrypt
from entrepot.canon.messages import CanonicalItem
from entrepot.canon.orders import OrderSnapshot
from entrepot.connect import registry
from entrepot.connect.ports import Account
from entrepot.connections.models import Connection
from entrepot.connections.queries import account_with
from entrepot.inbox.claiming import Claimed
from entrepot.inbox.sealing import BodyErased
from entrepot.intake import soundness
from entrepot.orders.policy import OrderPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What intake needs to know of a connection while it works on a batch."""

    connection: Connection
    account: Account
    policy: OrderPolicy
    is_gateway: bool

    @classmethod
    def of(cls, connection: Connection) -> "Known":
        """Read once per batch and connection; needs no secrets."""
        kinds = registry.platform(connection.platform).manifest.kinds
        return cls(
            connection=connection,
            account=account_with(connection, {}),
            policy=OrderPolicy.read(
                connection.policy,
                live_since=connection.live_since,
                is_live_mode=connection.mode == "live",
            ),
            is_gateway="payment" in kinds and "storefront" not in kinds,
        )

    @property
    def account_name(self) -> str:
        """The platform account that identities are made of."""
        connection = self.connection
        return connection.account or f"{connection.platform}:connection-{connection.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """A message with what it says; `encoded` holds each of its items as JSON."""

    claimed: Claimed
    known: Known
    items: tuple[CanonicalItem, ...]
    encoded: tuple[bytes, ...]


class NotUnderstood(Exception):
    """A message cannot be read or must not be applied; the reason is for an operator."""


def understand(claimed: Claimed, here: Known) -> Understood:
    """Have a message read by its connector.

    Raises:
        NotUnderstood: it cannot be read, or contradicts itself.
    """
    platform = registry.platform(here.connection.platform)
    try:
        items = platform.webhook.normalize(claimed.opened(), here.account)
    except (BodyErased, CannotDecrypt) as error:
        raise NotUnderstood(str(error)) from error
    except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
        raise NotUnderstood(
            f"{here.connection.name}: cannot read {claimed.topic}: {error}"
        ) from error
    return checked(claimed, here, items=items)


def checked(claimed: Claimed, here: Known, *, items: tuple[CanonicalItem, ...]) -> Understood:
    """A message with what it says, if that makes sense.

    Raises:
        NotUnderstood: it contradicts itself, or cannot be kept.
    """
    for item in items:
        if isinstance(item, OrderSnapshot):
            check_mode(item, here)
    encoded = tuple(check_sound(item) for item in items)
    return Understood(claimed=claimed, known=here, items=items, encoded=encoded)


def check_sound(item: CanonicalItem) -> bytes:
    """Refuse a value that contradicts itself or cannot be kept; returns it as JSON.

    Raises:
        NotUnderstood: with what is wrong and where.
    """
    try:
        return soundness.check(item)
    except soundness.Unsound as error:
        raise NotUnderstood(str(error)) from error


def check_mode(snapshot: OrderSnapshot, known: Known) -> None:
    """Refuse real money at a connection in test mode: it was set up for the wrong account.

    Raises:
        NotUnderstood: the order says that it is live.
    """
    if snapshot.is_test is False and known.connection.mode == "test":
        raise NotUnderstood(
            f"order {snapshot.number} is live, but {known.connection.name} is in test mode"
        )
