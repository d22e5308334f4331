"""Sets a demo merchant up at a running sandbox: people, connections, mappings, voices.

Idempotent: what is there stays. A sandbox that began anew has other accounts; connections to those
of its earlier runs are archived.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from entrepot.access import keys, scope
from entrepot.access import services as access
from entrepot.access.models import ApiKey, Merchant, User
from entrepot.access.queries import merchant_by_code
from entrepot.access.states import Role
from entrepot.canon.orders import Mode
from entrepot.catalog import services as catalog
from entrepot.catalog.services import Artwork, MappingWish
from entrepot.catalog.states import MappingKind
from entrepot.connect import registry
from entrepot.connections import services
from entrepot.connections.models import Connection, WebhookRegistration
from entrepot.connections.states import Status
from entrepot.database.rows import Mode as RowMode
from entrepot.notifications.configuring import save_voice
from entrepot.sandbox.telephone import Telephone

CODE, NAME = "seemoewe", "Seemöwe Prints"
OWNER_EMAIL, OWNER_NAME = "demo@seemoewe.example", "Änne Demo"
BY = "system:demo"
SITE_KEY = "seemoewe.example"
ARTWORK_PROPERTY = "artwork"
PATIENCE_S = 60.0
LOOK_EVERY_S = 0.1
# What a shop calls its usual and its fast delivery, and what the checkout of our own site does.
USUAL_METHODS, FAST_METHODS = ("flat_rate", "standard", "*"), ("express",)
POLICY: dict[str, Any] = {
    "cooling_off_seconds": 0,
    # Single stickers and mugs, often from several labs at once, cost more than they bring in.
    "most_cost_percent": 1000,
    "hourly_ceilings": dict.fromkeys(("submissions", "refunds", "mails", "write_backs"), 1_000_000),
    "mail_gather_seconds": 5,
    "calls_per_minute": 60_000,
    "burst": 2_000,
}


class NotSetUp(Exception):
    """A connection of the sandbox did not come up; the message says which, and what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """The merchant of a demo, and its connections and their names by mount.

    `password` and `site_key`, the API key of the merchant's own site, are new with each set-up.
    `earlier_runs` were set up on the same data before.
    """

    merchant_id: int
    run: str
    earlier_runs: int
    zone: tzinfo
    connections: dict[str, int]
    names: dict[str, str]
    gateways: tuple[str, ...]
    site_key: str = field(repr=False)
    password: str = field(repr=False)
    email: str = OWNER_EMAIL


def set_up(
    telephone: Telephone,
    *,
    code: str = CODE,
    name: str = NAME,
    tell: Callable[[str], None] = lambda _: None,
) -> Demo:
    """Make everything ready for sales; returns when every account is live.

    A worker must be running: it proves the credentials and registers the webhooks. `code` and
    `name` are the merchant's.

    Raises:
        NotSetUp: an account did not come up in time.
        SandboxSilent: the sandbox does not answer.
    """
    told = telephone.ask("accounts")
    merchant = merchant_by_code(code) or access.create_merchant(
        name=name, code=code, time_zone="Europe/Berlin", mode=RowMode.TEST
    )
    password = _owner(merchant)
    _by_hand(merchant.id)
    connections = {
        place["mount"]: _connect(merchant.id, place, run=told["run"]) for place in told["places"]
    }
    _archive_others(merchant.id, set(connections.values()))
    tell("Waiting for the accounts to answer")
    for place in told["places"]:
        _come_up(merchant.id, connections[place["mount"]])
    _map_goods(merchant.id, told, connections)
    for place in told["places"]:
        if place["sells"] or place["takes_money"]:
            _speak(merchant.id, connections[place["mount"]], place)
    return Demo(
        merchant_id=merchant.id,
        run=told["run"],
        earlier_runs=earlier_runs(merchant.id),
        zone=ZoneInfo(merchant.time_zone),
        connections=connections,
        names={place["mount"]: place["name"] for place in told["places"]},
        gateways=tuple(place["mount"] for place in told["places"] if place["takes_money"]),
        site_key=issue_site_key(merchant.id),
        password=password,
    )


def _owner(merchant: Merchant) -> str:
    """The person who may sign in, with a new password each time."""
    password = f"demo-{secrets.token_urlsafe(9)}"
    with scope.system():
        known = User.objects.filter(email=OWNER_EMAIL).first()
        if known is not None:
            access.set_password(known, password)
            return password
        user = access.create_user(
            email=OWNER_EMAIL,
            name=OWNER_NAME,
            password=password,
            time_zone="Europe/Berlin",
        )
        access.grant_role(user.id, merchant_id=merchant.id, role=Role.OWNER)
    return password


def earlier_runs(merchant_id: int) -> int:
    """How many times a run was set up here: each left a key of the merchant's own site."""
    with scope.merchant(merchant_id):
        return ApiKey.objects.filter(name=SITE_KEY).count()


def issue_site_key(merchant_id: int) -> str:
    """A fresh key for the merchant's own site; those of earlier runs are revoked."""
    with scope.merchant(merchant_id):
        former = list(
            ApiKey.objects.filter(name=SITE_KEY, revoked_at=None).values_list("id", flat=True)
        )
    for key_id in former:
        keys.revoke_api_key(key_id, merchant_id=merchant_id, reason="the demo began anew")
    issued = keys.create_api_key(
        merchant_id=merchant_id,
        name=SITE_KEY,
        scopes=["checkout:write"],
        mode=RowMode.TEST,
        rate_limit_per_minute=60_000,
    )
    return issued.secret


