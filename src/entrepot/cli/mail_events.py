"""`entrepot mail-events`: where a mail service says what became of the mails that it took."""

import click

from entrepot.cli.failure import CommandFailed
from entrepot.cli.hub import open_hub


@click.command()
def mail_events() -> None:
    """Print the address to register at the mail service, for deliveries, bounces and complaints.

    Keep it to yourself: several services sign nothing, and it is all that proves who speaks.
    """
    with open_hub():
        from entrepot.notifications import mail_services  # noqa: PLC0415 -- app not ready

        service = mail_services.current_service()
        if not service:
            raise CommandFailed(
                "mail goes out by SMTP or stays in the mailbox, and neither reports what became of"
                " it: name a mail service in ENTREPOT_MAIL_SERVICE"
            )
        click.echo(mail_services.webhook_url(service))
