"""What balancers run and how they are set up."""
