"""What people bring with a form: a file, or pasted text."""

from entrepot.dashboard.visit import PageRequest
from entrepot.intake.tables import BadFile, text_in


def text_of(request: PageRequest, *, most_megabytes: int) -> str:
    """The text of the field `file`, else of the field `text`.

    Raises:
        BadFile: there is none, or it is too large or no text.
    """
    upload = request.FILES.get("file")
    if upload is None:
        body = str(request.POST.get("text", "")).encode()
    elif upload.size is None or upload.size > most_megabytes * 1024 * 1024:
        raise BadFile(f"The file is larger than {most_megabytes} MB: split it.")
    else:
        body = upload.read()
    text = text_in(body)
    if not text:
        raise BadFile("Choose a file, or paste its rows.")
    return text
