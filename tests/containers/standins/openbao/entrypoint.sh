#!/bin/sh
set -eu
ulimit -c 0
echo "$BAO_LOCAL_CONFIG" >/openbao/config/local.json
exec bao "$1" -config=/openbao/config
