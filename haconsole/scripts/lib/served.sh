#!/bin/sh
# shown ADDRESS:PORT prints the fingerprint of the certificate presented there; serves ADDRESS:PORT FILE compares it
# with the file's.
shown() { timeout 4 openssl s_client -connect "$1" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256; }
serves() { presented=$(shown "$1" 2>/dev/null) && [ "$presented" = "$(openssl x509 -in "$2" -noout -fingerprint -sha256)" ]; }
