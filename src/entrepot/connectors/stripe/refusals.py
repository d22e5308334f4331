"""Stripe's refusals, sorted by what the caller must do; pure.

Source: Stripe API reference 2023-10-16, "Errors" and "Error codes", "Idempotent requests", read
2026-11. 401, 403, 429 and 5xx have the same meaning everywhere and are sorted at the door.
"""

from entrepot.connect.errors import (
    Conflict,
    ConnectorError,
    Misconfigured,
    OutcomeUnknown,
    PaymentNeeded,
    Rejected,
)
from entrepot.connect.reading import Node

REFUSALS = frozenset({400, 402, 404, 409, 424})

# The thing is in another state than the caller thinks: look it up.
CONFLICTS = frozenset(
    {
        "charge_already_captured",
        "charge_already_refunded",
        "payment_intent_unexpected_state",
        "resource_already_exists",
    }
)
# The merchant's balance at Stripe does not cover it.
PAYMENT_NEEDED = frozenset({"balance_insufficient", "insufficient_funds_in_balance"})
# The key, the account or its mode is wrong.
MISCONFIGURED = frozenset(
    {
        "account_invalid",
        "api_key_expired",
        "livemode_mismatch",
        "platform_api_key_expired",
        "secret_key_required",
        "testmode_charges_only",
    }
)


def refusal(status_code: int, body: Node, *, said: str) -> ConnectorError:
    """The error for a refused write; `said` names the call for the message.

    A code that no table lists is the order's fault, so that nothing moves on.
    """
    error = body["error"]
    kind = error["type"].text_or_empty()
    code = error["code"].text_or_empty() or kind or str(status_code)
    message = f"{said} answered {status_code} {code}: {error['message'].text_or_empty()}"
    if kind == "idempotency_error" or code == "idempotency_error":
        # The key was used before, for something else: what that made must be looked at.
        return Conflict(message, code="idempotency_error")
    if status_code in (409, 424):
        # 409: the first request of this key is still at work. 424: something behind Stripe failed.
        return OutcomeUnknown(message)
    if code in CONFLICTS:
        return Conflict(message, code=code)
    if code in PAYMENT_NEEDED:
        return PaymentNeeded(message)
    if code in MISCONFIGURED:
        return Misconfigured(message)
    return Rejected(message, code=error["decline_code"].text_or_empty() or code)
