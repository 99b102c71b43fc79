"""Everything known of a cluster: frozen values, standard library only, no input or output."""
