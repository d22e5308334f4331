"""A mail service that is there when somebody presses Stop."""

from collections.abc import Sequence
from typing import ClassVar

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from entrepot.canon.orders import Mode
from entrepot.connections import services
from entrepot.connections.states import EffectFlow


class StoppingBackend(BaseEmailBackend):
    """Takes mails; with the first one, the merchant of `merchant_ids` stops all of them."""

    taken: ClassVar[list[str]] = []
    merchant_ids: ClassVar[list[int]] = []

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Take mails as they come."""
        for message in email_messages:
            self.taken.append(message.to[0])
        for merchant_id in self.merchant_ids:
            services.pause_effects(
                merchant_id,
                mode=Mode.LIVE,
                flow=EffectFlow.MAILS,
                reason="Tippfehler in der Vorlage",
                by="user:3",
            )
        return len(email_messages)
