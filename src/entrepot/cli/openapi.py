"""`entrepot openapi`: the description of the interfaces that programs call."""

from pathlib import Path

import click

from entrepot.cli.hub import set_up_django


@click.command()
@click.option("--write", "path", type=click.Path(dir_okay=False, path_type=Path), help="To a file.")
@click.option(
    "--documented", is_flag=True, help="Of the documented paths below /api, not of /api/v1."
)
def openapi(*, path: Path | None, documented: bool) -> None:
    """Print the OpenAPI description of an interface, or write it to a file."""
    set_up_django()
    from entrepot.api.description import (  # noqa: PLC0415 -- Django app not ready
        Described,
        openapi_text,
    )

    text = openapi_text(Described.DOCUMENTED if documented else Described.V1)
    if path is None:
        click.echo(text, nl=False)
    else:
        path.write_text(text)
        click.echo(f"wrote {path}", err=True)
