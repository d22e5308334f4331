"""Puts the hub's own site of the configuration in the place of Django's."""

from django.contrib.admin.apps import SimpleAdminConfig


class Configuration(SimpleAdminConfig):
    """Django's admin with our site.

    The site and what is configured there are imported with the addresses (`config/urls.py`), not
    with every process: a worker never needs them, and a third of its start went into them.
    """

    default_site = "entrepot.dashboard.configuration.ConfigurationSite"
