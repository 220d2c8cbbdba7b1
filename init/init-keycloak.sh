#!/usr/bin/env bash
# A workshop's step by step: provisions Keycloak of the running demo, alone. Arguments go to `./demo init`.
set -euo pipefail
exec "$(dirname "$0")/../demo" init --only keycloak "$@"
