"""A platform's folder: what its manifest says is there, and holds."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import entrepot.connectors
from entrepot.canon.orders import Mode
from entrepot.connect import ports, registry
from entrepot.connect.http import Http
from entrepot.connect.ports import Account
from entrepot.connect.registry import Platform
from tests.conformance.examples import missing

FOLDERS = Path(entrepot.connectors.__path__[0])
PROTOCOLS: dict[str, Any] = {
    "subscribe": ports.Subscribes,
    "pull_orders": ports.Pulls,
    "pull_products": ports.Pulls,
    "pull_payments": ports.Pulls,
    "pull_fulfillments": ports.Pulls,
    "pull_trackers": ports.Pulls,
    "write_back": ports.WritesBack,
    "quote": ports.Fulfills,
    "submit": ports.Fulfills,
    "find_by_reference": ports.Fulfills,
    "status": ports.Fulfills,
    "cancel": ports.Fulfills,
    "change_recipient": ports.ChangesRecipient,
    "change_shipping": ports.ChangesShipping,
    "checkout": ports.OpensCheckouts,
    "capture": ports.Captures,
    "refund": ports.Refunds,
    "track": ports.Tracks,
}
EFFECTS = {
    "submit", "cancel", "change_recipient", "change_shipping", "refund", "write_back", "checkout",
    "capture",
}  # fmt: skip
SECRET_WORDS = ("key", "secret", "token", "password")


def test_the_client_can_do_what_the_manifest_claims(platform: Platform) -> None:
    account = Account(
        mode=Mode.TEST, settings={s.name: s.default for s in platform.manifest.settings}
    )
    client = platform.client(Http("http://127.0.0.1:9"), account)

    lacking = {
        f"{protocol.__name__}.{name}"
        for capability, protocol in PROTOCOLS.items()
        if platform.manifest.can(capability) and not isinstance(client, protocol)
        for name in vars(protocol)
        if not (name.startswith("_") or hasattr(client, name))
    }

    assert sorted(lacking) == [], (
        f"add to connectors/{platform.code}/client.py what connect/ports.py says of these"
    )
    assert platform.manifest.can("ping")


def test_each_effect_outside_has_a_guarantee(platform: Platform) -> None:
    wanted = EFFECTS & platform.manifest.capabilities

    bare = sorted(wanted - set(platform.manifest.effects))

    assert bare == [], f"add to its manifest.toml: [effects.{bare[0]}] with its guarantee"


def test_each_flow_that_is_pulled_says_how_often(platform: Platform) -> None:
    flows = {
        name.removeprefix("pull_")
        for name in platform.manifest.capabilities
        if name.startswith("pull_")
    }

    assert set(platform.manifest.poll_seconds) == flows, (
        "say in its manifest.toml, under [poll_seconds]"
    )


def test_what_is_secret_is_typed_so(platform: Platform) -> None:
    open_ones = [
        setting.name
        for setting in platform.manifest.settings
        if setting.name.endswith(SECRET_WORDS) and setting.type != "secret"
    ]

    assert open_ones == []


def test_the_readme_says_which_pages_were_read_and_the_quality_list_is_filled(
    platform: Platform,
) -> None:
    readme = (FOLDERS / platform.code / "README.md").read_text()

    assert platform.manifest.quality
    open_points = [name for name, word in platform.manifest.quality.items() if word == "todo"]
    assert open_points == [], "each is done, or exempt for a reason"
    if not platform.manifest.is_built_in:
        assert "Pages read" in readme
        assert platform.manifest.docs_url.startswith("https://")


def test_a_platform_without_an_outside_offers_no_simulator_and_reads_only_what_it_is_handed(
    platform: Platform,
) -> None:
    manifest = platform.manifest
    is_handed_orders = manifest.is_built_in and "storefront" in manifest.kinds

    assert platform.offers("simulator") is not manifest.is_built_in
    assert platform.offers("webhook") is (manifest.can("verify") or is_handed_orders)


def test_a_simulator_offers_an_example_for_each_capability(platform: Platform) -> None:
    if platform.manifest.is_built_in:
        pytest.skip("it has no outside, so there is nothing to simulate")

    lacking = missing(platform)

    assert lacking == [], f"add to connectors/{platform.code}/simulator.py: {'; '.join(lacking)}"


def test_two_platforms_never_claim_the_same_address_or_variable() -> None:
    manifests = [platform.manifest for platform in registry.platforms().values()]
    aliases = Counter(alias for each in manifests for alias in each.webhook_aliases)
    variables = Counter(name for each in manifests for name in each.environment.values())

    assert [name for name, count in (aliases + variables).items() if count > 1] == []
