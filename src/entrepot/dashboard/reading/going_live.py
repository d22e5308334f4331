"""What to look at before a connection goes live: credentials, webhooks, mappings, senders."""

from collections import defaultdict
from dataclasses import dataclass

from django.utils import timezone

from entrepot.catalog.queries import ANY_METHOD
from entrepot.connect.registry import platform
from entrepot.connections import queries, registrations
from entrepot.connections.models import Connection, WebhookRegistration
from entrepot.connections.states import Status
from entrepot.dashboard.reading.connections import of_kind
from entrepot.dashboard.reading.observing import NOT_MAPPED, Preview
from entrepot.dashboard.wording import Chip, count_words, distance_words, listed, plain
from entrepot.database import sql
from entrepot.notifications import queries as notifications
from entrepot.notifications.states import Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing to look at before going live. Only a `bad` one blocks."""

    chip: Chip
    words: str
    link: str = ""
    link_words: str = ""

    @property
    def blocks(self) -> bool:
        """Whether nobody should go live with it."""
        return self.chip.role == "bad"


_METHODS = """
    SELECT DISTINCT o.shipping_method, o.shipping_title
    FROM orders_order AS o
    WHERE o.connection_id = %(connection)s AND o.placed_at >= %(since)s
        AND o.shipping_method <> ''
    ORDER BY 2
"""
_MAPPED_METHODS = """
    SELECT DISTINCT method_code
    FROM catalog_shipping_map
    WHERE storefront_id = %(connection)s
"""


def checks(connection: Connection, seen: Preview | None, *, urls: dict[str, str]) -> list[Check]:
    """What to look at before going live; `urls` has `mappings` and `edit`."""
    found = [_credentials(connection), *_webhooks(connection)]
    if seen is not None:
        found += _mapped(connection, seen, urls)
        found.append(_senders(connection))
    return found


def _credentials(connection: Connection) -> Check:
    if connection.status == Status.MISCONFIGURED:
        return Check(chip=Chip("bad", "stop", ""), words=connection.status_reason)
    if connection.last_ping_at is None:
        if platform(connection.platform).manifest.is_built_in:
            return Check(chip=Chip("good", "check", ""), words="Built in: no credentials needed")
        return Check(chip=Chip("warn", "warn", ""), words="The credentials were never tested")
    ago = distance_words(connection.last_ping_at, now=timezone.now())
    return Check(chip=Chip("good", "check", ""), words=f"Credentials work, asked {ago}")


def _webhooks(connection: Connection) -> list[Check]:
    if not platform(connection.platform).manifest.can("subscribe"):
        return []
    reason = registrations.polls_only_because(connection, queries.account_of(connection))
    if reason:
        return [Check(chip=Chip("info", "refresh", ""), words=reason)]
    rows = list(WebhookRegistration.objects.filter(connection=connection))
    active = [row for row in rows if row.is_active]
    if rows and len(active) == len(rows):
        words = f"{count_words(len(rows), 'webhook')} registered"
        return [Check(chip=Chip("good", "check", ""), words=words)]
    words = f"{len(active)} of {len(rows)} webhooks active; polling meanwhile"
    return [
        Check(chip=Chip("warn", "warn", ""), words=words if rows else "No webhook registered yet")
    ]


def _mapped(connection: Connection, seen: Preview, urls: dict[str, str]) -> list[Check]:
    unmapped = next((number for why, number in seen.holds if why == NOT_MAPPED), 0)
    if unmapped:
        first = Check(
            chip=Chip("warn", "warn", ""),
            words=f"{count_words(unmapped, 'order')} would be held for a SKU that is not mapped",
            link=urls.get("mappings", ""),
            link_words="Map",
        )
    else:
        first = Check(chip=Chip("good", "check", ""), words="Every SKU that was sold is mapped")
    return [first, *_shipping(connection, urls)]


def _shipping(connection: Connection, urls: dict[str, str]) -> list[Check]:
    outside = [
        row
        for row in of_kind(connection.mode, "fulfillment")
        if not platform(row.platform).manifest.is_built_in
    ]
    if not outside:
        return []
    asked = {"connection": connection.id, "since": connection.created_at}
    methods = {row[0]: row[1] or row[0] for row in sql.fetch(_METHODS, asked)}
    known = {row[0] for row in sql.fetch(_MAPPED_METHODS, asked)}
    missing = (
        [] if ANY_METHOD in known else [methods[code] for code in methods if code not in known]
    )
    if not missing:
        return [Check(chip=Chip("good", "check", ""), words="Every shipping method has a match")]
    words = f"Shipping methods without a match: {listed(missing[:3])}"
    return [
        Check(
            chip=Chip("warn", "warn", ""),
            words=words,
            link=urls.get("mappings", ""),
            link_words="Map",
        )
    ]


def _senders(connection: Connection) -> Check:
    by: dict[Sender, list[str]] = defaultdict(list)
    for one in notifications.senders(connection):
        by[one.sender].append(plain(one.kind))
    if len(by) == 1:
        words = f"Senders: {next(iter(by))} tells everything"
    else:
        words = "Senders: " + "; ".join(f"{who} tells {listed(what)}" for who, what in by.items())
    return Check(chip=Chip("good", "check", ""), words=words)
