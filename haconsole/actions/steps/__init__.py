"""Steps that several actions are made of."""
