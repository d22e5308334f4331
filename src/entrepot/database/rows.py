"""Rows that belong to a merchant, and the migration operations that keep merchants apart.

Every table either is scoped by row-level security or stands in `EXEMPT_TABLES` with its reason; a
test walks the database's catalogue and accepts nothing else.
"""

from collections.abc import Iterable, Sequence

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState

from entrepot.database.roles import app_role, system_role

# Tables without a merchant: table -> why any role of the hub may see all of its rows.
EXEMPT_TABLES: dict[str, str] = {
    "access_user": "a person may belong to several merchants and signs in before one is chosen",
    "access_user_groups": "belongs to access_user",
    "access_user_user_permissions": "belongs to access_user",
    "auth_group": "names of permission sets, the same for all",
    "auth_group_permissions": "names of permission sets, the same for all",
    "auth_permission": "Django's list of model permissions",
    "axes_accessattempt": "failed sign-ins are counted before anybody is known",
    "axes_accessattemptexpiration": "failed sign-ins are counted before anybody is known",
    "axes_accessfailurelog": "failed sign-ins are counted before anybody is known",
    "axes_accesslog": "sign-ins are logged before a merchant is chosen",
    "django_admin_log": "written by Django's admin for a person, not for a merchant",
    "django_content_type": "Django's list of models",
    "django_migrations": "Django's list of applied migrations",
    "django_session": "a session exists before a merchant is chosen",
    "monitoring_installation": "the one row that tells this installation from its copies",
    "otp_static_staticdevice": "second factor of a person",
    "otp_static_statictoken": "second factor of a person",
    "otp_totp_totpdevice": "second factor of a person",
    "pgqueuer": "the job engine's table: ids and plain values only, never personal data",
    "pgqueuer_log": "the job engine's log",
    "pgqueuer_schedules": "the job engine's own schedules; unused",
    "pgqueuer_statistics": "the job engine's counters",
    "tasks_schedule": "the hub's own clockwork",
    "tracking_page_look_up": "look-ups are counted before an order is found, by keyed hashes",
    "tasks_worker": "which worker processes are alive",
}


class Mode(models.TextChoices):
    """The canon's live and test, as the choices of a column."""

    LIVE = "live"
    TEST = "test"


def one_of(column: str, values: Iterable[str], *, name: str) -> models.CheckConstraint:
    """A check that a column holds one of the words, so that no other program writes a new one."""
    return models.CheckConstraint(condition=models.Q(**{f"{column}__in": list(values)}), name=name)


class MerchantRow(models.Model):
    """A row of one merchant.

    The column is a plain number: links between rooms are composite foreign keys made by
    `LinkRows`, and the policy made by `ScopeRows` decides who sees the row.
    """

    merchant_id = models.BigIntegerField()

    class Meta:
        abstract = True


class ScopeRows(Operation):
    """Put a table under forced row-level security.

    The app role sees and writes the rows of the merchant whose scope is open, and nothing without a
    scope; the system role and the owner (migrations) see all rows. `column` names the merchant's
    id, for the merchant's own table that is its key.
    """

    category = OperationCategory.ALTERATION
    reversible = True
    reduces_to_sql = True

    def __init__(self, table: str, column: str = "merchant_id") -> None:
        self.table = table
        self.column = column

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: policies are not part of a model."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for statement in scope_statements(schema_editor, self.table, self.column):
            schema_editor.execute(statement)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = schema_editor.quote_name(self.table)
        for policy in ("merchant_of_scope", "system_sees_all", "owner_sees_all"):
            schema_editor.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
        schema_editor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        schema_editor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")

    def describe(self) -> str:
        return f"Scope rows of {self.table} to their merchant"


def scope_statements(
    schema_editor: BaseDatabaseSchemaEditor, table: str, column: str = "merchant_id"
) -> list[str]:
    """The statements that `ScopeRows` runs, for tables that are made by hand (partitions)."""
    quote = schema_editor.quote_name
    rule = f"{quote(column)} = nullif(current_setting('entrepot.merchant', true), '')::bigint"
    table, app, system = quote(table), quote(app_role()), quote(system_role())
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY merchant_of_scope ON {table} TO {app} USING ({rule}) WITH CHECK ({rule})",
        f"CREATE POLICY system_sees_all ON {table} TO {system} USING (true) WITH CHECK (true)",
        f"CREATE POLICY owner_sees_all ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)",
    ]


class LinkRows(Operation):
    """Link two tables of a merchant so that a reference can never cross merchants.

    Makes the foreign key (merchant_id, *also, column) -> target (merchant_id, *also, id), and on
    the target the unique constraint which that needs, when it is absent. `also=("mode",)` keeps
    live and test apart. The model declares the column itself, with `db_constraint=False` where it
    is a ForeignKey. `on_delete` is NO ACTION, CASCADE or SET NULL (which empties only `column`).
    """

    category = OperationCategory.ALTERATION
    reversible = True
    reduces_to_sql = True

    def __init__(
        self,
        table: str,
        column: str,
        target_table: str,
        *,
        on_delete: str = "NO ACTION",
        also: Sequence[str] = (),
        target_column: str = "id",
    ) -> None:
        if on_delete not in {"NO ACTION", "CASCADE", "SET NULL"}:
            raise ValueError(f"LinkRows {table}.{column}: on_delete {on_delete!r} is not supported")
        self.table = table
        self.column = column
        self.target_table = target_table
        self.on_delete = on_delete
        self.also = tuple(also)
        self.target_column = target_column

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: the constraint is not part of a model."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        quote = schema_editor.quote_name
        here = ", ".join(quote(name) for name in ("merchant_id", *self.also, self.column))
        there = ("merchant_id", *self.also, self.target_column)
        schema_editor.execute(self._unique_unless_present(there), params=None)
        on_delete = self.on_delete
        if on_delete == "SET NULL":
            on_delete = f"SET NULL ({quote(self.column)})"
        schema_editor.execute(
            f"ALTER TABLE {quote(self.table)} ADD CONSTRAINT {quote(self._name)}"
            f" FOREIGN KEY ({here}) REFERENCES {quote(self.target_table)}"
            f" ({', '.join(quote(name) for name in there)}) ON DELETE {on_delete}",
            params=None,
        )

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        # The target's unique constraint stays: another link may lean on it.
        quote = schema_editor.quote_name
        schema_editor.execute(
            f"ALTER TABLE {quote(self.table)} DROP CONSTRAINT IF EXISTS {quote(self._name)}"
        )

    def describe(self) -> str:
        return f"Link {self.table}.{self.column} to {self.target_table} of the same merchant"

    @property
    def _name(self) -> str:
        return f"{self.table}_{self.column}_link"[:63]

    def _unique_unless_present(self, columns: Sequence[str]) -> str:
        name = f"{self.target_table}_{'_'.join(columns)}_key"[:63]
        listed = ", ".join(f'"{column}"' for column in columns)
        return f"""
            DO $$ BEGIN
                IF NOT EXISTS (
                    SELECT FROM pg_constraint
                    WHERE conrelid = '"{self.target_table}"'::regclass AND conname = '{name}'
                ) THEN
                    ALTER TABLE "{self.target_table}"
                    ADD CONSTRAINT "{name}" UNIQUE ({listed});
                END IF;
            END $$
        """
