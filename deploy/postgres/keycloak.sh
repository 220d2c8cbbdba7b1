#!/bin/sh
# Makes Keycloak's role and database when the cluster is new. PostgreSQL's image runs this once.
set -eu
if [ "${PROFILE:-demo}" != demo ] && { [ "$KEYCLOAK_DB_PASSWORD" = keycloak ] || [ "${#KEYCLOAK_DB_PASSWORD}" -lt 16 ]; }; then
    echo "KEYCLOAK_DB_PASSWORD holds the demo's value or has fewer than 16 characters: give one of your own." >&2
    exit 1
fi
psql --no-psqlrc --set ON_ERROR_STOP=1 --set password="$KEYCLOAK_DB_PASSWORD" --username "$POSTGRES_USER" <<'SQL'
CREATE ROLE keycloak LOGIN PASSWORD :'password';
CREATE DATABASE keycloak OWNER keycloak;
REVOKE CONNECT ON DATABASE keycloak FROM PUBLIC;
SQL
