"""Pure X.509: authorities, requests, leaves, expiry, SAN comparison."""
