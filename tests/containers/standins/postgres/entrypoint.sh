#!/bin/bash
# A new cluster gets its superuser's password and its scripts while it serves a socket file only; then the server starts.
set -euo pipefail
if [ "$(id -u)" = 0 ]; then
    install -d -o postgres -m 0700 "$PGDATA"
    exec gosu postgres "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    : "${POSTGRES_PASSWORD:?}" "${POSTGRES_USER:=postgres}"
    initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --pwfile=<(echo "$POSTGRES_PASSWORD") --auth-local=scram-sha-256
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
    pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses= -c unix_socket_directories=/tmp" --wait start
    for script in /docker-entrypoint-initdb.d/*.sh; do
        PGHOST=/tmp PGPASSWORD=$POSTGRES_PASSWORD POSTGRES_USER=$POSTGRES_USER sh "$script"
    done
    pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
fi
exec "$@" -c unix_socket_directories=/tmp
