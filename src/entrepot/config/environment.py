"""Reads the process's environment, typed, and reports all faults at once."""

import base64
import binascii
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from entrepot.connect import environment as first_connections
from entrepot.connect import haste
from entrepot.connect.haste import haste_in
from entrepot.database.urls import BadDatabaseUrl, DatabaseUrl, role_password

OWNER_ROLE = "entrepot_owner"
APP_ROLE = "entrepot_app"
SYSTEM_ROLE = "entrepot_system"
KEY_BYTES = 32

# ENTREPOT_MAIL_SERVICE -> which ENTREPOT_MAIL_* variables it needs, as anymail's settings.
MAIL_SERVICES: dict[str, dict[str, str]] = {
    "amazon_ses": {},
    "brevo": {"API_KEY": "BREVO_API_KEY"},
    "mailersend": {"API_TOKEN": "MAILERSEND_API_TOKEN"},
    "mailgun": {"API_KEY": "MAILGUN_API_KEY", "SENDER_DOMAIN": "MAILGUN_SENDER_DOMAIN"},
    "mailjet": {"API_KEY": "MAILJET_API_KEY", "SECRET_KEY": "MAILJET_SECRET_KEY"},
    "mandrill": {"API_KEY": "MANDRILL_API_KEY"},
    "postal": {"API_KEY": "POSTAL_API_KEY", "API_URL": "POSTAL_API_URL"},
    "postmark": {"SERVER_TOKEN": "POSTMARK_SERVER_TOKEN"},
    "resend": {"API_KEY": "RESEND_API_KEY"},
    "scaleway": {"SECRET_KEY": "SCALEWAY_SECRET_KEY", "PROJECT_ID": "SCALEWAY_PROJECT_ID"},
    "sendgrid": {"API_KEY": "SENDGRID_API_KEY"},
    "sparkpost": {"API_KEY": "SPARKPOST_API_KEY"},
    "unisender_go": {"API_KEY": "UNISENDER_GO_API_KEY", "API_URL": "UNISENDER_GO_API_URL"},
}

Default = TypeVar("Default")
SmtpSettings = tuple[str, int, str, str, bool, bool]
# Seconds. While a server is away the pool asks for it after 1, 2, 4, 8 and more, and all who
# wait for a connection wait for that: both end soon enough for the next to ask anew.
POOL = {"min_size": 0, "timeout": 10, "reconnect_timeout": 10}

# A process that is frozen in the midst of a transaction would hold its locks, and everybody, until
# it wakes up. By then its work is others' (`tasks/rescue.py`).
LET_GO_OF_LOCKS = "-cidle_in_transaction_session_timeout=20s"

# The embedded server listens on this machine alone and speaks no TLS: asked for it, it says no, and
# asyncpg connects anew.
WITHOUT_TLS = {"sslmode": "disable"}


