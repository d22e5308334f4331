"""What a platform's simulator.py offers so that this suite needs no platform's name.

Each is a module-level function; those that take `simulator` act on it as the world outside.
"""

import importlib
from collections.abc import Callable
from typing import Any

import pytest

from entrepot.connect.registry import Platform

# capability -> the functions that it needs, as they are called
NEEDED = {
    "ping": ("example_account(base_url) -> Account", "example_secrets() -> Secrets"),
    "verify": ("example_webhook(secrets, *, at) -> WebhookRequest",),
    "submit": ("example_request(reference) -> FulfillmentRequest",),
    "track": ("example_parcel(simulator) -> (tracking number, carrier)",),
    "checkout": ("example_checkout(reference) -> CheckoutRequest",),
    "refund": ("example_refund(simulator, reference) -> RefundRequest",),
    "write_back": ("example_news(simulator, reference) -> WriteBack",),
    # Something happens that each flow of the platform shows, at least three things per flow.
    "pull_orders": ("example_happenings(simulator) -> None",),
    "pull_products": ("example_happenings(simulator) -> None",),
    "pull_payments": ("example_happenings(simulator) -> None",),
    "pull_fulfillments": ("example_happenings(simulator) -> None",),
    "pull_trackers": ("example_happenings(simulator) -> None",),
}


def missing(platform: Platform) -> list[str]:
    """The functions that a platform's simulator.py should offer and does not."""
    module = _module(platform)
    wanted = {
        signature
        for capability in platform.manifest.capabilities
        for signature in NEEDED.get(capability, ())
    }
    return sorted(each for each in wanted if not hasattr(module, each.partition("(")[0]))


def example(platform: Platform, name: str) -> Callable[..., Any]:
    """One of the functions, or a skip that says what is missing where."""
    function = getattr(_module(platform), name, None)
    if function is None:
        pytest.skip(f"connectors/{platform.code}/simulator.py lacks {name}()")
    return function  # type: ignore[no-any-return]


def _module(platform: Platform) -> Any:
    return importlib.import_module(f"entrepot.connectors.{platform.code}.simulator")
