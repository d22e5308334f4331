"""Joins the outbox to the queue when the process starts."""

from django.apps import AppConfig

from entrepot.events import outbox


class TasksConfig(AppConfig):
    name = "entrepot.tasks"

    def ready(self) -> None:
        from entrepot.tasks import subscriptions  # noqa: PLC0415 -- models have to exist first

        outbox.install(subscriptions.dispatch)