class MisconfiguredEnvironment(Exception):
    """The environment has faults; `faults` names each variable and what is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("the configuration has faults:\n" + "\n".join(f"- {f}" for f in faults))
        self.faults = faults


class Environment:
    """Typed access to environment variables; a faulty one yields its default and is remembered."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables
        self._faults: list[str] = []

    def text(self, name: str, *, default: str) -> str:
        """The variable as it is, without surrounding white space."""
        return self._variables.get(name, "").strip() or default

    def flag(self, name: str, *, default: bool) -> bool:
        """True for 1, true, yes, on; false for 0, false, no, off."""
        match self.text(name, default="").lower():
            case "":
                return default
            case "1" | "true" | "yes" | "on":
                return True
            case "0" | "false" | "no" | "off":
                return False
            case _:
                return self._fault(name, "say yes or no", default)

    def number(self, name: str, *, default: int) -> int:
        """A whole number above zero."""
        text = self.text(name, default=str(default))
        if text.isdecimal() and int(text) > 0:
            return int(text)
        return self._fault(name, f"{text!r} is not a whole number above zero", default)

    def haste(self, *, sandbox: bool) -> float:
        """By how much the hub's own waits are shortened; only the sandbox may hurry."""
        factor = haste_in(self.text(haste.VARIABLE, default=""))
        if factor is None:
            return self._fault(haste.VARIABLE, "say a number from 1 to 1000", 1.0)
        if factor > 1 and not sandbox:
            return self._fault(haste.VARIABLE, "only a sandbox (ENTREPOT_SANDBOX) may hurry", 1.0)
        return factor

    def folder(self, name: str, *, default: Path) -> Path:
        """A folder, as an absolute path; it need not exist."""
        return Path(self.text(name, default=str(default))).expanduser().absolute()

    def url(self, name: str, *, default: str) -> str:
        """An http(s) URL without a trailing slash."""
        text = self.text(name, default=default)
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return self._fault(name, f"{text!r} is not an http or https address", default)
        return text.rstrip("/")

    def hosts(self, name: str, *, public_url: str) -> list[str]:
        """Host names that requests may ask for: those listed, the public one, and this machine."""
        listed = [host.strip() for host in self.text(name, default="").split(",") if host.strip()]
        public = urlsplit(public_url).hostname or "localhost"
        return list(dict.fromkeys([*listed, public, "localhost", "127.0.0.1", "[::1]"]))

    def secret_keys(self, name: str, *, folder: Path) -> list[bytes]:
        """Keys of 32 bytes, the newest first; comma separated in the variable, as base64 or hex.

        Without the variable they are kept in the file `secret_keys` of the data folder, which is
        made with a fresh key at the first start. Losing them makes credentials and e-mail addresses
        unreadable, so the file belongs into a backup of its own.
        """
        text = self.text(name, default="")
        source = name
        if not text:
            file = folder / "secret_keys"
            source = f"{name} (file {file})"
            try:
                text = _kept_key(file)
            except OSError as error:
                return self._fault(name, f"unset, and {error}", [bytes(KEY_BYTES)])
        keys = [_key(part.strip()) for part in text.replace("\n", ",").split(",") if part.strip()]
        good = [key for key in keys if key is not None]
        if len(good) == len(keys) and good:
            return good
        return self._fault(source, "each key is 32 bytes, as base64 or hex", [bytes(KEY_BYTES)])

    def databases(self, *, secret_key: bytes, data_folder: Path) -> dict[str, dict[str, Any]]:
        """Django's DATABASES: `owner` migrates, `default` is the app role, `system` the other.

        Without DATABASE_URL they are the embedded server's, which need not be running yet.
        """
        urls: dict[str, DatabaseUrl] = {}
        owner = self._database_url("DATABASE_URL") or DatabaseUrl(
            user=OWNER_ROLE,
            password=role_password(secret_key, OWNER_ROLE),
            ports=(_embedded_port(data_folder / "postgres"),),
            options=WITHOUT_TLS,
        )
        urls["owner"] = owner
        for alias, role, name in (
            ("default", APP_ROLE, "DATABASE_APP_URL"),
            ("system", SYSTEM_ROLE, "DATABASE_SYSTEM_URL"),
        ):
            derived = owner.as_role(role, role_password(secret_key, role))
            urls[alias] = self._database_url(name) or derived
        databases = {alias: url.settings() for alias, url in urls.items()}
        most = self.number("ENTREPOT_WORKER_THREADS", default=16) + 2
        for alias, settings in databases.items():
            settings["OPTIONS"].setdefault("application_name", f"entrepot {alias}")
            if alias != "owner":
                settings["OPTIONS"].setdefault("options", LET_GO_OF_LOCKS)
                settings["OPTIONS"]["pool"] = {**POOL, "max_size": most}
        return databases

    def mail(self, *, sandbox: bool) -> tuple[str, dict[str, str]]:
        """Django's EMAIL_BACKEND and anymail's settings.

        In the sandbox all mail goes to the mailbox page, whatever the service is, unless
        ENTREPOT_SANDBOX_MAIL names an SMTP server that catches it.
        """
        if sandbox and self.text("ENTREPOT_SANDBOX_MAIL", default=""):
            return "django.core.mail.backends.smtp.EmailBackend", {}
        if sandbox:
            return "entrepot.notifications.mailbox.MailboxBackend", {}
        service = self.text("ENTREPOT_MAIL_SERVICE", default="smtp").lower().replace("-", "_")
        if service == "smtp":
            return "django.core.mail.backends.smtp.EmailBackend", {}
        if service not in MAIL_SERVICES:
            known = ", ".join(["smtp", *MAIL_SERVICES])
            return self._fault(
                "ENTREPOT_MAIL_SERVICE",
                f"{service!r} is not one of: {known}",
                ("django.core.mail.backends.smtp.EmailBackend", {}),
            )
        settings = {}
        for variable, setting in MAIL_SERVICES[service].items():
            value = self.text(f"ENTREPOT_MAIL_{variable}", default="")
            if not value:
                self._faults.append(f"ENTREPOT_MAIL_{variable}: {service} needs it")
            settings[setting] = value
        return f"anymail.backends.{service}.EmailBackend", settings

    def smtp(self, name: str) -> SmtpSettings:
        """Host, port, user, password, STARTTLS and TLS of `smtp://user:password@host:port`.

        `smtps://` speaks TLS from the first byte; `smtp://` with a user asks for STARTTLS.
        """
        default: SmtpSettings = ("localhost", 25, "", "", False, False)
        text = self.text(name, default="")
        if not text:
            return default
        parts = urlsplit(text)
        try:
            port = parts.port
        except ValueError:
            return self._fault(name, "its port is not a number", default)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            return self._fault(name, "write it as smtp://user:password@host:port", default)
        is_tls = parts.scheme == "smtps"
        user = unquote(parts.username or "")
        usual = 465 if is_tls else (587 if user else 25)
        starts_tls = bool(user) and not is_tls
        password = unquote(parts.password or "")
        return (parts.hostname, port or usual, user, password, starts_tls, is_tls)

    def check_first_connections(self) -> None:
        """Note what is missing beside the variables that make first connections."""
        self._faults += first_connections.faults(self._variables)

    def raise_faults(self) -> None:
        """Raise MisconfiguredEnvironment with all faults found so far, if there are any."""
        if self._faults:
            raise MisconfiguredEnvironment(list(self._faults))

    def _database_url(self, name: str) -> DatabaseUrl | None:
        text = self.text(name, default="")
        if not text:
            return None
        try:
            return DatabaseUrl.parse(text)
        except BadDatabaseUrl as error:
            return self._fault(name, str(error), None)

    def _fault(self, name: str, what: str, default: Default) -> Default:
        self._faults.append(f"{name}: {what}")
        return default


def _key(text: str) -> bytes | None:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        try:
            key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except binascii.Error:
            return None
    return key if len(key) == KEY_BYTES else None


def _kept_key(file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = secrets.token_bytes(KEY_BYTES).hex() + "\n"
    try:
        # Exclusive: of two processes that start together, one makes the file and both read it.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text()
    with os.fdopen(descriptor, "w") as opened:
        opened.write(fresh)
    return fresh


def _embedded_port(folder: Path) -> str:
    try:
        return (folder / "port").read_text().strip() or "5432"
    except OSError:
        return "5432"  # not made yet; the settings must be importable all the same
