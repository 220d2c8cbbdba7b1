#!/bin/sh
# Makes Keycloak's role and database when the cluster is new. PostgreSQL's image runs this once.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --set password="$KEYCLOAK_DB_PASSWORD" --username "$POSTGRES_USER" <<'SQL'
CREATE ROLE keycloak LOGIN PASSWORD :'password';
CREATE DATABASE keycloak OWNER keycloak;
REVOKE CONNECT ON DATABASE keycloak FROM PUBLIC;
SQL
