"""The services of balancers and their configuration."""
