"""What every operation of the interface has: a scope, a transaction or none, one shape of answer.

An operation returns a schema; it is written as JSON inside the transaction, so that the answer to a
repeatable request is stored together with what was done.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpResponse
from ninja import Router, Schema
from ninja.security.base import AuthBase
from pydantic import BaseModel

from entrepot.access import scope as access_scope
from entrepot.api import idempotency
from entrepot.api.auth import ApiKey
from entrepot.api.caller import ApiRequest
from entrepot.events import outbox

View = TypeVar("View", bound=Callable[..., Any])
JSON = "application/json"


class ProblemShape(Schema):
    """An error, as RFC 9457 has it. Some carry further members: `errors`, `scope`, `code`."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


PROBLEMS = (401, 403, 404, 409, 422, 429)
UNREADABLE = (400, 413)  # a body that ended early, or is too large
OUTSIDE = (502, 503)  # the platform's fault, or nobody could reach it


def operation(
    router: Router,
    method: str,
    *,
    path: str,
    scope: str,
    answers: Any,
    status: int = 200,
    summary: str,
    calls_outside: bool = False,
    media: str = JSON,
    takes: str = "",
    auth: Callable[[str], AuthBase] = ApiKey,
) -> Callable[[View], View]:
    """Put a view on a router: (request: ApiRequest, ...) -> schema, or a response that is ready.

    It runs in one transaction of the caller's merchant, unless it `calls_outside`: then it opens
    its own, and none during a call. POST takes an Idempotency-Key. `auth` says who may call. Where
    it is no JSON, `media` says what a ready response is, and `takes` what a body is.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def run(request: ApiRequest, *args: Any, **values: Any) -> HttpResponse:
            caller = request.auth

            def act() -> HttpResponse:
                if calls_outside:
                    return written(view(request, *args, **values), status=status)
                with access_scope.merchant(caller.merchant_id):
                    return written(view(request, *args, **values), status=status)

            with outbox.because(actor=caller.actor):
                wanted = None
                if request.method == "POST":
                    wanted = idempotency.repeatable_of(request, caller)
                if wanted is None:
                    return act()
                if calls_outside:
                    return idempotency.around_calls(wanted, act)
                return idempotency.within_transaction(wanted, act)

        router.api_operation(
            [method],
            path,
            auth=auth(scope),
            response={status: answers, **_refusals(method, calls_outside=calls_outside)},
            summary=summary,
            description=inspect.getdoc(view) or "",
            operation_id=view.__name__,
            openapi_extra=_extra(method, scope, media=media, takes=takes),
        )(run)
        return view

    return decorate


def written(result: Any, *, status: int = 200) -> HttpResponse:
    """A schema as a response; a response as it is."""
    if isinstance(result, HttpResponse):
        return result
    assert isinstance(result, BaseModel)
    return HttpResponse(result.model_dump_json(), status=status, content_type=JSON)


def _refusals(method: str, *, calls_outside: bool) -> dict[int, type[Schema]]:
    """Every status that is no success, with the one shape that all of them have."""
    statuses = (
        *PROBLEMS,
        *(UNREADABLE if method != "GET" else ()),
        *(OUTSIDE if calls_outside else ()),
    )
    return dict.fromkeys(sorted(statuses), ProblemShape)


def _extra(method: str, scope: str, *, media: str, takes: str) -> dict[str, Any]:
    extra: dict[str, Any] = {"x-scope": scope}
    if media != JSON:
        extra["x-answers"] = media
    if takes:
        content = {takes: {"schema": {"type": "string"}}}
        extra["requestBody"] = {"required": True, "content": content}
    if method == "POST":
        extra["parameters"] = [
            {
                "in": "header",
                "name": idempotency.HEADER,
                "required": False,
                "schema": {"type": "string", "maxLength": idempotency.LONGEST_KEY},
                "description": "The same key with the same request is answered as before.",
            }
        ]
    return extra
