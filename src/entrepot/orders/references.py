"""Names of orders that are easy to read aloud: opaque public ones, and numbers of our own."""

import base64
import hashlib
import secrets

# Crockford's alphabet without the letters that are taken for digits or for each other.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
NUMBER_LENGTH = 8
_FROM_RFC_4648 = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ALPHABET.encode())


def new_reference() -> str:
    """Sixteen characters, 80 bits: what links and the REST interface call an order."""
    drawn = base64.b32encode(secrets.token_bytes(LENGTH * 5 // 8))
    return drawn.translate(_FROM_RFC_4648).decode()


def own_number(*, account: str, mode: str, external_id: str) -> str:
    """What people call an order whose source gives it no number: "E-7KQ2MD4B".

    It follows from the sale's identity alone, so every hub that knows the sale calls it the same.
    """
    identity = f"{account}\x1f{mode}\x1f{external_id}".encode()
    value = int.from_bytes(hashlib.sha256(identity).digest())
    letters = (ALPHABET[value >> 5 * place & 31] for place in range(NUMBER_LENGTH))
    return f"E-{''.join(letters)}"
