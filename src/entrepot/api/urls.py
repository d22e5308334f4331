"""Where the interface answers: /api/v1, its documentation, and the documented paths."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, QueryDict, UnreadablePostError
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path, re_path, reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from entrepot.api.errors import CONTENT_TYPE, Problem, not_found
from entrepot.api.interfaces.api import interfaces
from entrepot.api.interfaces.health import get_status
from entrepot.api.rest.api import api
from entrepot.api.spreadsheet import CSV
from entrepot.intake.tables import UTF_16

View = Callable[..., HttpResponseBase]
_capital = re.compile("(?<!^)[A-Z]")
NUL = (b"\x00", b"\\u0000")


def guarded(view: View) -> View:
    """Answer what reaches no operation: too large, unreadable, a method that is not there."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **values: Any) -> HttpResponseBase:
        try:
            _check(request)
        except Problem as problem:
            return problem.response(request.path)
        response = view(request, *args, **values)
        if response.status_code == 405 and response.get("Content-Type", "") != CONTENT_TYPE:
            allowed = response.get("Allow", "")
            refused = Problem(405, f"use {allowed} here", headers={"Allow": allowed})
            return refused.response(request.path)
        return response

    return answer


def spelled(view: View) -> View:
    """Take the words of a query in either usual spelling: orderId and order_id."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **values: Any) -> HttpResponseBase:
        asked = QueryDict(mutable=True)
        for name, words in request.GET.lists():
            asked.setlist(_capital.sub(lambda found: f"_{found[0].lower()}", name), words)
        request.GET = asked  # type: ignore[assignment]
        return view(request, *args, **values)

    return answer


def _check(request: HttpRequest) -> None:
    try:
        body = request.body
    except RequestDataTooBig as error:
        raise Problem(413, "the body is too large: 10 MB are the most") from error
    except UnreadablePostError as error:
        raise Problem(400, "the body ended before it was complete") from error
    address = request.get_full_path()
    # Every letter of ASCII has a zero byte in UTF-16: who reads the table looks at its text.
    is_utf_16 = request.content_type == CSV and body.startswith(UTF_16)
    has_nul = not is_utf_16 and any(nul in body for nul in NUL)
    if has_nul or "\x00" in request.path or "%00" in address:
        raise Problem(422, "NUL characters are not accepted anywhere")


def documentation(request: HttpRequest) -> HttpResponse:
    """The operations with a form to try each, from files of the package: nothing is loaded.

    `?of=documented` shows the documented paths, else /api/v1 is shown.
    """
    is_documented = request.GET.get("of") == "documented"
    described = "api-documented:openapi-json" if is_documented else "api-v1:openapi-json"
    return render(
        request,
        "api/docs.html",
        {"described": reverse(described), "is_documented": is_documented},
    )


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    """Whatever else is asked below /api/."""
    return not_found(f"path {request.path[:200]!r}").response(request.path)


def _of(
    patterns: list[URLPattern | URLResolver], *around: Callable[[View], View]
) -> list[URLPattern | URLResolver]:
    def wrapped(view: View) -> View:
        for layer in around:
            view = layer(view)
        return view

    return [
        URLPattern(one.pattern, wrapped(one.callback), one.default_args, one.name)
        if isinstance(one, URLPattern)
        else one
        for one in patterns
    ]


_v1, _v1_app, _v1_namespace = api.urls
_documented, _documented_app, _documented_namespace = interfaces.urls
urlpatterns: list[URLPattern | URLResolver] = [
    path("docs", documentation, name="api-docs"),
    path("status", guarded(require_safe(get_status)), name="api-status"),
    path("v1/", (_of(_v1, guarded), _v1_app, _v1_namespace)),
    path("", (_of(_documented, spelled, guarded), _documented_app, _documented_namespace)),
    re_path("^.*$", nothing_here),
]
