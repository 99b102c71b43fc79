"""Certificates and keys by the rules of X.509: CAs, requests, leaf certificates, expiry. No input or output."""
