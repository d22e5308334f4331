"""Joins the outbox to the queue when the process starts."""

from django.apps import AppConfig

from entrepot.events import outbox


class TasksConfig(AppConfig):
    name = "entrepot.tasks"

    def ready(self) -> None:
        from entrepot.intake import hints  # noqa: PLC0415 -- models have to exist first
        from entrepot.tasks import rereading, subscriptions  # noqa: PLC0415 -- likewise

        outbox.install(subscriptions.dispatch)
        hints.install(rereading.defer_rereads)
