"""Our webhooks at a platform: what was registered, whether it can reach us, what to repair."""

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from entrepot.connect.haste import hurried
from entrepot.connect.ports import Account, Subscription
from entrepot.connect.registry import platform
from entrepot.connections.models import Connection, FormerToken, WebhookRegistration
from entrepot.connections.queries import hook_url
from entrepot.database import clock

# Longer than any look at them takes, and how long a worker that died in one keeps others out.
LEASE = hurried(timedelta(minutes=5))


def lease(connection: Connection) -> datetime | None:
    """Keep every other worker from a connection's webhooks; None when one is at them.

    Two that register at the same moment would each make a secret, and the platform might sign with
    the one that we hold for the former. In an open scope.
    """
    until = clock.now() + LEASE
    free = Q(webhooks_leased_until=None) | Q(webhooks_leased_until__lt=Now())
    taken = Connection.objects.filter(free, id=connection.id).update(webhooks_leased_until=until)
    return until if taken else None


def let_go(connection: Connection, *, leased_until: datetime) -> None:
    """End a lease, unless it has passed to another worker. In an open scope."""
    Connection.objects.filter(id=connection.id, webhooks_leased_until=leased_until).update(
        webhooks_leased_until=None
    )


def polls_only_because(connection: Connection, account: Account) -> str:
    """Why a platform cannot deliver to this installation, in words; empty when it can.

    An installation on somebody's own machine works by polling alone, unless the platform (a
    simulator, say) is there too.
    """
    one = platform(connection.platform)
    if not one.manifest.can("subscribe"):
        return ""
    if is_own_machine(settings.PUBLIC_URL) and not is_own_machine(one.base_url(account)):
        return (
            f"{one.manifest.name} cannot reach {settings.PUBLIC_URL}: everything is read by"
            " polling. Set ENTREPOT_URL to a public address to receive webhooks"
        )
    return ""


def is_own_machine(url: str) -> bool:
    """Whether an address is this machine's own, whoever asks."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def needs_repair(
    connection: Connection, found: Sequence[Subscription], *, has_secret: bool
) -> bool:
    """Compare what is registered at the platform with what it confirmed last. In an open scope."""
    url = hook_url(connection)
    there = {one.external_id: one for one in found if one.url == url}
    wanted = list(WebhookRegistration.objects.filter(connection=connection, url=url))
    if not wanted or not there or not has_secret:
        return True
    return any(
        (seen := there.get(row.external_id)) is None
        or not seen.is_active
        or not set(row.topics) <= set(seen.topics)
        for row in wanted
    )


def left_over(connection: Connection, found: Sequence[Subscription]) -> list[Subscription]:
    """Webhooks at addresses that the connection no longer has. In an open scope."""
    former = FormerToken.objects.filter(connection=connection).values_list("token", flat=True)
    urls = {f"{settings.PUBLIC_URL}/hooks/{token}" for token in former}
    return [one for one in found if one.url in urls]


def confirm(connection: Connection, registered: Sequence[Subscription]) -> None:
    """Keep what the platform confirmed, instead of what was known before. In an open scope."""
    now = clock.now()
    WebhookRegistration.objects.filter(connection=connection).exclude(
        external_id__in=[one.external_id for one in registered]
    ).delete()
    WebhookRegistration.objects.bulk_create(
        [
            WebhookRegistration(
                merchant_id=connection.merchant_id,
                connection=connection,
                external_id=one.external_id,
                url=one.url,
                topics=list(one.topics),
                is_active=one.is_active,
                checked_at=now,
                repaired_at=now,
            )
            for one in registered
        ],
        update_conflicts=True,
        unique_fields=["connection", "external_id"],
        update_fields=["url", "topics", "is_active", "checked_at", "repaired_at"],
    )


def note_check(connection: Connection, found: Sequence[Subscription]) -> None:
    """Keep that everything was as it should be. In an open scope."""
    ids = [one.external_id for one in found]
    WebhookRegistration.objects.filter(connection=connection, external_id__in=ids).update(
        checked_at=clock.now()
    )
