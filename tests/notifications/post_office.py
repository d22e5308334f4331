"""A small SMTP server on loopback that refuses, hangs up and takes mail on command."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class PostOffice:
    """What it took, and how it behaves: `hangs_up_at` and `answers` are keyed by SMTP verb.

    The verb `content` is the end of the mail's content.
    """

    port: int = 0
    taken: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    hangs_up_at: str = ""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    office: PostOffice


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self._say("220 ready")
        for raw in self.rfile:
            verb = raw.decode().strip().split(" ")[0].split(":")[0].upper()
            if verb == self.server.office.hangs_up_at or not self._obey(verb):
                return

    def _obey(self, verb: str) -> bool:
        """Answer one command; False to hang up."""
        office = self.server.office
        if answer := office.answers.get(verb):
            self._say(answer)
        elif verb == "DATA":
            return self._take()
        elif verb == "QUIT":
            self._say(office.answers.get("bye", "221 bye"))
            return False
        else:
            self._say("250 fine")
        return True

    def _take(self) -> bool:
        office = self.server.office
        self._say("354 go on")
        content = self._content()
        if content is None or office.hangs_up_at == "content":
            return False
        answer = office.answers.get("content", "250 taken")
        if answer.startswith("250"):
            office.taken.append(content)
        self._say(answer)
        return True

    def _content(self) -> str | None:
        """A mail up to its end; None when its sender was gone before."""
        lines: list[str] = []
        for raw in self.rfile:
            if raw == b".\r\n":
                return "".join(lines)
            lines.append(raw.decode())
        return None

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def post_office() -> Iterator[PostOffice]:
    """Serve until the block ends."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.office = PostOffice(port=server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.office
        finally:
            server.shutdown()
            thread.join()
