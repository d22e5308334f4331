"""What somebody sends packed is unpacked within bounds; how long we are to wait has a bound too."""

import gzip
import io
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from entrepot.connect.download import download
from entrepot.connect.errors import OutcomeUnknown, Unavailable, UnexpectedResponse
from entrepot.connect.http import ANSWER_LIMIT, Http
from entrepot.connect.unpacking import PIECE
from entrepot.connect.waiting import retry_after_of

MEGABYTE = 1024 * 1024
PICTURE = bytes(range(256)) * 3000


@contextmanager
def host(body: bytes, coding: str) -> Iterator[str]:
    """Somebody who answers everything with these bytes, and says that they are packed so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def answer(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Encoding", coding)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/a.png"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_packed_file_is_never_unpacked_beyond_its_limit() -> None:
    bomb = gzip.compress(bytes(60 * MEGABYTE))
    assert len(bomb) < 64 * 1024  # it comes in one piece
    into = io.BytesIO()

    with host(bomb, "gzip") as url:
        tracemalloc.start()
        with pytest.raises(UnexpectedResponse, match="is larger than 1 MB"):
            download(url, into, allow_private=True, largest=MEGABYTE)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert most < 16 * PIECE
    assert into.tell() <= MEGABYTE


def test_a_packed_answer_is_never_unpacked_beyond_its_limit() -> None:
    with host(gzip.compress(bytes(60 * MEGABYTE)), "gzip") as url:
        tracemalloc.start()
        with pytest.raises(UnexpectedResponse, match="the answer is larger than"):
            Http("").get(url)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert most < ANSWER_LIMIT + 16 * PIECE


@pytest.mark.parametrize("coding", ["gzip, gzip", "zstd", "br", "deflate", "gzip,identity"])
def test_what_is_packed_otherwise_than_asked_is_refused(coding: str) -> None:
    into = io.BytesIO()

    with host(gzip.compress(gzip.compress(PICTURE)), coding) as url:
        with pytest.raises(UnexpectedResponse, match="which was not asked for"):
            download(url, into, allow_private=True)
        with pytest.raises(UnexpectedResponse, match="which was not asked for"):
            Http("").get(url)

    assert into.tell() == 0


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(PICTURE)),
        ("x-gzip", gzip.compress(PICTURE)),
        ("GZIP", gzip.compress(PICTURE[:1000]) + gzip.compress(PICTURE[1000:])),
        ("identity", PICTURE),
    ],
)
def test_what_is_packed_as_asked_arrives_whole(coding: str, body: bytes) -> None:
    into = io.BytesIO()

    with host(body, coding) as url:
        media = download(url, into, allow_private=True)
        answer = Http("").get(url)

    assert (media, into.getvalue(), answer.content) == ("image/png", PICTURE, PICTURE)


def test_what_cannot_be_unpacked_is_an_answer_that_broke_off() -> None:
    with host(b"no gzip", "gzip") as url:
        with pytest.raises(Unavailable):
            download(url, io.BytesIO(), allow_private=True)
        with pytest.raises(Unavailable):
            Http("").get(url)
        with pytest.raises(OutcomeUnknown):
            Http("").post(url, json={})


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        ("86401", timedelta(days=1)),
        ("9" * 18, timedelta(days=1)),
        ("9" * 5000, timedelta(days=1)),
        ("\u00b2", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("Fri, 01 Jan 2100 00:00:00 GMT", timedelta(days=1)),
        ("Fri, 01 Jan 1999 00:00:00 GMT", timedelta(0)),
    ],
)
def test_however_long_a_platform_wants_us_to_wait_it_is_a_day_at_most(
    told: str, expected: timedelta | None
) -> None:
    assert retry_after_of({"retry-after": told}) == expected
