"""Who this database belongs to: outside effects pause when it was copied, moved or restored.

Two hubs with the same orders would ship them twice. So the database remembers the server it lives
in, the address under which the hub is reached, and, where the hub runs its own PostgreSQL, the host
and the data folder, which is told from its copies. When one of them is another at start, nothing
leaves until a person has said `adopt` (this is the one that counts) or `reconcile` (compare with
the platforms first).
"""

import ipaddress
import socket
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models.functions import Now

from entrepot.access import crypto, scope
from entrepot.access.models import Merchant
from entrepot.connections.credentials import PURPOSE as CREDENTIAL
from entrepot.connections.models import Credential
from entrepot.customers.models import Customer
from entrepot.customers.sealing import EMAIL
from entrepot.database import sql
from entrepot.events import outbox
from entrepot.monitoring.models import Installation

IDENTITY_FILE = "identity"
REMEMBERED_S = 2.0
BACKUP_AGE = timedelta(hours=24)
# Differs after a restore into another server, and after a restore under another name.
_DATABASE = """
    SELECT system_identifier::text || '/' || pg_database.oid
    FROM pg_control_system(), pg_database
    WHERE datname = current_database()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a hub runs. `folder` is the data folder, None where PostgreSQL runs elsewhere."""

    public_url: str
    folder: Path | None = None
    host: str = ""

    @classmethod
    def here(cls, *, public_url: str, folder: Path | None) -> "Place":
        """This process's place."""
        return cls(
            public_url=public_url,
            folder=folder,
            host=socket.gethostname() if folder is not None else "",
        )


@dataclass(slots=True)
class _Remembered:
    reason: str = ""
    until: float = 0.0


_remembered = _Remembered()


def begin(place: Place) -> str:
    """Compare the database with the place it runs in, at start; return why effects are paused.

    The first start writes the identity down. Several processes may call it at once, and again.
    """
    with scope.system():
        database = str(sql.fetch_value(_DATABASE))
        known = Installation.objects.select_for_update().filter(id=1).first()
        if known is None:
            identity = _identity_in(place.folder) or uuid.uuid4()
            known, _ = Installation.objects.get_or_create(
                id=1,
                defaults={
                    "identity": identity,
                    "host": place.host,
                    "public_url": place.public_url,
                    "database": database,
                    "started_at": Now(),
                },
            )
            _write_identity(place.folder, known.identity)
        elif not known.effects_paused_reason:
            known.effects_paused_reason = _difference(known, place, database)
            if known.effects_paused_reason:
                Merchant.objects.update(unsure_before=Now())
            else:
                known.public_url, known.host = place.public_url, place.host
            known.save()
    forget()
    return known.effects_paused_reason


def effects_paused_reason() -> str:
    """Why nothing may leave this installation, "" when it may; remembered for two seconds.

    Runs in the open scope.
    """
    if time.monotonic() >= _remembered.until:
        reason = Installation.objects.values_list("effects_paused_reason", flat=True).first()
        _remembered.reason = reason or ""
        _remembered.until = time.monotonic() + REMEMBERED_S
    return _remembered.reason


def adopt(place: Place, *, by: str, reason: str) -> None:
    """Let outside effects go on here, as a person's decision; repeating it changes nothing.

    It says that no other hub acted meanwhile, so that nothing is doubted: what left another one is
    not known here. Where there was one, reconcile.
    """
    _go_on(place, by=by, reason=reason)
    with scope.system():
        Merchant.objects.update(unsure_before=None)


def go_on_reconciled(place: Place, *, by: str, worked_until: datetime | None = None) -> None:
    """Let outside effects go on, after the platforms were asked what another hub did.

    What happened before `worked_until`, else before the pause, that hub may have told customers:
    they are not told again.
    """
    _go_on(place, by=by, reason="reconciled")
    if worked_until is not None:
        with scope.system():
            Merchant.objects.update(unsure_before=worked_until)


