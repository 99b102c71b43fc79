"""The output of `--json`: typed shapes, each with a schema name, and pure functions that fill them."""
