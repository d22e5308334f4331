"""Puts the hub's own site of the configuration in the place of Django's."""

from django.contrib.admin.apps import AdminConfig


class Configuration(AdminConfig):
    """Django's admin with our site."""

    default_site = "entrepot.dashboard.configuration.ConfigurationSite"
