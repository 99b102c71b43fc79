"""CAs and certificates, read and issued on hosts."""
