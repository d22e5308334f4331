"""A mail as it leaves: its address, its content, and a Message-ID that derives from the sale."""

import base64
import hashlib
from dataclasses import dataclass

from entrepot.notifications.models import Mail
from entrepot.notifications.states import GATHERED_WITH, Kind
from entrepot.notifications.voices import Voice
from entrepot.orders.models import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """A mail whose content stands. `message_id` is with its angle brackets.

    `sender` is a name and an address.
    """

    mail_id: int
    merchant_id: int
    order_id: int
    mode: str
    kind: Kind
    sender: tuple[str, str]
    reply_to: str
    recipient: str
    subject: str
    html: str
    text: str
    message_id: str

    @property
    def reference(self) -> str:
        """What the attempt calls this mail: the Message-ID without its host."""
        return reference_of(self.message_id)

    @property
    def fingerprint(self) -> str:
        """A hash of the content, for the attempt."""
        content = f"{self.recipient}\x00{self.subject}\x00{self.html}\x00{self.text}"
        return hashlib.sha256(content.encode()).hexdigest()

    @classmethod
    def of(cls, mail: Mail, *, recipient: str, voice: Voice) -> "OutgoingMail":
        """The mail of a row whose content is fixed."""
        return cls(
            mail_id=mail.id,
            merchant_id=mail.merchant_id,
            order_id=mail.order_id,
            mode=mail.mode,
            kind=Kind(mail.kind),
            sender=(voice.shop_name, voice.sender_email),
            reply_to=voice.reply_to,
            recipient=recipient,
            subject=mail.subject,
            html=mail.html,
            text=mail.text,
            message_id=mail.message_id,
        )


def message_id_of(order: Order, mail: Mail, *, sender_email: str) -> str:
    """The same in every database that holds the sale, so that two of them collide at the reader."""
    told = GATHERED_WITH[Kind(mail.kind)][0].value
    identity = f"{order.account}\n{order.mode}\n{order.external_id}\n{told}\n{mail.fact}"
    digest = hashlib.sha256(identity.encode()).digest()[:15]
    name = base64.b32encode(digest).decode().lower()
    host = sender_email.rpartition("@")[2] or "localhost"
    return f"<mail-{name}@{host}>"


def reference_of(message_id: str) -> str:
    """`<mail-abc@example.org>` -> `mail-abc`."""
    return message_id.strip("<>").partition("@")[0]
