"""Opaque public names of orders: unguessable, easy to read aloud."""

import secrets

# Crockford's alphabet without the letters that are taken for digits or for each other.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16


def new_reference() -> str:
    """Sixteen characters, 80 bits: what links and the REST interface call an order."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
