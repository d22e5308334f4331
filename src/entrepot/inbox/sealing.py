"""How raw bodies are kept: compressed, then sealed; opened only to be understood or shown."""

import threading

import zstandard

from entrepot.access import crypto

PURPOSE = "inbox body"
LEVEL = 3
# A body that was accepted is never larger; a frame that claims more was tampered with.
LARGEST = 256 * 1024 * 1024
# A compressor, or its opposite, is dear to make and cannot be shared between threads.
_thread = threading.local()


class BodyErased(Exception):
    """A message's raw bytes are gone, by retention or erasure; only its hash is left."""

    def __init__(self, message_id: int) -> None:
        super().__init__(f"message m-{message_id} cannot be read again: its body was erased")
        self.message_id = message_id


def seal(body: bytes) -> bytes:
    """Compress (zstd, level 3) and encrypt a body. Safe to call from any thread."""
    compressor: zstandard.ZstdCompressor | None = getattr(_thread, "compressor", None)
    if compressor is None:
        compressor = _thread.compressor = zstandard.ZstdCompressor(level=LEVEL)
    return crypto.encrypt(PURPOSE, compressor.compress(body))


def unseal(sealed: bytes) -> bytes:
    """The body as it came.

    Raises:
        CannotDecrypt: its key is gone.
    """
    decompressor: zstandard.ZstdDecompressor | None = getattr(_thread, "decompressor", None)
    if decompressor is None:
        decompressor = _thread.decompressor = zstandard.ZstdDecompressor()
    packed = crypto.decrypt(PURPOSE, bytes(sealed))
    return decompressor.decompress(packed, max_output_size=LARGEST)
