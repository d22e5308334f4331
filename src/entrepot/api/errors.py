"""Errors as callers get them: problem+json (RFC 9457), with what to do about it."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError
from ninja.errors import ValidationError as NinjaValidationError

from entrepot.access.crypto import CannotDecrypt
from entrepot.access.keys import KeyRefused
from entrepot.access.permissions import NotAllowed
from entrepot.access.signing import BadToken
from entrepot.attempts.states import IllegalStep as AttemptStep
from entrepot.canon.money import CurrencyMismatch, NotMoney
from entrepot.catalog.services import BadMapping
from entrepot.connect.errors import (
    ConnectorError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from entrepot.connect.registry import UnknownPlatform
from entrepot.connections.doors import ConnectionArchived
from entrepot.connections.fields import BadSettings
from entrepot.connections.history import NoSuchFlow
from entrepot.connections.services import AccountTaken
from entrepot.connections.states import IllegalStep as ConnectionStep
from entrepot.deadletters.services import ReasonMissing as LetterReasonMissing
from entrepot.fulfillment.methods import CannotChooseMethod
from entrepot.fulfillment.reship import CannotReship
from entrepot.fulfillment.shipping import CannotShip
from entrepot.fulfillment.states import IdOfAnother
from entrepot.fulfillment.states import IllegalStep as FulfillmentStep
from entrepot.fulfillment.whereabouts import CannotSay
from entrepot.inbox.sealing import BodyErased
from entrepot.intake.handing_over import NotAnOrder, StoreRemoved
from entrepot.monitoring.erasure import NobodyToErase, StillNeeded
from entrepot.notifications.services import CannotResend
from entrepot.notifications.states import IllegalStep as MailStep
from entrepot.obligations.services import ReasonMissing, UnknownObligation
from entrepot.orders.services import CannotChange
from entrepot.payments.authorizations import CannotSettle
from entrepot.payments.refunds import CannotRefund
from entrepot.payments.states import IllegalStep as PaymentStep
from entrepot.payments.unmatched import CannotMatch

CONTENT_TYPE = "application/problem+json"
RETRY_SOON_S = 5

log = structlog.get_logger()

# A service's own refusal: nothing was changed, and its message says why.
CONFLICTS = (
    NobodyToErase,
    StillNeeded,
    CannotChange,
    CannotChooseMethod,
    CannotMatch,
    CannotRefund,
    CannotReship,
    CannotResend,
    CannotSay,
    CannotSettle,
    CannotShip,
    AccountTaken,
    IdOfAnother,
    AttemptStep,
    CannotDecrypt,
    BodyErased,
    ConnectionArchived,
    ConnectionStep,
    FulfillmentStep,
    MailStep,
    PaymentStep,
    StoreRemoved,
    UnknownObligation,
    Misconfigured,
)
INVALID = (
    BadMapping,
    BadSettings,
    CurrencyMismatch,
    DataError,
    LetterReasonMissing,
    NoSuchFlow,
    NotAnOrder,
    NotMoney,
    ReasonMissing,
    UnknownPlatform,
    ValidationError,
)


class Problem(Exception):
    """A refusal with everything that its answer says."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members

    def response(self, path: str) -> HttpResponse:
        """The answer, as RFC 9457 has it; `members` are further members."""
        title = HTTPStatus(self.status).phrase
        body = {
            "type": "about:blank",
            "title": title,
            "status": self.status,
            "detail": self.detail,
            "instance": path,
            **self.members,
        }
        return HttpResponse(
            msgspec.json.encode(body),
            status=self.status,
            content_type=CONTENT_TYPE,
            headers=self.headers,
        )


def not_found(what: str) -> Problem:
    """Nothing of that name is the caller's; whether it is somebody else's is not told."""
    return Problem(404, f"there is no {what} here")


def invalid(detail: str, **members: Any) -> Problem:
    """The request was understood and cannot be carried out as it stands."""
    return Problem(422, detail, **members)


