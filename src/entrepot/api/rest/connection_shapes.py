"""Connections as the interface shows them, and what may be told of them."""

from datetime import datetime
from typing import Annotated, Any

from ninja import Schema
from pydantic import Field, WithJsonSchema

from entrepot.api.paging import Paged
from entrepot.api.rest.shapes import Body
from entrepot.connections.states import Status
from entrepot.intake.given import Moment, Text, Word

ConnectionStatus = Annotated[Status, WithJsonSchema({"type": "string", "enum": Status.values})]
SettingValue = str | bool | int | list[Word] | dict[Word, Word] | None


class PlatformShape(Schema):
    """What can be connected, and what a connection of it asks for."""

    code: str
    name: str
    kinds: list[str]
    capabilities: list[str]
    settings: list[dict[str, Any]]
    docs_url: str


class ConnectionShape(Schema):
    """An account. `settings` are those that are no secrets; `hook_url` is where it delivers."""

    id: int
    code: str
    name: str
    platform: str
    mode: str
    account: str
    status: str
    status_reason: str
    settings: dict[str, Any]
    policy: dict[str, Any]
    live_since: datetime | None
    created_at: datetime
    last_ping_at: datetime | None
    last_useful_at: datetime | None
    last_useful_topic: str
    hook_url: str


class NewConnection(Body):
    """An account to connect; its secrets stand among the settings, and are sealed."""

    platform: Word
    name: Word = ""
    code: Annotated[str, Field(pattern="^[a-z0-9-]{0,60}$")] = ""
    settings: Annotated[dict[Word, SettingValue], Field(max_length=100)]
    is_tested: bool = True


class ChangedConnection(Body):
    """What to change; a setting or secret that is left out stays as it is."""

    name: Word | None = None
    settings: Annotated[dict[Word, SettingValue], Field(max_length=100)] | None = None
    release_states: Annotated[list[Word], Field(max_length=50)] | None = None
    terms_methods: Annotated[list[Word], Field(max_length=50)] | None = None
    real_payment_methods: Annotated[list[Word], Field(max_length=50)] | None = None
    cooling_off_seconds: Annotated[int, Field(ge=0, le=30 * 86400)] | None = None
    hourly_ceilings: dict[str, Annotated[int, Field(ge=1, le=10**6)]] | None = None
    most_cost_percent: Annotated[int, Field(ge=1, le=1000)] | None = None
    presume_delivered_days: Annotated[int, Field(ge=1, le=120)] | None = None


class GoLive(Body):
    """From when on orders are acted upon; null for now."""

    since: Moment | None = None
    reason: Word = ""


class TestShape(Schema):
    """What a platform said of our credentials."""

    is_accepted: bool
    message: str
    identity: str = ""
    warnings: list[str] = []


class ConnectionFilter(Paged):
    """Which connections."""

    platform: Word = ""
    status: ConnectionStatus | None = None


class CallShape(Schema):
    """A call that left, redacted."""

    id: int
    at: datetime
    method: str
    url: str
    status_code: int | None
    outcome: str
    duration_ms: int
    sent: str
    answered: str


class WebhookShape(Schema):
    """A webhook of ours as the platform last confirmed it."""

    id: int
    external_id: str
    url: str
    topics: list[str]
    is_active: bool
    checked_at: datetime | None
    repaired_at: datetime | None


class ImportShape(Schema):
    """A reading of what a platform had before; nothing of it is acted upon."""

    id: int
    flow: str
    since: datetime | None
    done: int
    total: int | None
    started_at: datetime
    finished_at: datetime | None
    last_error: str


class NewImport(Body):
    """What to read, and since when; null from the beginning."""

    flow: Word = "orders"
    since: Moment | None = None


class SecretShape(Schema):
    """A secret, shown now and never again."""

    secret: Text
    key_id: Text
