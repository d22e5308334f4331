"""`entrepot migrate`: bring the database up to date."""

import click

from entrepot.cli.hub import open_database


@click.command()
@click.option("--quiet", is_flag=True, help="Say nothing when all is well.")
def migrate(*, quiet: bool) -> None:
    """Make the database's roles and apply every migration that is missing.

    Several nodes may run it at once: one works, the others wait and find nothing to do.
    """
    with open_database():
        from entrepot.database.migrate import migrate_database  # noqa: PLC0415 -- app not ready

        migrate_database(verbosity=0 if quiet else 1)
    if not quiet:
        click.echo("The database is up to date.")
