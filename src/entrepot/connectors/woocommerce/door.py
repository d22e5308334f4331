"""One shop's REST API over the hub's door: how calls are signed, and what its refusals mean.

Source: WooCommerce REST API v3, "Authentication" and "Errors". Over TLS the key goes as Basic
credentials; over plain http every call is signed with OAuth 1.0a (one-legged), because the secret
must not travel. Hosts and firewalls in front of a shop answer with web pages of their own.
"""

import base64
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, SIGNATURE_TYPE_QUERY
from oauthlib.oauth1 import Client as Signer

from entrepot.connect.errors import (
    ConnectorError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
    UnexpectedResponse,
)
from entrepot.connect.haste import hurried
from entrepot.connect.http import Answer, Auth, Http
from entrepot.connect.ports import Account
from entrepot.connectors.woocommerce.fields import BadField

API = "/wp-json/wc/v3"
TRACKING_API = "/wp-json/wc-shipment-tracking/v3"
NO_ROUTE = "rest_no_route"
REFUSALS = frozenset({400, 403, 404, 405, 409, 410, 422, 501})
FIREWALL_WAIT = timedelta(minutes=1)
# How long an effect of several writes waits for its turn once it is begun: less than its lease.
PATIENCE = hurried(timedelta(seconds=30))
USUAL_PAUSE = timedelta(seconds=2)

Json = Any


def base_url(account: Account) -> str:
    """The shop's address, without a slash at its end."""
    return str(account.settings["base_url"]).rstrip("/")


@contextmanager
def understood(failure: type[ConnectorError]) -> Iterator[None]:
    """An answer of another shape is the shop's failure, not ours: say so by the error tree."""
    try:
        yield
    except BadField as error:
        raise failure(f"the shop's answer is not understood: {error}") from error


