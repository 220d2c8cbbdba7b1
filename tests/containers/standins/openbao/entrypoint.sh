#!/bin/sh
set -eu
ulimit -c 0
echo "$BAO_LOCAL_CONFIG" >/openbao/config/local.json
shift
exec bao server -config=/openbao/config "$@"
