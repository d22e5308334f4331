"""The `entrepot` command, one module per group of commands."""