def problem_of(error: Exception) -> Problem:
    """The answer to an error; what nobody planned for is logged, and told without details."""
    match error:
        case Problem():
            return error
        case NinjaValidationError(errors=faults):
            return _of_faults(faults)
        case BadSettings(faults=faults):
            return invalid(str(error), errors=[_fault([n], m) for n, m in faults.items()])
        case ConnectorError() if not isinstance(error, Misconfigured):
            return _of_platform(error)
        case KeyRefused() | BadToken() | AuthenticationError() | NotAllowed():
            return _of_caller(error)
        case HttpError(status_code=status):
            return Problem(status, str(error))
        case _:
            return _of_service(error)


def _of_caller(error: Exception) -> Problem:
    if isinstance(error, NotAllowed):
        return Problem(403, str(error), scope=error.scope)
    told = str(error) or "no API key: send Authorization: Bearer ek_..."
    return Problem(401, told, headers={"WWW-Authenticate": 'Bearer realm="entrepot"'})


def _of_service(error: Exception) -> Problem:
    if isinstance(error, ObjectDoesNotExist | Http404):
        return Problem(404, "there is nothing of that name here")
    if isinstance(error, CONFLICTS):
        return Problem(409, str(error))
    if isinstance(error, IntegrityError):
        log.warning("api.collided", exc_info=error)
        return Problem(409, "somebody else changed the same thing at the same moment: read it")
    if isinstance(error, OperationalError | InterfaceError):
        # It starts again, or has too much to do. A commit may have lost its answer: hence the key.
        log.warning("api.database_lost", exc_info=error)
        return Problem(
            503,
            "the hub's database does not answer just now: ask again, with the same Idempotency-Key",
            headers={"Retry-After": str(RETRY_SOON_S)},
        )
    if isinstance(error, INVALID):
        return invalid(_first_line(error))
    log.error("api.failed", exc_info=error)
    return Problem(500, "our own fault; the log has it under the id of this request")


def answer_problem(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """The response to an error."""
    assert isinstance(error, Exception)
    return problem_of(error).response(request.path)


def install(api: NinjaAPI) -> None:
    """Have every error of an interface answered as a problem."""
    for kind in (Exception, NinjaValidationError, AuthenticationError, HttpError, Http404):
        api.add_exception_handler(kind, answer_problem)


def _of_faults(faults: Sequence[Mapping[str, Any]]) -> Problem:
    told = [_fault(fault.get("loc", ()), str(fault.get("msg", ""))) for fault in faults]
    first = told[0] if told else {"field": "body", "message": "it cannot be read"}
    return invalid(f"{first['field']}: {first['message']}", errors=told)


def _fault(place: Sequence[Any], message: str) -> dict[str, str]:
    """Where it is, without the framework's own names for the parts of a request."""
    parts = [str(part) for part in place]
    if len(parts) > 1 and parts[0] in {"body", "query", "path", "header", "file", "form"}:
        parts = parts[1:]
    if len(parts) > 1 and parts[0] in {"body", "asked", "payload"}:
        parts = parts[1:]
    return {"field": ".".join(parts) or "body", "message": message}


def _of_platform(error: ConnectorError) -> Problem:
    told = f"the platform could not do it: {error}"
    match error:
        case RateLimited(retry_after=after):
            seconds = max(1, round(after.total_seconds())) if after else RETRY_SOON_S
            return Problem(503, told, headers={"Retry-After": str(seconds)})
        case Unavailable():
            return Problem(503, told, headers={"Retry-After": str(RETRY_SOON_S)})
        case OutcomeUnknown():
            return Problem(
                503,
                f"{told}. Nobody knows whether it happened: repeat it with the same key",
                headers={"Retry-After": str(RETRY_SOON_S)},
            )
        case Rejected():
            return invalid(told, code=error.code)
        case _:
            return Problem(502, told)


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(error.messages)
    return str(error).splitlines()[0] if str(error) else type(error).__name__
