"""A mail leaves at most once; what went wrong is sorted by what has to be done next."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from types import SimpleNamespace

import pytest
from anymail.exceptions import AnymailRecipientsRefused, AnymailRequestsAPIError
from django.conf import settings
from django.core.mail import EmailMessage

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts.states import LeaseLost
from entrepot.connect.errors import (
    ConnectorError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from entrepot.notifications import sending
from entrepot.notifications.mailbox import MERCHANT_HEADER, MailboxBackend
from entrepot.notifications.messages import OutgoingMail
from entrepot.notifications.models import SandboxMail
from entrepot.notifications.states import Kind
from tests.notifications.post_office import PostOffice, post_office


@pytest.fixture
def office() -> Iterator[PostOffice]:
    """A mail server that the settings point to."""
    names = ("EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT", "SANDBOX")
    before = {name: getattr(settings, name) for name in names}
    with post_office() as office:
        settings.EMAIL_BACKEND = sending.SMTP
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", office.port
        settings.SANDBOX = False
        yield office
    for name, value in before.items():
        setattr(settings, name, value)


@pytest.fixture
def mail(merchant: Merchant) -> OutgoingMail:
    return OutgoingMail(
        mail_id=5,
        merchant_id=merchant.id,
        order_id=7,
        mode="live",
        kind=Kind.CONFIRMATION,
        sender=("Seemöwe Prints", "hallo@seemoewe.example"),
        reply_to="",
        recipient="mareike@example.org",
        subject="Wir haben deine Bestellung 10482",
        html="<p>Möwe</p>",
        text="Möwe\n",
        message_id="<mail-abc@seemoewe.example>",
    )


def test_a_mail_reaches_the_server_with_its_message_id(
    office: PostOffice, mail: OutgoingMail
) -> None:
    delivered = sending.deliver(mail)

    assert delivered.reference == "mail-abc@seemoewe.example"
    assert delivered.guarantee == "at_most_once_then_ask"
    (content,) = office.taken
    message = message_from_bytes(content.encode(), policy=default)
    assert message["Message-ID"] == "<mail-abc@seemoewe.example>"
    assert message["To"] == "mareike@example.org"
    assert message["From"] == "Seemöwe Prints <hallo@seemoewe.example>"
    assert message["Subject"] == "Wir haben deine Bestellung 10482"
    assert MERCHANT_HEADER not in message
    parts = [part.get_content() for part in message.walk() if not part.is_multipart()]
    assert [part.strip() for part in parts] == ["Möwe", "<p>Möwe</p>"]


@pytest.mark.parametrize(
    ("_case", "answers", "hangs_up_at", "error"),
    [
        ("it hangs up at the greeting", {}, "EHLO", Unavailable),
        ("it hangs up before the content", {}, "RCPT", Unavailable),
        ("it hangs up at the content", {}, "DATA", OutcomeUnknown),
        ("it hangs up after the content", {}, "content", OutcomeUnknown),
        ("it knows no such address", {"RCPT": "550 no such user"}, "", Rejected),
        ("it is greylisting", {"RCPT": "451 later"}, "", Unavailable),
        ("it does not want the sender", {"MAIL": "553 not yours"}, "", Misconfigured),
        ("it is too busy for the content", {"content": "452 full"}, "", Unavailable),
        ("it takes it for spam", {"content": "554 spam"}, "", Rejected),
    ],
)
def test_what_a_mail_server_does_is_sorted_by_what_can_have_happened(
    office: PostOffice,
    mail: OutgoingMail,
    _case: str,
    answers: dict[str, str],
    hangs_up_at: str,
    error: type[ConnectorError],
) -> None:
    office.answers.update(answers)
    office.hangs_up_at = hangs_up_at

    with pytest.raises(ConnectorError) as raised:
        sending.deliver(mail)

    assert type(raised.value) is error
    assert office.taken == []


@pytest.mark.parametrize("stops_at", [1, 2])
def test_content_that_may_not_leave_any_more_does_not_whatever_was_said_before(
    office: PostOffice, mail: OutgoingMail, stops_at: int
) -> None:
    asked: list[int] = []

    def before_send() -> None:
        asked.append(len(asked))
        if len(asked) == stops_at:
            raise LeaseLost(8, 3)

    with pytest.raises(LeaseLost):
        sending.deliver(mail, before_send=before_send)

    assert len(asked) == stops_at
    assert office.taken == []


def test_trouble_after_the_server_took_it_changes_nothing(
    office: PostOffice, mail: OutgoingMail
) -> None:
    office.answers["QUIT"] = "221 " + "bye " * 3000  # too long a line: an error of the protocol

    delivered = sending.deliver(mail)

    assert delivered.reference == "mail-abc@seemoewe.example"
    assert len(office.taken) == 1


def test_no_server_is_safe_to_repeat(office: PostOffice, mail: OutgoingMail) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = unused.getsockname()[1]

        with pytest.raises(Unavailable):
            sending.deliver(mail)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (429, RateLimited),
        (401, Misconfigured),
        (403, Misconfigured),
        (422, Rejected),
        (500, OutcomeUnknown),
        (503, OutcomeUnknown),
    ],
)
def test_what_a_mail_service_answers_is_sorted(code: int, error: type[ConnectorError]) -> None:
    response = SimpleNamespace(status_code=code, reason="x", json=dict, text="")
    failure = AnymailRequestsAPIError("no", response=response)

    assert type(sending.sorted_error(failure, began_content=False)) is error


def test_a_mail_service_that_says_nothing_may_have_the_mail() -> None:
    lost = AnymailRequestsAPIError("no")
    lost.__cause__ = ConnectionError("('Connection aborted.', RemoteDisconnected())")
    never = AnymailRequestsAPIError("no")
    never.__cause__ = ConnectionError("NewConnectionError: refused")

    assert type(sending.sorted_error(lost, began_content=False)) is OutcomeUnknown
    assert type(sending.sorted_error(never, began_content=False)) is Unavailable
    refused = sending.sorted_error(AnymailRecipientsRefused(), began_content=False)
    assert type(refused) is Rejected


def test_test_mode_never_reaches_a_server(office: PostOffice, mail: OutgoingMail) -> None:
    test_mail = replace(mail, mode="test")

    delivered = sending.deliver(test_mail)

    assert office.taken == []
    assert delivered.guarantee == "exactly_once"
    assert sending.find(test_mail) == delivered
    with scope.merchant(mail.merchant_id):
        kept = SandboxMail.objects.get(merchant_id=mail.merchant_id)
    assert (kept.recipient, kept.message_id) == (mail.recipient, mail.message_id)
    assert (kept.html, kept.text) == ("<p>Möwe</p>", "Möwe\n")
    assert MERCHANT_HEADER not in kept.headers


def test_the_mailbox_forgets_nothing_and_finds_only_what_it_has(
    mail: OutgoingMail, other_merchant: Merchant
) -> None:
    test_mail = replace(mail, mode="test")
    assert sending.find(test_mail) is None

    for _ in range(2):  # the books would show a doubled mail
        sending.deliver(test_mail)

    with scope.merchant(mail.merchant_id):
        assert SandboxMail.objects.filter(merchant_id=mail.merchant_id).count() == 2
    with scope.merchant(other_merchant.id):
        assert SandboxMail.objects.count() == 0


def test_mail_of_the_installation_itself_is_kept_apart(merchant: Merchant) -> None:
    MailboxBackend().send_messages(
        [EmailMessage(subject="An alert", body="x", to=["ops@example.org", "zwei@example.org"])]
    )

    with scope.merchant(merchant.id):
        assert SandboxMail.objects.count() == 0
    with scope.system():
        assert SandboxMail.objects.filter(merchant_id=0).count() == 2
