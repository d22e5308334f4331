"""How the simulated shop reads bodies and words its refusals.

Part of the simulator.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

from entrepot.connect.simulator import Request, Response


class NotPossible(Exception):
    """The shop refuses, with the API's code, its words and its status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def refusal(code: str, message: str, *, status: int) -> Response:
    """An error in the API's shape."""
    return Response(status, {"code": code, "message": message, "data": {"status": status}})


def object_of(request: Request) -> dict[str, Any]:
    try:
        body = request.json() if request.body else {}
    except ValueError as error:
        raise NotPossible("rest_invalid_json", "Invalid JSON body passed.", 400) from error
    return body if isinstance(body, dict) else {}


def number_in(text: str) -> int:
    return int(text) if text.isdigit() else -1


def amount_in(value: Any) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal(-1)


def is_forced(request: Request) -> bool:
    return request.one("force") in {"true", "1"}


def missing(name: str) -> Response:
    return Response(
        400,
        {
            "code": "rest_missing_callback_param",
            "message": f"Missing parameter(s): {name}",
            "data": {"status": 400, "params": [name]},
        },
    )
