"""Reads and checks a platform's manifest.toml."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

KINDS = frozenset({"storefront", "fulfillment", "payment", "carrier", "analytics", "email"})
CAPABILITIES = frozenset(
    {
        "verify",
        "subscribe",
        "pull_orders",
        "pull_products",
        "pull_payments",
        "pull_fulfillments",
        "pull_trackers",
        "write_back",
        "quote",
        "submit",
        "find_by_reference",
        "status",
        "cancel",
        "change_recipient",
        "change_shipping",
        "checkout",
        "capture",
        "refund",
        "track",
        "ping",
    }
)
SETTING_TYPES = frozenset({"text", "secret", "url", "choice", "flag", "number", "map", "list"})
EffectGuarantee = Literal["exactly_once", "at_most_once_then_ask"]


class BadManifest(ValueError):
    """A manifest that cannot be used, with every fault found in it."""

    def __init__(self, code: str, faults: list[str]) -> None:
        super().__init__(f"manifest of {code}: " + "; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One field of the connection form.

    `type` is one of SETTING_TYPES; a `map` is a table of words (their state -> ours), a `list` is
    of words. `is_required` fields without a value refuse to be saved.
    """

    name: str
    type: str
    label: str
    help: str = ""
    default: Any = None
    choices: tuple[str, ...] = ()
    is_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What is promised of one kind of outside effect.

    `settle_seconds` is how long an accepted thing may stay invisible to look-ups; where
    `lookup_proves_absence` is False an empty look-up proves nothing. `remembers_key` says that
    sending the same key again is safe and answers with the first result; `key_lasts_seconds` for
    how long, 0 for ever. `noted_unless` names the flag among the settings without which the
    platform only notes the effect, and a person does it elsewhere.
    """

    guarantee: EffectGuarantee
    remembers_key: bool = False
    key_lasts_seconds: int = 0
    lookup_proves_absence: bool = False
    settle_seconds: int = 0
    noted_unless: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a platform folder says about itself.

    `effects` is by kind of attempt (submit, cancel, change_recipient, change_shipping, refund,
    write_back, checkout, capture, void).
    `environment` maps a setting to the environment variable that fills it for a first connection.
    `webhook_aliases` are documented paths below /api/webhooks/.
    `rate_limit` is calls per minute (0: not told). `carries_stock` is False for print on demand.
    `is_built_in` marks a platform without an outside: it has no webhook and no simulator.
    """

    code: str
    name: str
    kinds: frozenset[str]
    capabilities: frozenset[str]
    api_version: str
    docs_url: str
    settings: tuple[Setting, ...]
    effects: dict[str, Effect]
    environment: dict[str, str] = field(default_factory=dict)
    webhook_aliases: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    rate_limit: int = 0
    burst: int = 0
    poll_seconds: dict[str, int] = field(default_factory=dict)
    overlap_seconds: int = 600
    sunset_on: str = ""
    signs_webhooks: bool = True
    carries_stock: bool = True
    is_built_in: bool = False
    quality: dict[str, Any] = field(default_factory=dict)

    def setting(self, name: str) -> Setting:
        """The setting of that name, or KeyError."""
        return next(setting for setting in self.settings if setting.name == name)

    def can(self, capability: str) -> bool:
        """Whether the platform's folder offers a capability."""
        return capability in self.capabilities


def read(path: Path) -> Manifest:
    """Read a manifest.toml; its folder's name is the platform's code.

    Raises:
        BadManifest: with all faults at once.
    """
    code = path.parent.name
    table = tomllib.loads(path.read_text())
    faults = [f"{key} is missing" for key in ("name", "kinds", "api_version") if key not in table]
    faults += _unknown("kind", table.get("kinds", ()), KINDS)
    faults += _unknown("capability", table.get("capabilities", ()), CAPABILITIES)
    settings = tuple(_setting(name, row, faults) for name, row in table.get("settings", {}).items())
    faults += [
        f"[environment] names {name!r}, which is no setting"
        for name in set(table.get("environment", {})) - {setting.name for setting in settings}
    ]
    effects = {kind: Effect(**row) for kind, row in table.get("effects", {}).items()}
    faults += [
        f"effect {kind!r} claims exactly_once with neither a remembered key nor a look-up"
        for kind, effect in effects.items()
        if effect.guarantee == "exactly_once"
        and not (effect.remembers_key or effect.lookup_proves_absence)
    ]
    flags = {setting.name for setting in settings if setting.type == "flag"}
    faults += [
        f"effect {kind!r} is noted unless {effect.noted_unless!r}, which is no flag"
        for kind, effect in effects.items()
        if effect.noted_unless and effect.noted_unless not in flags
    ]
    for name, claim in table.get("quality", {}).items():
        is_exempt = isinstance(claim, dict) and bool(claim.get("exempt"))
        if not is_exempt and claim not in ("done", "todo"):
            faults.append(f'quality {name!r} must be "done", "todo" or {{ exempt = "why" }}')
    if faults:
        raise BadManifest(code, faults)
    return Manifest(
        code=code,
        name=table["name"],
        kinds=frozenset(table["kinds"]),
        capabilities=frozenset(table.get("capabilities", ())),
        api_version=table["api_version"],
        docs_url=table.get("docs_url", ""),
        settings=settings,
        effects=effects,
        environment=table.get("environment", {}),
        webhook_aliases=tuple(table.get("webhook_aliases", ())),
        topics=tuple(table.get("topics", ())),
        rate_limit=table.get("rate_limit", 0),
        burst=table.get("burst", 0),
        poll_seconds=table.get("poll_seconds", {}),
        overlap_seconds=table.get("overlap_seconds", 600),
        sunset_on=table.get("sunset_on", ""),
        signs_webhooks=table.get("signs_webhooks", True),
        carries_stock=table.get("carries_stock", True),
        is_built_in=table.get("built_in", False),
        quality=table.get("quality", {}),
    )


def _unknown(what: str, named: Iterable[str], known: frozenset[str]) -> list[str]:
    """A fault for each name that nobody knows, with those that there are."""
    return [
        f"unknown {what} {name!r} (known: {', '.join(sorted(known))})"
        for name in sorted(set(named) - known)
    ]


def _setting(name: str, row: dict[str, Any], faults: list[str]) -> Setting:
    if row.get("type") not in SETTING_TYPES:
        faults.append(f"setting {name!r} has unknown type {row.get('type')!r}")
    return Setting(
        name=name,
        type=str(row.get("type")),
        label=row.get("label", name.replace("_", " ").capitalize()),
        help=row.get("help", ""),
        default=row.get("default"),
        choices=tuple(row.get("choices", ())),
        is_required=row.get("required", False),
    )
