"""One module per fact family: the query of a host, and a pure parser of the answer."""
