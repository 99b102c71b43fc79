"""One module per fact family: what is asked of a host, and a pure parser of the answer."""
