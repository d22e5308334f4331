"""Fetches a file that somebody else keeps: print files, of any size and from any host.

Beside the door for calls (`http.py`), which reads answers wholly: a file is written down as it
comes, may be larger, and may take longer than a call.
"""

import atexit
import time
from datetime import timedelta
from typing import IO
from urllib.parse import urljoin, urlsplit

import httpx

from entrepot.connect.addresses import check_address, refuse_private
from entrepot.connect.errors import Misconfigured, Rejected, Unavailable, UnexpectedResponse
from entrepot.connect.unpacking import ACCEPTED, unpacked

DEADLINE = timedelta(seconds=120)
LARGEST = 256 * 1024 * 1024
MOST_REDIRECTS = 5
WAIT = httpx.Timeout(25.0, connect=5.0)

_pool = httpx.Client(headers=ACCEPTED, follow_redirects=False, trust_env=False, timeout=WAIT)
atexit.register(_pool.close)


def download(url: str, into: IO[bytes], *, allow_private: bool, largest: int = LARGEST) -> str:
    """Write a file down and return its media type, "" when it was not told.

    Redirects are followed, each to an address that may be asked. `allow_private` is for
    installations whose files stand in their own network.

    Raises:
        Unavailable: no connection, a server's fault, or not within the deadline; try later.
        Rejected: the server has no such file, or shows it to nobody.
        Misconfigured: it is no address that we may ask.
        UnexpectedResponse: it is too large, or leads from one place to another without an end.
    """
    ends = time.monotonic() + DEADLINE.total_seconds()
    guard = {} if allow_private else {"trace": refuse_private}
    for _ in range(MOST_REDIRECTS + 1):
        check_address(url, allow_private=allow_private)
        try:
            with _pool.stream("GET", url, extensions=guard) as response:
                if response.is_redirect:
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                _sort(response, url)
                _write(response, into, url=url, ends=ends, largest=largest)
                return str(response.headers.get("content-type", "")).partition(";")[0].strip()
        except httpx.InvalidURL as error:
            raise Misconfigured(f"{url!r} is not an address: {error}") from error
        except httpx.HTTPError as error:
            raise Unavailable(f"{_short(url)} could not be read: {error!r}") from error
    raise UnexpectedResponse(f"{_short(url)}: redirected more than {MOST_REDIRECTS} times")


def _sort(response: httpx.Response, url: str) -> None:
    code = response.status_code
    if code == 200:
        return
    said = f"{_short(url)} answered {code}"
    if code == 429 or code >= 500:
        raise Unavailable(said)
    raise Rejected(said, code=str(code))


def _write(
    response: httpx.Response, into: IO[bytes], *, url: str, ends: float, largest: int
) -> None:
    size = 0
    for part in unpacked(response):
        size += len(part)
        if size > largest:
            raise UnexpectedResponse(f"{_short(url)} is larger than {largest // 2**20} MB")
        if time.monotonic() > ends:
            seconds = DEADLINE.total_seconds()
            raise Unavailable(f"{_short(url)} was not there whole within {seconds:.0f} s")
        into.write(part)


def _short(url: str) -> str:
    """Without its query, which may carry a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
