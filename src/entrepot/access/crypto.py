"""Encrypts columns and hashes what must be found again, under keys that rotate.

The newest of ENTREPOT_SECRET_KEYS writes, all of them read. Each purpose has keys of its own,
derived by HKDF, so that a value moved from one column into another does not open.
"""

import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

NONCE_BYTES = 12


class CannotDecrypt(Exception):
    """A value does not open: its key is gone, or it was changed or moved."""

    def __init__(self, purpose: str) -> None:
        super().__init__(
            f"cannot decrypt {purpose}: its key is not in ENTREPOT_SECRET_KEYS, or the value was"
            " changed"
        )
        self.purpose = purpose


def encrypt(purpose: str, plain: bytes, *, context: bytes = b"") -> bytes:
    """Seal a value with AES-256-GCM: one byte for the key, a nonce, ciphertext and tag.

    `context` is not stored; only the same one opens the value again (say, the row's id).
    """
    key = settings.SECRET_KEYS[0]
    nonce = os.urandom(NONCE_BYTES)
    sealed = _cipher(key, purpose).encrypt(nonce, plain, context)
    return _key_id(key) + nonce + sealed


def decrypt(purpose: str, sealed: bytes, *, context: bytes = b"") -> bytes:
    """Open what `encrypt` made for the same purpose and context.

    Raises:
        CannotDecrypt: no key of ours opens it.
    """
    sealed = bytes(sealed)
    for key in settings.SECRET_KEYS:
        if _key_id(key) != sealed[:1]:
            continue
        try:
            return _cipher(key, purpose).decrypt(
                sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], context
            )
        except (InvalidTag, ValueError):
            continue  # two keys may share their first byte
    raise CannotDecrypt(purpose)


def keyed_hash(purpose: str, text: str) -> bytes:
    """A hash to find a value by, which says nothing to those who lack the key: 33 bytes.

    Normalise the text first (capitals, white space): equal bytes give equal hashes.
    """
    return _hash(settings.SECRET_KEYS[0], purpose, text)


def keyed_hashes(purpose: str, text: str) -> list[bytes]:
    """The hashes under which a value may stand, the newest key's first; look up any of them."""
    return [_hash(key, purpose, text) for key in settings.SECRET_KEYS]


def _hash(key: bytes, purpose: str, text: str) -> bytes:
    derived = _derived(key, f"hash {purpose}")
    return _key_id(key) + hmac.digest(derived, text.encode(), "sha256")


def _key_id(key: bytes) -> bytes:
    return _derived(key, "key id")[:1]


@lru_cache(maxsize=512)
def _cipher(key: bytes, purpose: str) -> AESGCM:
    return AESGCM(_derived(key, f"encrypt {purpose}"))


@lru_cache(maxsize=512)
def _derived(key: bytes, use: str) -> bytes:
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"entrepot {use}".encode())
    return hkdf.derive(key)
