"""`/metrics`: the hub's figures for Prometheus, to whoever has a key with `health:read`."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from entrepot.access.keys import KeyRefused
from entrepot.access.permissions import NotAllowed
from entrepot.api.auth import ApiKey
from entrepot.api.errors import Problem
from entrepot.monitoring.metrics import CONTENT_TYPE
from entrepot.tasks.health import prometheus

_key = ApiKey("health:read")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures of the key's merchant; they name no person."""
    try:
        caller = _key(request)
    except KeyRefused as error:
        return Problem(401, str(error)).response(request.path)
    except NotAllowed as error:
        return Problem(403, str(error)).response(request.path)
    except Problem as problem:
        return problem.response(request.path)
    return HttpResponse(prometheus(caller.merchant_id), content_type=CONTENT_TYPE)
