"""Structured logs: one JSON object (or one readable line) per entry, without secrets.

Whoever works on something binds what it is, and every entry of that work carries it:

    with structlog.contextvars.bound_contextvars(order_id=41, event_id=7): ...

The standard library's loggers (Django's, uvicorn's, the job engine's) go the same way.
"""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
LEVELS = logging.getLevelNamesMapping()

_SECRET_KEYS = re.compile(
    r"(?i)(^|[_-])(authorization|cookie|passwords?|passwd|secrets?|tokens?|api_?keys?|credentials?"
    r"|signature)$"
)
_SECRET_TEXT = (
    (re.compile(r"\b((?:sk|rk|pk|ek|whsec)_)[A-Za-z0-9_]{8,}"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {REDACTED}"),
    (re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@"), rf"\1:{REDACTED}@"),
)
_DEEPEST = 6


def configure(options: dict[str, str]) -> None:
    """Send every log entry of the process to standard error.

    Args:
        options: `level` (a name of the standard library, any case) and `format` (`json` or
            `console`).

    Raises:
        ValueError: the level or the format has no meaning.
    """
    level = options.get("level", "info").upper()
    if level not in LEVELS:
        raise ValueError(f"ENTREPOT_LOG_LEVEL is {level!r}: use debug, info, warning or error")

    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(options.get("format", "json")),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("axes.apps", "httpx", "uvicorn.access"):  # a greeting; a line per request
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("django", "django.server", "uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True


def _renderers(form: str) -> list[Processor]:
    match form:
        case "json":
            return [
                structlog.processors.format_exc_info,
                redact,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ]
        case "console":
            colors = sys.stderr.isatty()
            return [
                structlog.processors.format_exc_info,
                redact,
                structlog.dev.ConsoleRenderer(colors=colors),
            ]
        case _:
            raise ValueError(f"ENTREPOT_LOG_FORMAT is {form!r}: use json or console")


def redact(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """Replace what looks like a secret, by its key or by its text, at any depth."""
    return {key: _clean(key, value, depth=0) for key, value in entry.items()}


def _clean(key: str, value: Any, *, depth: int) -> Any:
    if _SECRET_KEYS.search(key) and value not in (None, "", False, True):
        return REDACTED
    if depth >= _DEEPEST:
        return "[too deep]"
    match value:
        case str():
            return _clean_text(value)
        case bytes():
            return f"[{len(value)} bytes]"
        case dict():
            return {
                str(name): _clean(str(name), item, depth=depth + 1) for name, item in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return [_clean("", item, depth=depth + 1) for item in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return _clean_text(str(value))


def _clean_text(text: str) -> str:
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text
