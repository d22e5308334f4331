"""Other people's words, made so that they can be kept."""

import re

# An escaped backslash, a whole pair of surrogates, or an escape of what cannot be kept.
_ESCAPED = re.compile(
    rb"\\\\"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u0000|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def keepable(text: str) -> str:
    """The text as PostgreSQL can keep it: without NUL characters and halves of surrogates."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def keepable_json(body: bytes) -> bytes:
    """The JSON with each of its texts as PostgreSQL can keep it, like `keepable`."""
    if b"\\u" not in body:
        return body
    return _ESCAPED.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
