"""The merchant's print files, played: white pictures of a size that print houses take."""

import struct
import zlib
from functools import cache

WIDTH_PX, HEIGHT_PX = 3508, 4961  # A3 at 300 dpi, as good for all that is smaller
LOST = "missing/"


def print_file(name: str) -> bytes | None:
    """A PNG file; None for one that its owner has lost."""
    return None if name.startswith(LOST) or not name else white_picture(WIDTH_PX, HEIGHT_PX)


@cache
def white_picture(width: int, height: int) -> bytes:
    """A PNG of one bit for each pixel."""
    row = b"\x00" + b"\xff" * -(-width // 8)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(row * height)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
