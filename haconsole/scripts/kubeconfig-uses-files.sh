#!/bin/sh
# Fails unless the kubeconfig names the certificate and key files.
# usage: kubeconfig-uses-files KUBECONFIG CERTIFICATE KEY
grep -q "^[- ]*client-certificate: $2\$" -- "$1" && grep -q "^[- ]*client-key: $3\$" -- "$1"
