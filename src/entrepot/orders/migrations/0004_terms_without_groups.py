"""Let identifiers that were kept in groups be found without them, as new ones are."""

from django.db import migrations

_KEEP_UNPARTED = """
    INSERT INTO search_term (merchant_id, mode, term, kind, object_id)
    SELECT merchant_id, mode, whole, kind, object_id
    FROM (
        SELECT *, translate(term, ' .-\u2010\u2012\u2013\u2014', '') AS whole
        FROM search_term
        WHERE term ~ '[0-9]'
    ) AS known
    WHERE whole <> term AND length(whole) >= 8
    ON CONFLICT (merchant_id, term, kind, object_id) DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_fewer_indexes")]

    operations = [
        # Not taken back: more terms lead to the same orders, and older code reads them as well.
        migrations.RunSQL(_KEEP_UNPARTED, migrations.RunSQL.noop),
    ]
