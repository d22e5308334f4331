"""Hands a mail to the mail service, and sorts what can go wrong by what the caller must do next.

The guarantee of plain SMTP, and of mail services without idempotency keys, is *at most once, then
ask*: what may have left is not sent again by itself. The Message-ID derives from the sale, so that
a mail that does arrive twice is recognised as one by the reader's program. The sandbox's mailbox
can be asked, and there the guarantee is *exactly once*.
"""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.utils import formataddr
from enum import Enum
from typing import Any

from anymail.exceptions import (
    AnymailAPIError,
    AnymailConfigurationError,
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailUnsupportedFeature,
)
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from entrepot.access import scope
from entrepot.connect.errors import (
    ConnectorError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from entrepot.database.rows import Mode
from entrepot.notifications.mailbox import MERCHANT_HEADER
from entrepot.notifications.messages import OutgoingMail
from entrepot.notifications.models import SandboxMail

MAILBOX = "entrepot.notifications.mailbox.MailboxBackend"
SMTP = "django.core.mail.backends.smtp.EmailBackend"
TRACKED_SMTP = "entrepot.notifications.sending.SmtpBackend"
DEADLINE = timedelta(seconds=25)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The mail service took it. `reference` is its own id of the mail, else our Message-ID."""

    reference: str
    guarantee: str


def deliver(mail: OutgoingMail, *, before_send: Callable[[], None] | None = None) -> Delivered:
    """Hand a mail to the mail service. Call it outside transactions. Not safe to repeat.

    Mails of orders in test mode are kept in the mailbox, whatever the mail service is.
    `before_send` is called just before the content leaves by SMTP, which takes some turns of talk
    until then; it raises to stop it, and of the mail nothing has left.

    Raises:
        Unavailable: it did not leave (no connection, a refusal for the moment). Safe to repeat.
        OutcomeUnknown: the content was on its way and no answer came.
        Rejected: the address or the content is refused.
        Misconfigured: the service refuses us: account, password or sender.
    """
    path = backend_of(mail.mode)
    backend = _open(path, before_send)
    message = _message(mail)
    try:
        backend.send_messages([message])
    except (smtplib.SMTPException, OSError, AnymailError, UnicodeError) as error:
        stage = getattr(backend, "stage", Stage.BEFORE)
        if stage is not Stage.TAKEN:
            raise sorted_error(error, began_content=stage is Stage.CONTENT) from error
    status = getattr(message, "anymail_status", None)
    return Delivered(
        reference=(getattr(status, "message_id", None) or mail.message_id).strip("<>"),
        guarantee=guarantee_of(mail.mode),
    )


def find(mail: OutgoingMail) -> Delivered | None:
    """Look a mail up where that is possible; ask `can_find` first. None: it is not there."""
    with scope.merchant(mail.merchant_id):
        kept = SandboxMail.objects.filter(
            merchant_id=mail.merchant_id, message_id=mail.message_id
        ).exists()
    if not kept:
        return None
    return Delivered(mail.message_id.strip("<>"), guarantee_of(mail.mode))


def can_find(mode: str) -> bool:
    """Whether `find` can prove anything: only the mailbox remembers."""
    return backend_of(mode) == MAILBOX


def guarantee_of(mode: str) -> str:
    """`exactly_once` where mails can be looked up, else `at_most_once_then_ask`."""
    return "exactly_once" if can_find(mode) else "at_most_once_then_ask"


def backend_of(mode: str) -> str:
    """Which mail backend the mails of a mode leave by."""
    if settings.SANDBOX_MAIL:
        return SMTP
    if mode == Mode.TEST or settings.SANDBOX:
        return MAILBOX
    return str(settings.EMAIL_BACKEND)


class Stage(Enum):
    """How far a mail came on its way into an SMTP server."""

    BEFORE = "before"  # of its content nothing has left
    CONTENT = "content"  # a broken connection proves nothing any more
    TAKEN = "taken"  # the server said so; what happens afterwards changes nothing


class _Watched(smtplib.SMTP):
    """An SMTP connection that remembers how far the last mail came."""

    stage = Stage.BEFORE
    before_send: Callable[[], None] | None = None
    _hands_over = False

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Hand over the content."""
        self.stage = Stage.CONTENT
        self._hands_over = True
        try:
            code, words = super().data(msg)
        finally:
            self._hands_over = False
        if code == 250:
            self.stage = Stage.TAKEN
        return code, words

    def send(self, s: Any) -> None:
        """Send bytes; those of a mail's content only while they may still leave."""
        if self._hands_over and self.before_send is not None:
            try:
                self.before_send()
            except BaseException:
                self.stage = Stage.BEFORE
                self.close()  # at once: a server that waits for content takes a QUIT for some
                raise
        super().send(s)


class _WatchedTls(_Watched, smtplib.SMTP_SSL):
    """The same over TLS from the first byte."""


class SmtpBackend(EmailBackend):
    """Django's SMTP backend; `stage` outlives the connection, which Django forgets on an error."""

    stage = Stage.BEFORE

    def __init__(self, *, before_send: Callable[[], None] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._before_send = before_send

    def open(self) -> bool | None:
        """Connect; the content of mails is asked about before it leaves."""
        is_new = super().open()
        if isinstance(self.connection, _Watched):
            self.connection.before_send = self._before_send
        return is_new

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _WatchedTls if self.use_ssl else _Watched

    def close(self) -> None:
        """Remember how far the mail came, then close."""
        if isinstance(self.connection, _Watched):
            self.stage = self.connection.stage
        super().close()


def sorted_error(error: Exception, *, began_content: bool) -> ConnectorError:
    """The connector's error for what a mail backend raised."""
    match error:
        case smtplib.SMTPResponseException():
            return _of_reply(error)
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            code, words = next(iter(refused.values()), (0, b""))
            said = f"the mail service refused the address: {code} {_text(words)}"
            return Unavailable(said) if _is_for_now(code) else Rejected(said, code=str(code))
        case smtplib.SMTPNotSupportedError() | AnymailConfigurationError():
            return Misconfigured(f"the mail service cannot be used: {error}")
        case AnymailRecipientsRefused() | AnymailInvalidAddress():
            return Rejected(f"the mail service refused the address: {error}", code="recipient")
        case AnymailUnsupportedFeature():
            return Misconfigured(f"the mail service cannot send such mail: {error}")
        case AnymailAPIError():
            return _of_api(error)
        case AnymailError() | UnicodeError():
            return Rejected(f"the mail cannot be written down: {error}", code="content")
        case _:
            pass
    if began_content:
        return OutcomeUnknown(f"the connection ended while the mail was handed over: {error}")
    return Unavailable(f"no connection to the mail service: {error}")


def _of_reply(error: smtplib.SMTPResponseException) -> ConnectorError:
    said = f"the mail service answered {error.smtp_code} {_text(error.smtp_error)}"
    if _is_for_now(error.smtp_code):
        return Unavailable(said)
    if isinstance(error, smtplib.SMTPDataError):
        return Rejected(said, code=str(error.smtp_code))
    return Misconfigured(said)  # it refuses our greeting, password or sender


def _of_api(error: AnymailAPIError) -> ConnectorError:
    code = error.status_code
    if code is None:
        # No answer: only a connection that was never made proves that nothing left.
        never_left = any(
            word in f"{type(error.__cause__).__name__} {error.__cause__}"
            for word in ("ConnectTimeout", "NewConnectionError", "NameResolutionError")
        )
        said = f"no answer from the mail service: {error}"
        return Unavailable(said) if never_left else OutcomeUnknown(said)
    said = f"the mail service answered {code}: {error}"
    if code == 429:
        return RateLimited(said)
    if code in {401, 403}:
        return Misconfigured(said)
    if code >= 500:
        return OutcomeUnknown(said)
    return Rejected(said, code=str(code))


def _open(path: str, before_send: Callable[[], None] | None) -> BaseEmailBackend:
    if path == SMTP:
        return get_connection(
            TRACKED_SMTP, timeout=int(DEADLINE.total_seconds()), before_send=before_send
        )
    return get_connection(path)


def _message(mail: OutgoingMail) -> EmailMultiAlternatives:
    headers = {"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"}
    if backend_of(mail.mode) == MAILBOX:
        headers[MERCHANT_HEADER] = str(mail.merchant_id)
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        from_email=formataddr(mail.sender),
        to=[mail.recipient],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers=headers,
    )
    message.attach_alternative(mail.html, "text/html")
    return message


def _is_for_now(code: int) -> bool:
    """RFC 5321, 4.2.1: 4yz means that the command was not accepted, and may be later."""
    return 400 <= code < 500 or code == -1


def _text(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
