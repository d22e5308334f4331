"""Canonical values: frozen dataclasses that know no platform, no database and no clock."""
