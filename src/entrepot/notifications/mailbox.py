"""The sandbox's mail service: keeps mails for the mailbox page instead of sending them."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from entrepot.access import scope
from entrepot.notifications.models import SandboxMail

MERCHANT_HEADER = "X-Entrepot-Merchant"
INSTALLATION = 0


class MailboxBackend(BaseEmailBackend):
    """A Django mail backend that writes rows; they are its books, so nothing is deduplicated.

    The header `X-Entrepot-Merchant` says whose mailbox it is and is taken off; mail without it (to
    the installation's own operators) is kept under merchant 0, which only the system sees.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Keep the messages, each recipient's apart; return how many messages."""
        for message in email_messages:
            headers = dict(message.extra_headers)
            merchant_id = int(headers.pop(MERCHANT_HEADER, INSTALLATION))
            if message.reply_to:
                headers["Reply-To"] = ", ".join(message.reply_to)
            opened = scope.merchant(merchant_id) if merchant_id else scope.system()
            with opened:
                SandboxMail.objects.bulk_create(
                    SandboxMail(
                        merchant_id=merchant_id,
                        recipient=recipient,
                        sender=message.from_email,
                        subject=str(message.subject),
                        text=str(message.body),
                        html=_html_of(message),
                        message_id=headers.get("Message-ID", ""),
                        headers=headers,
                    )
                    for recipient in message.recipients()
                )
        return len(email_messages)


def _html_of(message: EmailMessage) -> str:
    for alternative in getattr(message, "alternatives", ()):
        content, kind = alternative[0], alternative[1]
        if kind == "text/html":
            return str(content)
    return ""
