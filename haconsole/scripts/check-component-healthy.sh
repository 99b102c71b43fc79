#!/bin/sh
# Fails unless /healthz at 127.0.0.1:PORT answers 200.
# usage: check-component-healthy PORT
printf 'GET /healthz HTTP/1.0\r\n\r\n' |
  timeout 5 openssl s_client -quiet -connect "127.0.0.1:$1" 2>/dev/null | grep -q '^HTTP/1.0 200'
