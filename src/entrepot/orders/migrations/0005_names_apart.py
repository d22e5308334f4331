"""Keep customers' names apart from identifiers, so that who may not see them cannot search them.

A term without a figure that is not the order's own number or id is taken for a name, and so is
each word of the names that are known now. An identifier that is taken for one is still found by
those who may see customers, and by everybody once its order is told again.
"""

from django.db import migrations

_APART = """
    UPDATE search_term AS term SET kind = 'name'
    FROM orders_order AS o
    LEFT JOIN customers_customer AS c ON c.id = o.customer_id
    LEFT JOIN customers_postal_address AS a ON a.id = o.typed_address_id
    WHERE term.kind = 'order'
        AND o.id = term.object_id
        AND term.term NOT IN (
            lower(o.number), lower(o.external_id), lower(o.checkout_reference)
        )
        AND (
            term.term !~ '[0-9]'
            OR term.term IN (lower(c.name), lower(a.name))
            OR term.term = ANY (regexp_split_to_array(lower(c.name), '\\s+'))
            OR term.term = ANY (regexp_split_to_array(lower(a.name), '\\s+'))
        )
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_customers"), ("orders", "0004_terms_without_groups")]

    operations = [
        # Not taken back: older code finds fewer words and shows no name to anybody.
        migrations.RunSQL(_APART, migrations.RunSQL.noop),
    ]
