"""Joins the outbox to the queue when the process starts."""

from django.apps import AppConfig

from entrepot.events import outbox


class TasksConfig(AppConfig):
    name = "entrepot.tasks"

    def ready(self) -> None:
        from entrepot.deadletters import services as deadletters  # noqa: PLC0415 -- likewise
        from entrepot.intake import hints  # noqa: PLC0415 -- models have to exist first
        from entrepot.tasks import (  # noqa: PLC0415 -- likewise
            letters,
            rereading,
            retry,
            subscriptions,
        )

        outbox.install(subscriptions.dispatch)
        hints.install(rereading.defer_rereads)
        retry.install_dead_letter_sink(letters.keep)
        deadletters.install_replayer(letters.defer_again)
