"""`entrepot openapi`: the description of the REST interface."""

from pathlib import Path

import click

from entrepot.cli.hub import set_up_django


@click.command()
@click.option("--write", "path", type=click.Path(dir_okay=False, path_type=Path), help="To a file.")
def openapi(*, path: Path | None) -> None:
    """Print the OpenAPI description of /api/v1, or write it to a file."""
    set_up_django()
    from entrepot.api.description import openapi_text  # noqa: PLC0415 -- Django app not ready

    if path is None:
        click.echo(openapi_text(), nl=False)
    else:
        path.write_text(openapi_text())
        click.echo(f"wrote {path}", err=True)
