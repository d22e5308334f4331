"""Which network addresses may be asked: none inside our own network, unless that is allowed.

Names are looked up again when a connection is made, and may then lead elsewhere. So a guard looks
at the address that was really reached, before a byte of the request leaves.
"""

import ipaddress
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from entrepot.connect.errors import Misconfigured, PrivateAddress, Unavailable

# Networks whose addresses stand for one of the older kind, which begins at this bit from the right.
_STANDS_FOR = (
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)


def check_address(url: str, *, allow_private: bool) -> None:
    """Refuse an address inside our own network, unless that is allowed.

    Raises:
        Misconfigured: it is private, or not an http address at all.
        Unavailable: its name is not found.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise Misconfigured(f"{url!r} is not an http address") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise Misconfigured(f"{url!r} is not an http address")
    if not allow_private:
        _check_host(host, port)


def refuse_private(step: str, told: Mapping[str, Any]) -> None:
    """A guard: lets no connection be made into our own network. Raises as `check_address`."""
    match step:
        case "connection.connect_tcp.started":
            _check_host(told["host"], told["port"])
        case "connection.connect_tcp.complete":
            stream = told["return_value"]
            host = str(stream.get_extra_info("server_addr")[0])
            if not is_public(host):
                stream.close()
                raise _private(host)
        case _:
            pass


def is_public(text: str) -> bool:
    """Whether an address, as a number, is one of the public network."""
    place = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(place, ipaddress.IPv6Address):
        for network, bit in _STANDS_FOR:
            if place in network:
                return _is_public(ipaddress.IPv4Address(int(place) >> bit & 0xFFFFFFFF))
    return _is_public(place)


def _is_public(place: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return place.is_global and not place.is_multicast


def _check_host(host: str, port: int) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise Unavailable(f"{host} is not found: {error}") from error
    if not all(is_public(str(place[0])) for *_, place in found):
        raise _private(host)


def _private(host: str) -> PrivateAddress:
    return PrivateAddress(
        f"{host} is a private address; set ENTREPOT_ALLOW_PRIVATE_ADDRESSES to allow it"
    )
