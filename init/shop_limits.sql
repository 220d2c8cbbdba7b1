-- What one person may take of the database shop. Applied by init as the superuser; safe to apply again.
-- A person is what the comment on their database users says (init/vault_people.py): the user id in Keycloak's realm.

CREATE SCHEMA IF NOT EXISTS limits;
REVOKE ALL ON SCHEMA limits FROM PUBLIC;
GRANT USAGE ON SCHEMA limits TO PUBLIC;

-- Sessions of people in this database, and of the example application's users; not Vault's, nor an administrator's.
CREATE OR REPLACE VIEW limits.sessions AS
    SELECT a.pid, a.xact_start,
           coalesce(shobj_description(a.usesysid, 'pg_authid'), 'role ' || a.usesysid) AS person
    FROM pg_stat_get_activity(NULL) AS a JOIN pg_roles AS r ON r.oid = a.usesysid
    WHERE a.datid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND NOT r.rolsuper AND NOT r.rolcreaterole AND r.rolname <> 'shop_limits';

-- Ends transactions that go on for longer than any call may, whoever's they are and whatever they have set.
CREATE OR REPLACE FUNCTION limits.end_overdue() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_terminate_backend(s.pid) FROM limits.sessions AS s
    WHERE s.xact_start < clock_timestamp() - interval '{longest} seconds' AND s.pid <> pg_backend_pid();
END $$;

-- Takes one of the person's places for statements, until the end of the transaction; false when all are taken.
-- Places are locks of this database, so they are counted over all sessions and all replicas of the MCP server.
-- sweep: end overdue transactions as well. Every call takes a place, so this is written to be quick.
-- quote_ident, because a role's name is read as an identifier (in lower case).
DROP FUNCTION IF EXISTS limits.take_place(integer);
CREATE OR REPLACE FUNCTION limits.take_place(places integer, sweep boolean) RETURNS boolean LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    me text;
BEGIN
    IF sweep THEN
        PERFORM limits.end_overdue();
    END IF;
    SELECT description INTO me FROM pg_shdescription
        WHERE objoid = quote_ident(session_user)::regrole AND classoid = 'pg_authid'::regclass;
    IF me IS NULL THEN
        me := 'role ' || session_user;
    END IF;
    FOR place IN 1..least(places, 100) LOOP
        IF pg_try_advisory_xact_lock(hashtextextended(me || ' place ' || place, 0)) THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;

-- Refuses a connection that goes beyond the person's, or beyond what people together may have. One after the other per
-- person; a session that still waits for its turn here has not been let in, and is not counted.
CREATE OR REPLACE FUNCTION limits.on_login() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
    me text := (SELECT person FROM limits.sessions WHERE pid = pg_backend_pid());
    turn bigint := hashtextextended(me || ' login', 0);
    mine integer;
    everybodys integer;
BEGIN
    IF me IS NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(turn);
    PERFORM pg_stat_clear_snapshot();  -- what was read above is from before the wait
    PERFORM limits.end_overdue();
    SELECT count(*) FILTER (WHERE s.person = me), count(*) INTO mine, everybodys FROM limits.sessions AS s
    WHERE s.pid <> pg_backend_pid() AND NOT EXISTS (
        SELECT FROM pg_lock_status() AS l WHERE l.pid = s.pid AND l.locktype = 'advisory' AND NOT l.granted);
    IF mine >= {connections} THEN
        RAISE EXCEPTION 'too many connections for one person' USING ERRCODE = '53300';
    ELSIF everybodys >= (SELECT datconnlimit - {reserved} FROM pg_database WHERE datname = current_database()) THEN
        RAISE EXCEPTION 'too many connections for people' USING ERRCODE = '53300';
    END IF;
END $$;

-- People change data here, never the database. Without this they could set default privileges for the roles that they
-- share with others (ALTER DEFAULT PRIVILEGES FOR ROLE …), which takes no more than having their rights.
CREATE OR REPLACE FUNCTION limits.on_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (SELECT FROM limits.sessions WHERE pid = pg_backend_pid()) THEN
        RAISE EXCEPTION 'permission denied: % changes the database itself', tg_tag USING ERRCODE = '42501';
    END IF;
END $$;

GRANT USAGE, CREATE ON SCHEMA limits TO shop_limits;
GRANT SELECT ON pg_roles, pg_shdescription TO shop_limits;
GRANT EXECUTE ON FUNCTION pg_try_advisory_xact_lock(bigint), pg_advisory_xact_lock(bigint), pg_lock_status(),
    pg_stat_get_activity(integer) TO shop_limits;
ALTER VIEW limits.sessions OWNER TO shop_limits;
ALTER FUNCTION limits.end_overdue() OWNER TO shop_limits;
ALTER FUNCTION limits.take_place(integer, boolean) OWNER TO shop_limits;
ALTER FUNCTION limits.on_login() OWNER TO shop_limits;
ALTER FUNCTION limits.on_ddl() OWNER TO shop_limits;
REVOKE CREATE ON SCHEMA limits FROM shop_limits;
REVOKE ALL ON FUNCTION limits.end_overdue(), limits.on_login(), limits.on_ddl() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION limits.take_place(integer, boolean) TO PUBLIC;

DROP EVENT TRIGGER IF EXISTS limit_logins;
CREATE EVENT TRIGGER limit_logins ON login EXECUTE FUNCTION limits.on_login();
DROP EVENT TRIGGER IF EXISTS limit_ddl;
CREATE EVENT TRIGGER limit_ddl ON ddl_command_start EXECUTE FUNCTION limits.on_ddl();
