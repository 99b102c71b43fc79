"""All knowledge about a cluster as frozen values: standard library only, no input or output."""
