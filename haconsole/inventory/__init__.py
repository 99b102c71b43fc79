"""The inventory file: the desired cluster, written by a person, validated before it is used."""
