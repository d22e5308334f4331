"""Database URLs and connection settings: parsing, deriving, and writing them again. No Django."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode


class BadDatabaseUrl(Exception):
    """A database URL that cannot be read; the message never repeats its password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseUrl:
    """A PostgreSQL URL in its parts.

    `hosts` and `ports` are parallel: several of them name the nodes of one cluster, tried in order.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    hosts: tuple[str, ...] = ("127.0.0.1",)
    ports: tuple[str, ...] = ("5432",)
    name: str = "entrepot"
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "DatabaseUrl":
        """Read `postgresql://user:password@host1:5432,host2:5433/name?option=value`."""
        scheme, separator, rest = text.partition("://")
        if not separator or scheme not in {"postgres", "postgresql"}:
            raise BadDatabaseUrl("it does not begin with postgresql://")
        rest, _, query = rest.partition("?")
        where, _, name = rest.partition("/")
        who, at, places = where.rpartition("@")
        user, _, password = who.partition(":") if at else ("", "", "")
        options = dict(parse_qsl(query))
        hosts, ports = _places(places if at else where)
        if host := options.pop("host", ""):
            hosts = tuple(host.split(","))
            ports = tuple(options.pop("port", "5432").split(","))
        if not name:
            raise BadDatabaseUrl("it names no database")
        return cls(
            user=unquote(user),
            password=unquote(password),
            hosts=hosts,
            ports=ports,
            name=unquote(name),
            options=options,
        )

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any]) -> "DatabaseUrl":
        """Read it back from one of Django's DATABASES."""
        options = settings.get("OPTIONS", {})
        kept = {key: value for key, value in options.items() if isinstance(value, str)}
        return cls(
            user=settings["USER"],
            password=settings["PASSWORD"],
            hosts=tuple(settings["HOST"].split(",")),
            ports=tuple(str(settings["PORT"]).split(",")),
            name=settings["NAME"],
            options=kept,
        )

    def as_role(self, user: str, password: str) -> "DatabaseUrl":
        """The same database for another role."""
        return replace(self, user=user, password=password)

    def settings(self) -> dict[str, Any]:
        """The parts as one of Django's DATABASES, without a pool."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": self.name,
            "USER": self.user,
            "PASSWORD": self.password,
            "HOST": ",".join(self.hosts),
            "PORT": ",".join(self.ports),
            "CONN_MAX_AGE": 0,
            "ATOMIC_REQUESTS": False,
            "OPTIONS": dict(self.options),
        }

    def __str__(self) -> str:
        """The URL itself, password included: for drivers, never for a log."""
        options = dict(self.options)
        if any(host.startswith("/") for host in self.hosts):
            options |= {"host": ",".join(self.hosts), "port": ",".join(self.ports)}
            places = ""
        else:
            places = ",".join(
                f"{_bracketed(host)}:{port}"
                for host, port in zip(self.hosts, self.ports, strict=True)
            )
        who = quote(self.user, safe="")
        if self.password:
            who += ":" + quote(self.password, safe="")
        query = f"?{urlencode(options)}" if options else ""
        return f"postgresql://{who}@{places}/{quote(self.name, safe='')}{query}"


def role_password(secret_key: bytes, role: str) -> str:
    """The password of a role that the hub manages itself; the same wherever the key is."""
    return hmac.new(secret_key, f"database role {role}".encode(), hashlib.sha256).hexdigest()


def _places(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    hosts, ports = [], []
    for place in text.split(","):
        host, colon, port = place.rpartition(":")
        if not colon or "]" in port:
            host, port = place, "5432"
        if not port.isdigit():
            raise BadDatabaseUrl(f"{port!r} is not a port")
        hosts.append(unquote(host.strip("[]")) or "127.0.0.1")
        ports.append(port)
    return tuple(hosts), tuple(ports)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
