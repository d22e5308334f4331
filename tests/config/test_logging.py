"""Logs are structured, carry their context, and hide secrets."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from entrepot.config.logging import configure, redact


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_entry_is_one_json_object_with_what_was_bound(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure({"level": "info", "format": "json"})

    with structlog.contextvars.bound_contextvars(order_id=41, event_id=7):
        structlog.get_logger("entrepot.orders").info("order held", reason="Größe fehlt: 毛布")
    structlog.get_logger("entrepot.orders").debug("too quiet to be seen")

    (entry,) = logged(capsys)
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {
        "event": "order held",
        "order_id": 41,
        "event_id": 7,
        "reason": "Größe fehlt: 毛布",
        "level": "info",
        "logger": "entrepot.orders",
    }


def test_loggers_of_the_standard_library_go_the_same_way(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure({"level": "WARNING", "format": "json"})

    with structlog.contextvars.bound_contextvars(request_id="r-3"):
        logging.getLogger("django.request").warning("Not Found: %s", "/orders/9")
        logging.getLogger("uvicorn.error").info("too quiet to be seen")

    (entry,) = logged(capsys)
    assert (entry["event"], entry["request_id"], entry["level"]) == (
        "Not Found: /orders/9",
        "r-3",
        "warning",
    )


def test_an_exception_is_logged_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    configure({"level": "info", "format": "json"})

    try:
        raise ValueError("Bearer abcdefghijklmnop was refused")
    except ValueError:
        structlog.get_logger("entrepot").exception("call failed")

    (entry,) = logged(capsys)
    assert "ValueError: Bearer [redacted] was refused" in entry["exception"]


@pytest.mark.parametrize(
    ("_case", "entry", "seen"),
    [
        ("by its key", {"api_key": "Zx9"}, {"api_key": "[redacted]"}),
        ("a header", {"X-Auth-Token": "Zx9"}, {"X-Auth-Token": "[redacted]"}),
        (
            "deep inside",
            {"call": {"headers": [{"Authorization": "Basic Zx9", "Accept": "*/*"}]}},
            {"call": {"headers": [{"Authorization": "[redacted]", "Accept": "*/*"}]}},
        ),
        (
            "within a text",
            {"event": "key sk_live_51Habcdefgh refused by Basic Y2s6Y3NfMTI0"},
            {"event": "key sk_[redacted] refused by Basic [redacted]"},
        ),
        (
            "in an address",
            {"url": "postgresql://entrepot_app:p4ss@db:5432/hub"},
            {"url": "postgresql://entrepot_app:[redacted]@db:5432/hub"},
        ),
        ("raw bytes", {"body": b"\x00\x01\x02"}, {"body": "[3 bytes]"}),
        (
            "nothing else",
            {"token_count": 3, "has_password": True, "secret": "", "amount": "12.50 KWD"},
            {"token_count": 3, "has_password": True, "secret": "", "amount": "12.50 KWD"},
        ),
    ],
)
def test_secrets_are_hidden(_case: str, entry: dict[str, Any], seen: dict[str, Any]) -> None:
    assert redact(None, "info", entry) == seen


@pytest.mark.parametrize("options", [{"level": "loud"}, {"format": "xml"}])
def test_a_setting_without_meaning_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"ENTREPOT_LOG_(LEVEL|FORMAT) is '(LOUD|xml)': use"):
        configure(options)