class Door:
    """The signed way in. Reads are never served from a cache: each carries a word of its own."""

    def __init__(self, http: Http, account: Account) -> None:
        self._http = http.with_auth(_auth_of(account))
        self._is_begun = False
        self._gives_up_at = 0.0

    @contextmanager
    def as_one(self) -> Iterator[None]:
        """Make several writes one effect: what stops between them leaves it unknown, not unsent.

        A look may not see yet what was written a moment ago, so it is not enough to look once.
        Once it is begun, a pause that the shop or our own budget asks for is waited for.

        Raises:
            OutcomeUnknown: the shop was not able to take the rest.
        """
        self._is_begun, self._gives_up_at = False, time.monotonic() + PATIENCE.total_seconds()
        try:
            yield
        except Unavailable as error:
            if not self._is_begun:
                raise
            raise OutcomeUnknown(f"a part of it is written, and then: {error}") from error
        finally:
            self._is_begun = False

    def read(
        self, path: str, params: Mapping[str, str | int] | None = None, *, missing: str = ""
    ) -> Answer | None:
        """GET. Answers None when the shop refuses with one of the codes in `missing`.

        Raises:
            Unavailable: the shop or something in front of it is not able to answer now.
            Misconfigured: the key is refused, or there is no WooCommerce API.
            Rejected: the shop refused the question; `code` is its own word.
        """
        fresh = {**(params or {}), "_nocache": secrets.token_hex(8)}
        answer = self._http.get(path, params=fresh, allow=REFUSALS)
        if answer.status_code < 400:
            _checked_json(answer, path, reads=True)
            return answer
        code, said = _refusal(answer, path)
        if code and code in missing.split():
            return None
        raise _sorted(answer, code, said, reads=True)

    def must_read(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """GET what has to be there."""
        answer = self.read(path, params)
        if answer is None:
            raise UnexpectedResponse(f"GET {path}: the shop does not have it")
        return answer

    def write(
        self,
        path: str,
        body: Json,
        *,
        is_harmless: bool = False,
        allow: frozenset[int] = frozenset(),
    ) -> Answer:
        """POST, which every route of the API takes for changes as well: PUT is what firewalls stop.

        Raises:
            OutcomeUnknown: no answer of the shop came back, or a firewall spoke in its stead.
            Misconfigured: the key may not write, or there is no such route.
            Rejected: the shop refused; `code` is its own word.
        """
        reads = True if is_harmless else None
        answer = self._posted(path, json=body, allow=REFUSALS | allow, is_read=reads)
        if answer.status_code < 400 or answer.status_code in allow:
            _checked_json(answer, path, reads=is_harmless)
            self._is_begun = True
            return answer
        code, said = _refusal(answer, path)
        raise _sorted(answer, code, said, reads=is_harmless)

    def _posted(self, path: str, **asked: Any) -> Answer:
        """POST; once an effect is begun, what was refused for its frequency is asked again."""
        while True:
            try:
                return self._http.post(path, **asked)
            except RateLimited as error:
                pause = (error.retry_after or USUAL_PAUSE).total_seconds()
                if not self._is_begun or time.monotonic() + pause > self._gives_up_at:
                    raise
                time.sleep(pause)

    def remove(self, path: str, *, missing: str) -> bool:
        """DELETE for good (`force`). False when it was not there.

        A server that knows no DELETE answers 501 and is asked by POST with `_method`.
        """
        answer = self._http.delete(path, params={"force": "true"}, allow=REFUSALS)
        if answer.status_code == 501:
            override = {"force": "true", "_method": "DELETE"}
            answer = self._http.post(path, params=override, allow=REFUSALS)
        if answer.status_code < 400:
            return True
        code, said = _refusal(answer, path)
        if code in missing.split():
            return False
        raise _sorted(answer, code, said, reads=False)


def _auth_of(account: Account) -> Auth:
    key = str(account.settings["consumer_key"])
    secret = str(account.settings["consumer_secret"])
    if base_url(account).startswith("http://"):
        signer = Signer(
            key,
            client_secret=secret,
            signature_method=SIGNATURE_HMAC_SHA256,
            signature_type=SIGNATURE_TYPE_QUERY,
        )

        def sign(request: Any) -> None:
            # The signature covers method, address and query; a JSON body has no part in it.
            signed, _, _ = signer.sign(str(request.url), http_method=request.method)
            request.url = type(request.url)(signed)

        return sign
    if account.settings.get("credentials_in_query"):

        def name(request: Any) -> None:
            request.url = request.url.copy_merge_params(
                {"consumer_key": key, "consumer_secret": secret}
            )

        return name
    word = base64.b64encode(f"{key}:{secret}".encode()).decode()

    def present(request: Any) -> None:
        request.headers["Authorization"] = f"Basic {word}"

    return present


def _checked_json(answer: Answer, path: str, *, reads: bool) -> None:
    """A page of a firewall or a cache may come with 200; it is not an answer of the shop."""
    try:
        msgspec.json.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        said = f"{path} answered {answer.status_code} without JSON: {answer.quote()}"
        raise (UnexpectedResponse if reads else OutcomeUnknown)(said) from error


def _refusal(answer: Answer, path: str) -> tuple[str, str]:
    """The shop's own code and words; no code when it was not the shop that answered."""
    try:
        body = msgspec.json.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", f"{path} answered {answer.status_code}: {answer.quote()}"
    if not isinstance(body, dict) or not isinstance(body.get("code"), str):
        return "", f"{path} answered {answer.status_code}: {answer.quote()}"
    data = body.get("data")
    params = data.get("params") if isinstance(data, dict) else None
    detail = f" {params}" if params else ""
    return body["code"], f"{path} answered {answer.status_code}: {body.get('message')}{detail}"


def _sorted(answer: Answer, code: str, said: str, *, reads: bool) -> Exception:
    if code == NO_ROUTE:
        return Misconfigured(
            f"{said} (is WooCommerce active, and are the permalinks other than plain?)"
        )
    if answer.status_code == 403 and code:
        return Misconfigured(said)
    if not code:
        # Not the shop's words: something in front of it spoke. Some look at answers as well, so a
        # write that they stopped may have been done.
        if answer.status_code == 404:
            return Misconfigured(f"{said} (no WordPress API under this address)")
        if answer.status_code == 403 and reads:
            return Unavailable(said, retry_after=FIREWALL_WAIT)
        return UnexpectedResponse(said) if reads else OutcomeUnknown(said)
    return Rejected(said, code=code)
