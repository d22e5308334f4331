"""`entrepot new-platform`: begins the folder of a platform, of the shape that all have."""

import keyword
import re
from pathlib import Path
from string import Template

import click

import entrepot.connectors
from entrepot.cli.failure import CommandFailed

FILES = {
    "__init__.py": '"""$name: see README.md."""\n',
    "manifest.toml": """\
name = "$name"
kinds = ["fulfillment"]             # storefront, fulfillment, payment, carrier, analytics, email
api_version = "v1"
docs_url = "https://$code.example/docs"
capabilities = ["verify", "ping"]
topics = []
rate_limit = 60                     # calls a minute; 0 when none is published

[settings.api_key]
type = "secret"
label = "API key"
help = "Where to find it in the platform's dashboard."
required = true

[settings.base_url]
type = "url"
label = "Address of the API"
help = "Empty for the platform's own. The sandbox puts its simulator here."

[quality]                           # "done", "todo", or { exempt = "why" }
idempotent_submit = "todo"
webhook_signature = "todo"
secret_rotation = "todo"
unknown_states_refused = "todo"
rate_limit_respected = "todo"
""",
    "README.md": """\
# $name

Pages read, with dates. Quirks. Limits. How to get credentials.
""",
    "client.py": '''\
"""$name over HTTP.

Source: name the pages that were read, their API version and the date.
"""

from entrepot.connect.http import Http
from entrepot.connect.ports import Account, PingResult

API = "https://api.$code.example"


def base_url(account: Account) -> str:
    """Where this account's calls go."""
    return str(account.settings.get("base_url") or API)


class Client:
    """Implements the ports of the capabilities in manifest.toml."""

    def __init__(self, http: Http, account: Account) -> None:
        key = account.settings.get("api_key", "")
        self._http = http.with_auth(
            lambda request: request.headers.update({"Authorization": f"Bearer {key}"})
        )
        self._account = account

    def ping(self) -> PingResult:
        """Ask who we are. Raises Misconfigured when the key is refused."""
        body = self._http.get("/v1/account").json()
        return PingResult(
            identity=str(body["id"]),
            name=str(body["name"]),
            mode=self._account.mode,
        )
''',
    "mapping.py": '"""$name\'s words and ours: pure functions and tables of codes."""\n',
    "webhook.py": '''\
"""Webhooks of $name: pure."""

from datetime import datetime

from entrepot.canon.messages import CanonicalItem, Ignored
from entrepot.connect.ports import Account, InboundMessage, Secrets
from entrepot.connect.webhook import (
    Refused,
    Verified,
    WebhookRequest,
    hmac_sha256_hex,
    matches_any,
)

HEADER = "x-signature"


def verify(request: WebhookRequest, secrets: Secrets, *, now: datetime) -> Verified:  # noqa: ARG001
    """Hex HMAC-SHA256 of the raw body, which tells no time. Raises Refused, with the check."""
    if not secrets.signing:
        raise Refused("secret_missing")
    seen = request.headers.get(HEADER, "")
    if not seen:
        raise Refused("signature_missing", expected=HEADER)
    if not matches_any(
        seen, (hmac_sha256_hex(key.encode(), request.body) for key in secrets.signing)
    ):
        raise Refused("signature_mismatch", expected="HMAC of the raw body", seen=seen[:80])
    return Verified(topic="unknown")


def normalize(
    message: InboundMessage,
    account: Account,  # noqa: ARG001 -- the port's
) -> tuple[CanonicalItem, ...]:
    """Nothing is understood yet."""
    return (Ignored(reason=f"{message.topic} is not understood yet"),)
''',
    "simulator.py": '''\
"""$name, offline: its wire over books of its own."""

import json
from datetime import datetime

from entrepot.canon.orders import Mode
from entrepot.connect.ports import Account, Secrets
from entrepot.connect.simulator import Clock, Request, Response, Simulator
from entrepot.connect.webhook import WebhookRequest, hmac_sha256_hex

KEY = "$code-sandbox-key"


def build(clock: Clock) -> "$classname":
    """An account with empty books."""
    return $classname(clock)


class $classname(Simulator):
    """Answers as the platform does, and keeps what it would swear to in `books`."""

    code = "$code"

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.route("GET", "/v1/account", self._account)

    def authenticate(self, request: Request) -> Response | None:
        if request.headers.get("authorization") == f"Bearer {KEY}":
            return None
        return Response(401, {"error": "unknown key"})

    def _account(self, request: Request) -> Response:
        return Response(200, {"id": "acct_1", "name": "$name"})


def example_account(base_url: str) -> Account:
    """An account that the simulator lets in."""
    return Account(
        mode=Mode.TEST, settings={"api_key": KEY, "base_url": base_url}, identity="acct_1"
    )


def example_secrets() -> Secrets:
    """Secrets that example webhooks are signed with."""
    return Secrets(signing=("$code-secret",))


def example_webhook(secrets: Secrets, *, at: datetime) -> WebhookRequest:
    """A delivery that verifies."""
    told = {
        "id": "evt_1",
        "type": "order.shipped",
        "at": at.isoformat(),
        "order": {"id": "ord_1", "reference": "R-1", "lines": [{"sku": "MUG", "quantity": 3}]},
        "parcel": {"carrier": "Nordpost", "tracking_number": "NP 4711", "weight_g": 740},
    }
    body = json.dumps(told).encode()
    signature = hmac_sha256_hex(secrets.signing[0].encode(), body)
    return WebhookRequest(body=body, headers={"x-signature": signature})
''',
    "fixtures/.gitkeep": "",
    "tests/__init__.py": "",
    "tests/test_mapping.py": '"""What $name says, and what we make of it."""\n',
    "tests/test_webhook.py": '''\
"""Deliveries of $name are believed only when they are signed."""

from datetime import UTC, datetime

import pytest

from entrepot.connect.ports import Secrets
from entrepot.connect.webhook import Refused
from entrepot.connectors.$code.simulator import example_secrets, example_webhook
from entrepot.connectors.$code.webhook import verify

AT = datetime(2026, 11, 21, tzinfo=UTC)


def test_a_signed_delivery_is_believed() -> None:
    verified = verify(example_webhook(example_secrets(), at=AT), example_secrets(), now=AT)

    assert verified.topic == "unknown"


def test_another_secret_is_not() -> None:
    with pytest.raises(Refused):
        verify(example_webhook(example_secrets(), at=AT), Secrets(signing=("other",)), now=AT)
''',
    "tests/test_client.py": '''\
"""The client against the simulator, over real HTTP."""

from datetime import UTC, datetime

from entrepot.connect.http import Http
from entrepot.connect.simulator import Clock
from entrepot.connectors.$code.client import Client, base_url
from entrepot.connectors.$code.simulator import build, example_account
from tests.serving import serve


def test_a_ping_tells_who_we_are() -> None:
    clock = Clock(start=datetime(2026, 11, 21, tzinfo=UTC))
    with serve(build(clock)) as address:
        account = example_account(address)
        result = Client(Http(base_url(account)), account).ping()

    assert result.identity == "acct_1"
''',
}


