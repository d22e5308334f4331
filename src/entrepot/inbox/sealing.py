"""How raw bodies are kept: compressed, then sealed; opened only to be understood or shown."""

import zstandard

from entrepot.access import crypto

PURPOSE = "inbox body"
LEVEL = 3
# A body that was accepted is never larger; a frame that claims more was tampered with.
LARGEST = 256 * 1024 * 1024


def seal(body: bytes) -> bytes:
    """Compress (zstd, level 3) and encrypt a body. Safe to call from any thread."""
    return crypto.encrypt(PURPOSE, zstandard.ZstdCompressor(level=LEVEL).compress(body))


def unseal(sealed: bytes) -> bytes:
    """The body as it came.

    Raises:
        CannotDecrypt: its key is gone.
    """
    packed = crypto.decrypt(PURPOSE, bytes(sealed))
    return zstandard.ZstdDecompressor().decompress(packed, max_output_size=LARGEST)
