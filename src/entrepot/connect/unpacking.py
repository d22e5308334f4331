"""Unpacks what somebody sends, a bounded piece at a time, so that little cannot become everything.

A few kilobytes may unpack to gigabytes, and several codings upon each other multiply that. Only one
is taken, the one that is asked for.
"""

import zlib
from collections.abc import Iterator

import httpx

from entrepot.connect.errors import UnexpectedResponse

ACCEPTED = {"Accept-Encoding": "gzip"}
GZIP = 31  # zlib's number for it, with the largest window
PIECE = 256 * 1024


def unpacked(response: httpx.Response) -> Iterator[bytes]:
    """The body of an answer that is still coming, in pieces of at most `PIECE` bytes.

    Raises:
        UnexpectedResponse: it is packed in a way that was not asked for.
        httpx.HTTPError: the connection ended, or what came cannot be unpacked.
    """
    coding = response.headers.get("content-encoding", "").strip().lower()
    match coding:
        case "" | "identity":
            yield from response.iter_raw()
        case "gzip" | "x-gzip":
            try:
                yield from _unzipped(response.iter_raw())
            except zlib.error as error:
                raise httpx.DecodingError(str(error), request=response.request) from error
        case _:
            raise UnexpectedResponse(
                f"{response.request.url.host} answered in the coding {coding[:40]!r},"
                " which was not asked for"
            )


def _unzipped(parts: Iterator[bytes]) -> Iterator[bytes]:
    unzipping = zlib.decompressobj(GZIP)
    for part in parts:
        rest = part
        while rest:
            if unzipping.eof:  # several may follow each other
                unzipping = zlib.decompressobj(GZIP)
            yield unzipping.decompress(rest, PIECE)
            rest = unzipping.unused_data if unzipping.eof else unzipping.unconsumed_tail
    yield unzipping.flush()
