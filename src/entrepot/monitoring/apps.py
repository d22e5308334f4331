"""Lets monitoring count events as they are recorded, and stop effects of a copied database."""

from django.apps import AppConfig

from entrepot.events import outbox


class MonitoringConfig(AppConfig):
    name = "entrepot.monitoring"

    def ready(self) -> None:
        from entrepot.connections import effects  # noqa: PLC0415 -- models have to exist first
        from entrepot.monitoring import installation, rollups  # noqa: PLC0415 -- likewise

        outbox.install(rollups.count_events)
        effects.install(installation.effects_paused_reason)
