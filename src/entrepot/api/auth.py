"""Recognises callers by their Authorization header, and refuses those who lack a scope."""

from django.http import HttpRequest
from ninja.security.base import AuthBase

from entrepot.access import keys
from entrepot.access.keys import KeyRefused
from entrepot.access.permissions import SCOPES, UnknownScope
from entrepot.api import limits
from entrepot.api.caller import Caller
from entrepot.database.rows import Mode

BEARER = "bearer "


class WithScope(AuthBase):
    """Whoever comes with a token needs a scope, which is known when the address is."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __init__(self, scope: str) -> None:
        if scope not in SCOPES:
            raise UnknownScope([scope])
        super().__init__()
        self.scope = scope


class ApiKey(WithScope):
    """The API key of a machine that has a scope: `Authorization: Bearer ek_...`."""

    def __call__(self, request: HttpRequest) -> Caller:
        """Return who calls.

        Raises:
            KeyRefused: there is no key, or it is not accepted.
            NotAllowed: the key lacks the scope.
            Problem: 429, it calls too often.
        """
        caller = caller_of_key(request)
        caller.needs(self.scope)
        return caller


def caller_of_key(request: HttpRequest) -> Caller:
    """The machine whose key a request carries. Raises as `ApiKey` does, but for scopes."""
    key = keys.authenticate_api_key(bearer_of(request), address=request.META.get("REMOTE_ADDR", ""))
    limits.take(key)
    return Caller(
        merchant_id=key.merchant_id,
        mode=Mode(key.mode),
        actor=f"api_key:{key.id}",
        scopes=frozenset(key.scopes),
    )


def bearer_of(request: HttpRequest) -> str:
    """The token of the Authorization header.

    Raises:
        KeyRefused: there is none.
    """
    header = request.headers.get("Authorization", "")
    if header[: len(BEARER)].lower() != BEARER:
        raise KeyRefused("no API key: send Authorization: Bearer ek_live_... or ek_test_...")
    return header[len(BEARER) :].strip()
