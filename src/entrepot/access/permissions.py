"""What people and machines may do: a list of scopes, and which role has which.

Deny by default: whoever asks for a scope that is not listed is refused, and a role or key has only
what stands here.
"""

from collections.abc import Iterable

from entrepot.access.states import Role

# scope -> what it allows
SCOPES: dict[str, str] = {
    "orders:read": "see orders, shipments, parcels and their timelines",
    "orders:write": "hold, release, change, cancel, route and reship orders; add notes and tags",
    "checkout:write": "open checkouts for carts",
    "payments:read": "see payments, refunds and disputes",
    "refunds:write": "give money back",
    "payments:write": "capture and void authorized payments",
    "fulfillment:write": "pack, add tracking, print pick lists and packing slips",
    "catalog:read": "see products, mappings and shipping methods",
    "catalog:write": "change products, mappings and shipping methods",
    "personal_data:read": "see names, addresses and e-mail addresses of customers",
    "personal_data:erase": "erase what is known of a customer",
    "notifications:read": "see what customers were told",
    "notifications:write": "send and repeat messages, change templates",
    "inbox:read": "see messages from outside",
    "inbox:replay": "replay and discard parked messages",
    "jobs:read": "see jobs and dead letters",
    "jobs:write": "replay and discard dead letters, waive obligations",
    "health:read": "see the state of the installation",
    "health:write": "run health actions",
    "connections:read": "see connections, without their credentials",
    "connections:write": "add, change, pause, resume and archive connections",
    "effects:pause": "stop and resume effects outside",
    "settings:read": "see the merchant's settings",
    "settings:write": "change the merchant's settings",
    "users:read": "see who may do what",
    "users:write": "invite people and change their roles",
    "keys:write": "make, rotate and revoke API keys",
}

_READ = frozenset(
    {
        "orders:read",
        "payments:read",
        "catalog:read",
        "notifications:read",
        "health:read",
    }
)
_WAREHOUSE = frozenset({"orders:read", "catalog:read", "fulfillment:write", "personal_data:read"})
_SUPPORT = _READ | {
    "orders:write",
    "personal_data:read",
    "notifications:write",
    "inbox:read",
    "jobs:read",
}
_OPERATOR = (
    _SUPPORT
    | _WAREHOUSE
    | {
        "checkout:write",
        "refunds:write",
        "payments:write",
        "catalog:write",
        "inbox:replay",
        "jobs:write",
        "health:write",
        "connections:read",
        "effects:pause",
        "settings:read",
        "users:read",
    }
)
ROLE_SCOPES: dict[Role, frozenset[str]] = {
    Role.OWNER: frozenset(SCOPES),
    Role.OPERATOR: _OPERATOR,
    Role.WAREHOUSE: _WAREHOUSE,
    Role.SUPPORT: _SUPPORT,
    Role.VIEWER: _READ,
}


class UnknownScope(Exception):
    """Scopes were named that do not exist."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(names)
        super().__init__(f"no such scope: {', '.join(self.names)}. Known: {', '.join(SCOPES)}")


class NotAllowed(Exception):
    """Somebody asked for what they may not do."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"this needs the scope {scope!r}: {SCOPES.get(scope, 'unknown')}")
        self.scope = scope


def scopes_of(role: Role) -> frozenset[str]:
    """What a role may do."""
    return ROLE_SCOPES[role]


def require(scope: str, granted: Iterable[str]) -> None:
    """Refuse what was not granted.

    Raises:
        NotAllowed: `granted` lacks the scope, or the scope does not exist.
    """
    if scope not in SCOPES or scope not in set(granted):
        raise NotAllowed(scope)


def checked(scopes: Iterable[str]) -> list[str]:
    """The scopes, sorted and without repetition. Raises UnknownScope."""
    wanted = set(scopes)
    if unknown := wanted - set(SCOPES):
        raise UnknownScope(unknown)
    return sorted(wanted)
