"""Other people's words, made so that they can be kept."""


def keepable(text: str) -> str:
    """The text as PostgreSQL can keep it: without NUL characters and halves of surrogates."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
