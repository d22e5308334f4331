"""A caller of the interface: an API key and Django's own client."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.test import Client

from entrepot.access import keys
from entrepot.access.models import Merchant
from entrepot.access.permissions import SCOPES
from entrepot.database.rows import Mode


@dataclass
class Answered:
    """What came back."""

    status: int
    body: Any
    headers: Any
    text: str


@dataclass
class Caller:
    """Calls with a key, or with another token."""

    token: str

    def get(self, path: str, **query: Any) -> Answered:
        return self.send("GET", path, query=query)

    def post(self, path: str, body: Any = None, *, key: str = "", **query: Any) -> Answered:
        return self.send("POST", path, body, key=key, query=query)

    def put(self, path: str, body: Any = None) -> Answered:
        return self.send("PUT", path, body)

    def amend(self, path: str, body: Any = None) -> Answered:
        return self.send("PATCH", path, body)

    def delete(self, path: str, body: Any = None, **query: Any) -> Answered:
        return self.send("DELETE", path, body, query=query)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        query: Any = None,
        content_type: str = "application/json",
        address: str = "203.0.113.7",
    ) -> Answered:
        """One request; `body` is JSON unless it is bytes already."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if key:
            headers["Idempotency-Key"] = key
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
        response = Client(raise_request_exception=False).generic(
            method,
            path,
            raw,
            content_type=content_type,
            headers=headers,
            query_params=query or None,
            REMOTE_ADDR=address,
        )
        text = response.content.decode()
        is_json = "json" in response.get("Content-Type", "")
        return Answered(
            status=response.status_code,
            body=json.loads(text) if is_json and text else None,
            headers=response.headers,
            text=text,
        )


def caller(
    merchant: Merchant,
    *,
    scopes: Iterable[str] = tuple(SCOPES),
    mode: Mode = Mode.LIVE,
    **more: Any,
) -> Caller:
    """A machine of a merchant, with every scope and no hurry to wait for, unless told otherwise."""
    issued = keys.create_api_key(
        merchant_id=merchant.id,
        name="Lager ü",
        scopes=scopes,
        mode=mode,
        **{"rate_limit_per_minute": 1_000_000, **more},
    )
    return Caller(issued.secret)
