"""Pure renderers of the files that land on hosts."""
