"""A cluster told from one of its hosts, as an inventory in the making."""
