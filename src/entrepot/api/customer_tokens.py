"""Recognises customers: by a token that the merchant's shop signed, or by the link of a mail.

A shop signs a JSON Web Token (HS256) with the secret of its storefront connection:

    header   {"alg": "HS256", "typ": "JWT", "kid": "<id of the connection>"}
    claims   {"email": "...", "exp": 1790000000}

Instead of "email" it may hold "sub", the customer's id in the shop, for customers who left no
address: the others are known by theirs.

`exp` is needed and lies at most a day ahead. The token limits its bearer to the orders and
notifications of that customer; the link of a mail to its one order. Either may call so many times a
minute: a customer's tokens together, however many the shop signs.
"""

import base64
import binascii
import hmac
from typing import Any

import msgspec
from django.http import HttpRequest
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.permissions import NotAllowed
from entrepot.access.signing import BadToken, read_token
from entrepot.api import limits
from entrepot.api.auth import WithScope, bearer_of, caller_of_key
from entrepot.api.caller import Caller
from entrepot.connections import credentials
from entrepot.connections.models import Connection
from entrepot.connections.states import Status
from entrepot.customers.models import Customer
from entrepot.customers.services import email_hash
from entrepot.database.rows import Mode
from entrepot.notifications.links import BY_LOOK_UP, TRACKING_PURPOSE
from entrepot.orders.models import Order

# The secret with which a shop signs; made and rotated through the connection.
SECRET_NAME = "customer_tokens"  # noqa: S105 -- a name, not a secret
LONGEST_LIFE_S = 24 * 3600
LONGEST_TOKEN = 4096
# Nobody: a customer whom the shop knows and who has not bought yet.
NO_CUSTOMER = 0


class KeyOrCustomer(WithScope):
    """An API key that has a scope, or a customer's own token."""

    def __call__(self, request: HttpRequest) -> Caller:
        """Return who calls. Raises KeyRefused, BadToken, NotAllowed, or Problem: 429."""
        token = bearer_of(request)
        if not token.startswith("ek_"):
            return customer_of(token)
        caller = caller_of_key(request)
        if self.scope not in caller.scopes:
            raise NotAllowed(self.scope)
        return caller


def customer_of(token: str) -> Caller:
    """The customer who bears a token.

    Raises:
        BadToken: it was signed by nobody whom we know, or its time is over.
        Problem: 429, the customer calls too often.
    """
    if len(token) > LONGEST_TOKEN:
        raise BadToken("the token is too long")
    if token.count(".") == 2:
        return _of_shop(token)
    return _of_link(token)


def _of_link(token: str) -> Caller:
    values = read_token(TRACKING_PURPOSE, token)
    if values.get("by") == BY_LOOK_UP:
        # Whoever guessed a number and an address sees less than who got the mail.
        raise BadToken("a link that was looked up opens its page only: use the one of a mail")
    merchant_id, order_id = int(values["merchant"]), int(values["order"])
    limits.take_of_customer(f"order:{order_id}", merchant_id=merchant_id)
    with scope.merchant(merchant_id):
        order = Order.objects.filter(id=order_id).first()
    if order is None:
        raise BadToken("the order of this link is not here any more")
    return Caller(
        merchant_id=merchant_id,
        mode=Mode(order.mode),
        actor=f"customer:{order.customer_id or NO_CUSTOMER}",
        customer_id=order.customer_id or NO_CUSTOMER,
        order_id=order_id,
    )


def _of_shop(token: str) -> Caller:
    signed, _, signature = token.rpartition(".")
    head, _, body = signed.partition(".")
    header, claims = _json(head), _json(body)
    if header.get("alg") != "HS256":
        raise BadToken("the token must be signed with HS256")
    kid = str(header.get("kid", ""))
    if not (kid.isascii() and kid.isdigit() and len(kid) < 19):
        raise BadToken("the token's kid must be the id of the storefront's connection")
    with scope.system():
        connection = Connection.objects.filter(id=int(kid)).exclude(status=Status.ARCHIVED).first()
        secrets = _secrets(connection) if connection is not None else []
        wanted = _bytes(signature)
        is_right = [
            hmac.compare_digest(hmac.digest(secret.encode(), signed.encode(), "sha256"), wanted)
            for secret in secrets
        ]
        if connection is None or not any(is_right):
            raise BadToken("the token was not signed with this storefront's secret")
        _check_time(claims)
        identity = _identity(connection, claims)
        customer = _customer(connection.merchant_id, identity)
    # By identity and not by row: who has not bought yet has none, and is not everybody else.
    limits.take_of_customer(identity, merchant_id=connection.merchant_id)
    return Caller(
        merchant_id=connection.merchant_id,
        mode=Mode(connection.mode),
        actor=f"customer:{customer}",
        customer_id=customer,
    )


def _secrets(connection: Connection) -> list[str]:
    opened = credentials.valid_credentials([connection.id]).get(connection.id, [])
    return [credential.text for credential in opened if credential.name == SECRET_NAME]


def _check_time(claims: dict[str, Any]) -> None:
    now = timezone.now().timestamp()
    ends, begins = claims.get("exp"), claims.get("nbf", 0)
    numbers = all(isinstance(at, int | float) and not isinstance(at, bool) for at in (ends, begins))
    if not numbers or ends is None:
        raise BadToken("the token needs exp, in seconds since 1970")
    if ends <= now:
        raise BadToken("the token has expired: the shop signs another")
    if ends > now + LONGEST_LIFE_S:
        raise BadToken("the token lives too long: exp lies at most a day ahead")
    if begins > now + 60:
        raise BadToken("the token is not valid yet")


def _identity(connection: Connection, claims: dict[str, Any]) -> str:
    email, subject = claims.get("email"), claims.get("sub")
    if isinstance(email, str) and "@" in email:
        identity = f"email:{email_hash(email)}"
    elif isinstance(subject, str) and subject.strip():
        account = connection.account or f"{connection.platform}:connection-{connection.id}"
        identity = f"{account}#{subject.strip()}"
    else:
        raise BadToken("the token names no customer: it needs email or sub")
    if "\x00" in identity:
        raise BadToken("the token names no customer")
    return identity


def _customer(merchant_id: int, identity: str) -> int:
    found = Customer.objects.filter(merchant_id=merchant_id, identity=identity)
    return found.values_list("id", flat=True).first() or NO_CUSTOMER


def _json(part: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(_bytes(part), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadToken("the token is no JSON Web Token") from error


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadToken("the token is no JSON Web Token") from error
