"""Who may call the simulated shop: Basic credentials over TLS, OAuth 1.0a signatures otherwise.

Part of the simulator. The signature is reckoned here as the shop does it (WC_REST_Authentication:
sorted parameters, each encoded twice), not by the library that the client signs with.
"""

import base64
import binascii
import hmac
from urllib.parse import quote

from entrepot.connect.simulator import Request, Response
from entrepot.connectors.woocommerce.books import ShopOptions

FAILED = "woocommerce_rest_authentication_error"
OPEN_PATHS = ("/wp-json", "/wp-json/")
METHODS = {"HMAC-SHA1": "sha1", "HMAC-SHA256": "sha256"}


class Gate:
    """Checks one shop's key."""

    def __init__(self, options: ShopOptions) -> None:
        self._options = options
        self._nonces: set[str] = set()

    def check(self, request: Request, *, address: str) -> Response | None:
        """None to let the call in, else the shop's refusal. `address` is where it was called."""
        if request.path in OPEN_PATHS:
            return None
        failure = self._failure(request, address)
        if failure is not None:
            return failure
        if request.method not in {"GET", "HEAD"} and self._options.permissions == "read":
            return _refused("The API key provided does not have write permissions.")
        return None

    def _failure(self, request: Request, address: str) -> Response | None:
        if "oauth_consumer_key" in request.query:
            return self._oauth(request, address)
        key, secret = _presented(request)
        if not key or not self._options.site_url.startswith("https://"):
            # Without TLS the shop does not look at Basic credentials at all.
            return _nobody(request)
        if key != self._options.consumer_key:
            return _refused("Consumer key is invalid.")
        if secret != self._options.consumer_secret:
            return _refused("Consumer secret is invalid.")
        return None

    def _oauth(self, request: Request, address: str) -> Response | None:
        if request.one("oauth_consumer_key") != self._options.consumer_key:
            return _refused("Consumer key is invalid.")
        digest = METHODS.get(request.one("oauth_signature_method"))
        if digest is None:
            return _refused("Invalid signature - signature method is invalid.")
        pairs = sorted(
            (_encoded(name), _encoded(value))
            for name, values in request.query.items()
            if name != "oauth_signature"
            for value in values
        )
        method = request.headers.get("x-sent-as", request.method)
        joined = "%26".join(f"{_encoded(name)}%3D{_encoded(value)}" for name, value in pairs)
        text = f"{method}&{_encoded(address + request.path)}&{joined}"
        key = f"{self._options.consumer_secret}&".encode()
        expected = base64.b64encode(hmac.digest(key, text.encode(), digest)).decode()
        if not hmac.compare_digest(expected, request.one("oauth_signature")):
            return _refused("Invalid signature - provided signature does not match.")
        nonce = f"{request.one('oauth_nonce')}:{request.one('oauth_timestamp')}"
        if nonce in self._nonces:
            return _refused("Invalid nonce - nonce has already been used.")
        self._nonces.add(nonce)
        return None


def _presented(request: Request) -> tuple[str, str]:
    """The key as Basic credentials or, where a server strips those, in the query."""
    if "consumer_key" in request.query:
        return request.one("consumer_key"), request.one("consumer_secret")
    word = request.headers.get("authorization", "")
    if not word.startswith("Basic "):
        return "", ""
    try:
        key, _, secret = base64.b64decode(word[6:], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return key, secret


def _refused(message: str) -> Response:
    return Response(401, {"code": FAILED, "message": message, "data": {"status": 401}})


def _nobody(request: Request) -> Response:
    """What a visitor without a key reads."""
    kind = "view" if request.method == "GET" else "create"
    message = f"Sorry, you cannot {'list' if kind == 'view' else 'create'} resources."
    code = f"woocommerce_rest_cannot_{kind}"
    return Response(401, {"code": code, "message": message, "data": {"status": 401}})


def _encoded(text: str) -> str:
    return quote(text, safe="~-._")