@click.command()
@click.argument("code")
@click.option("--name", default="", help="The platform's name as people write it.")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of connectors; that of this installation by default.",
)
def new_platform(*, code: str, name: str, into: Path | None) -> None:
    """Write the folder of a platform, for a person to fill in.

    docs/adding-a-platform.md goes on from there.
    """
    if not re.fullmatch("[a-z][a-z0-9_]*", code) or keyword.iskeyword(code):
        raise CommandFailed(
            f"{code!r} cannot be a platform's code: use a word of lower-case letters a-z, digits"
            " and _ that means nothing in Python"
        )
    if not name.isprintable() or set(name) & {'"', "\\"}:
        raise CommandFailed(
            f"{name!r} cannot be a platform's name here: it has quotation marks, a backslash or a"
            " line break, which would end the texts that it stands in"
        )
    folder = (into or Path(entrepot.connectors.__path__[0])) / code
    if folder.exists():
        raise CommandFailed(f"{folder} exists: remove it first, or choose another code")
    words = {
        "code": code,
        "name": name or code.replace("_", " ").title(),
        "classname": "".join(word.capitalize() for word in code.split("_")) + "Simulator",
    }
    for path, text in FILES.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(text).substitute(words))
    click.echo(f"{folder} is begun. Next: docs/adding-a-platform.md.")