def _connect(merchant_id: int, place: dict[str, Any], *, run: str) -> int:
    name = f"{place['name']} · {run}"
    with scope.merchant(merchant_id):
        known = (
            Connection.objects.filter(platform=place["platform"], name=name)
            .exclude(status=Status.ARCHIVED)
            .first()
        )
    if known is not None:
        return known.id
    connection = services.add_connection(
        merchant_id,
        platform=place["platform"],
        mode=Mode.TEST,
        name=name,
        settings=place["settings"],
        code=f"{place['mount']}-{run}",
    )
    services.change_policy(connection.id, merchant_id=merchant_id, changes=POLICY)
    return connection.id


def _by_hand(merchant_id: int) -> None:
    """The merchant's own table, for what is packed by people; their own store opens by itself."""
    for code, platform in registry.platforms().items():
        if not (platform.manifest.is_built_in and "fulfillment" in platform.manifest.kinds):
            continue
        with scope.merchant(merchant_id):
            known = Connection.objects.filter(platform=code, mode=Mode.TEST).first()
        connection = known or services.add_connection(
            merchant_id, platform=code, mode=Mode.TEST, name=platform.manifest.name, settings={}
        )
        if connection.status == Status.OBSERVING:
            services.go_live(connection.id, merchant_id=merchant_id, reason="demo")


def _archive_others(merchant_id: int, current: set[int]) -> None:
    with scope.merchant(merchant_id):
        built_in = [c for c, p in registry.platforms().items() if p.manifest.is_built_in]
        old = list(
            Connection.objects.exclude(id__in=current)
            .exclude(status=Status.ARCHIVED)
            .exclude(platform__in=built_in)
            .values_list("id", flat=True)
        )
    for connection_id in old:
        services.archive(
            connection_id,
            merchant_id=merchant_id,
            reason="the sandbox began anew, with other books",
        )


def _come_up(merchant_id: int, connection_id: int) -> None:
    """Wait until the worker has proved the credentials and registered webhooks; then go live."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with scope.merchant(merchant_id):
            connection = Connection.objects.get(id=connection_id)
            manifest = registry.platform(connection.platform).manifest
            is_heard = not manifest.can("subscribe") or (
                WebhookRegistration.objects.filter(connection_id=connection_id).exists()
            )
        if connection.status == Status.LIVE:
            return
        if connection.account and is_heard:
            break
        if time.monotonic() > deadline:
            missing = "its webhooks" if connection.account else "an answer to the first call"
            raise NotSetUp(
                f"{connection.name} did not come up within {PATIENCE_S:g} s: it lacks {missing}."
                f" Status: {connection.status} {connection.status_reason}".rstrip()
            )
        time.sleep(LOOK_EVERY_S)
    services.go_live(
        connection_id,
        merchant_id=merchant_id,
        since=timezone.now() - timedelta(minutes=1),
        reason="demo",
    )


def _map_goods(merchant_id: int, told: dict[str, Any], connections: dict[str, int]) -> None:
    """Say what every SKU becomes, but for the goods that are left unmapped on purpose."""
    for place in told["places"]:
        if not place["recipes"]:
            continue
        provider_id = connections[place["mount"]]
        for good in told["goods"]:
            recipe = place["recipes"].get(good["made_as"])
            if recipe is not None:
                _map(merchant_id, good, recipe, provider_id)
        for seller in told["places"]:
            if seller["sells"] or seller["takes_money"]:
                _map_shipping(
                    merchant_id,
                    connections[seller["mount"]],
                    provider_id,
                    place["shipping_methods"],
                )
    for good in told["goods"]:
        if good["is_virtual"]:
            catalog.map_sku(
                merchant_id, good["sku"], wish=MappingWish(kind=MappingKind.NOTHING), by=BY
            )


def _map(merchant_id: int, good: dict[str, Any], recipe: dict[str, Any], provider_id: int) -> None:
    artwork = (
        Artwork(line_property=ARTWORK_PROPERTY)
        if good["asks_artwork"]
        else Artwork(url=good["artwork_url"])
    )
    catalog.map_sku(
        merchant_id,
        good["sku"],
        wish=MappingWish(
            kind=MappingKind.PROVIDER,
            provider_connection_id=provider_id,
            provider_sku=recipe["provider_sku"],
            sizing=recipe["sizing"],
            attributes=recipe["attributes"],
            artwork=[artwork],
        ),
        by=BY,
    )


def _map_shipping(
    merchant_id: int, storefront_id: int, provider_id: int, methods: dict[str, str]
) -> None:
    for codes, word in (
        (USUAL_METHODS, methods["standard"]),
        (FAST_METHODS, methods["express"]),
    ):
        for code in codes:
            catalog.map_shipping(
                merchant_id,
                storefront_id=storefront_id,
                provider_connection_id=provider_id,
                method_code=code,
                provider_method=word,
            )


def _speak(merchant_id: int, connection_id: int, place: dict[str, Any]) -> None:
    sender = NAME if place["takes_money"] else place["name"]
    save_voice(
        connection_id,
        merchant_id=merchant_id,
        by=BY,
        sender_name=sender,
        sender_email="hallo@seemoewe.example",
        reply_to="hilfe@seemoewe.example",
        language=place["language"],
    )