def _go_on(place: Place, *, by: str, reason: str) -> None:
    with scope.system(), outbox.because(actor=by):
        known = Installation.objects.select_for_update().get(id=1)
        was_paused = known.effects_paused_reason
        known.host, known.public_url = place.host, place.public_url
        known.database = str(sql.fetch_value(_DATABASE))
        known.effects_paused_reason = ""
        known.save()
        _write_identity(place.folder, known.identity)
        if was_paused:
            for merchant_id in Merchant.objects.order_by("id").values_list("id", flat=True):
                outbox.record(
                    "installation.adopted",
                    merchant_id=merchant_id,
                    mode="live",
                    subject=("installation", 1),
                    reason=reason or was_paused,
                )
    forget()


def pause_installation(place: Place, *, reason: str) -> None:
    """Stop all outside effects until somebody adopts; a restore does this to what it restored.

    The identity of what is known stays; a hub that never ran before gets this place's.
    """
    with scope.system():
        if not Installation.objects.filter(id=1).exists():
            begin(place)
        Installation.objects.filter(id=1).update(effects_paused_reason=reason)
        Merchant.objects.update(unsure_before=Now())
    forget()


def opens_what_is_sealed() -> bool:
    """Whether our secret keys open what the database holds: its newest secret and e-mail address.

    True as well where nothing is sealed yet.
    """
    with scope.system():
        credential = Credential.objects.order_by("-id").first()
        customer = Customer.objects.exclude(email_sealed=b"").order_by("-id").first()
    try:
        if credential is not None:
            crypto.decrypt(CREDENTIAL, bytes(credential.sealed))
        if customer is not None:
            crypto.decrypt(EMAIL, bytes(customer.email_sealed))
    except crypto.CannotDecrypt:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupState:
    """When this installation was last backed up. `is_expected` is false in the sandbox."""

    last_at: datetime | None
    is_expected: bool
    is_late: bool


def backup_state(now: datetime) -> BackupState:
    """Whether somebody has to make a backup, or to see why none was made. In the open scope.

    A hub that was never backed up has as long for its first backup as for each later one.
    """
    row = Installation.objects.filter(id=1).values_list("last_backup_at", "started_at").first()
    last, started = row or (None, None)
    since: datetime | None = last or started
    is_expected = not settings.SANDBOX
    return BackupState(
        last_at=last,
        is_expected=is_expected,
        is_late=is_expected and since is not None and now - since > BACKUP_AGE,
    )


def note_backup() -> None:
    """Note that a verified backup was made just now."""
    with scope.system():
        Installation.objects.filter(id=1).update(last_backup_at=Now())


def forget() -> None:
    """Read the database again at the next question."""
    _remembered.until = 0.0


def _difference(known: Installation, place: Place, database: str) -> str:
    if known.database != database:
        return (
            "this database was restored or copied from another server."
            " Say adopt if it replaces the other one, reconcile to compare first"
        )
    if place.folder is not None:
        identity = _identity_in(place.folder)
        if identity != known.identity:
            return f"the data folder belongs to another installation ({identity or 'none'})"
        if _was_copied(place.folder):
            return "the data folder is a copy: the original may still run"
        if known.host and known.host != place.host:
            return f"the data folder was moved or copied from {known.host} to {place.host}"
    if not _is_local(known.public_url) and known.public_url != place.public_url:
        return f"the address changed from {known.public_url} to {place.public_url}"
    return ""


def _is_local(url: str) -> bool:
    """An address that only this machine understands says nothing about which hub it is."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _identity_in(folder: Path | None) -> uuid.UUID | None:
    if folder is None:
        return None
    try:
        return uuid.UUID((folder / IDENTITY_FILE).read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _was_copied(folder: Path) -> bool:
    """Whether the folder is not the one that the identity was written into, but has its content."""
    words = (folder / IDENTITY_FILE).read_text().split()
    return len(words) > 1 and words[1] != _birth_mark(folder)


def _birth_mark(folder: Path) -> str:
    """What tells a folder from its copies on one machine, and stays when it is renamed."""
    return f"inode:{folder.stat().st_ino}"


def _write_identity(folder: Path | None, identity: uuid.UUID) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / IDENTITY_FILE).write_text(f"{identity} {_birth_mark(folder)}\n")
