"""Checks what somebody typed into a connection's form against the platform's manifest."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from entrepot.connect.manifest import Manifest, Setting

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"", "0", "false", "no", "off"})


class BadSettings(ValueError):
    """Settings that cannot be saved; `faults` tells what is wrong, by the setting's name."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        told = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
        super().__init__(f"cannot save these settings: {told}")
        self.faults = dict(faults)


def check_settings(
    manifest: Manifest,
    given: Mapping[str, Any],
    *,
    kept: Mapping[str, Any] | None = None,
    kept_secrets: frozenset[str] = frozenset(),
) -> tuple[dict[str, Any], dict[str, str]]:
    """Turn form values into plain settings and secrets; the two never mix.

    Args:
        manifest: what the platform asks for.
        given: values as a form, a file or a program hands them over.
        kept: settings that stay where `given` does not name them.
        kept_secrets: secrets that are stored already; a blank one of them stays as it is.

    Returns:
        All settings that are no secrets, defaults filled in; and the secrets that are new.

    Raises:
        BadSettings: with every fault at once.
    """
    settings: dict[str, Any] = {}
    new_secrets: dict[str, str] = {}
    unknown = sorted(set(given) - {setting.name for setting in manifest.settings})
    faults = dict.fromkeys(unknown, "the platform has no such setting")
    for setting in manifest.settings:
        raw = given.get(setting.name, (kept or {}).get(setting.name))
        try:
            value = _read(setting, raw)
        except ValueError as error:
            faults[setting.name] = str(error)
            continue
        is_stored = setting.name in kept_secrets
        if setting.is_required and value in (None, "") and not is_stored:
            faults[setting.name] = f"{setting.label} is needed"
        elif setting.type != "secret":
            settings[setting.name] = value
        elif value:
            new_secrets[setting.name] = str(value)
    if faults:
        raise BadSettings(faults)
    return settings, new_secrets


def _read(setting: Setting, raw: Any) -> Any:
    if raw is None or raw == "":
        raw = setting.default
    match setting.type:
        case "flag":
            return _flag(raw)
        case "number":
            return _number(raw)
        case "map":
            return _map(raw)
        case "list":
            return _list(raw)
        case "choice":
            return _choice(setting, _text(raw))
        case "url":
            return _url(_text(raw))
        case _:  # text and secret
            return _text(raw)


def _text(raw: Any) -> str:
    if raw is None:
        return ""
    if not isinstance(raw, str):
        raise ValueError("must be text")  # noqa: TRY004 -- one kind of fault for the form
    if "\x00" in raw:
        raise ValueError("must not contain a NUL character")
    return raw.strip()


def _choice(setting: Setting, text: str) -> str:
    if text and text not in setting.choices:
        raise ValueError(f"{text!r} is not one of {', '.join(filter(None, setting.choices))}")
    return text


def _url(text: str) -> str:
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        has_port = parts.port is not None or not parts.netloc.endswith(":")
    except ValueError:
        raise ValueError(f"{text!r} is not an address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not has_port:
        raise ValueError(f"{text!r} is not an http or https address")
    if parts.username or parts.password:
        raise ValueError("must not contain a user or a password")
    if parts.query or parts.fragment:
        raise ValueError("must end with its path: no ? and no #")
    return text.rstrip("/")


def _flag(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    word = str(raw or "").strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ValueError(f"{raw!r} is neither yes nor no")


def _number(raw: Any) -> int | str | None:
    """Whole numbers as they are; others as text, since JSON would make floats of them."""
    if raw is None:
        return None
    if isinstance(raw, bool):
        raise ValueError("must be a number")  # noqa: TRY004 -- one kind of fault for the form
    try:
        value = Decimal(str(raw).strip())
    except InvalidOperation:
        raise ValueError(f"{raw!r} is not a number") from None
    if not value.is_finite():
        raise ValueError(f"{raw!r} is not a number")
    return int(value) if value == value.to_integral_value() else str(value)


def _map(raw: Any) -> dict[str, str]:
    """A table, or lines of `theirs = ours`."""
    if isinstance(raw, str):
        pairs = [line.partition("=") for line in raw.splitlines() if line.strip()]
        if any(not separator for _, separator, _ in pairs):
            raise ValueError("write one pair per line, as in theirs = ours")
        raw = {key.strip(): value.strip() for key, _, value in pairs}
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise ValueError("must be a table of words")  # noqa: TRY004 -- one kind of fault for the form
    return {_text(key): _text(value) for key, value in raw.items()}


def _list(raw: Any) -> list[str]:
    """A list, or words between commas."""
    if isinstance(raw, str):
        raw = raw.split(",")
    if raw is None:
        return []
    if not isinstance(raw, list | tuple):
        raise ValueError("must be a list of words")  # noqa: TRY004 -- one kind of fault for the form
    return [text for text in map(_text, raw) if text]
