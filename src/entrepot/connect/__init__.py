"""The connector kit: everything a platform folder may lean on."""
