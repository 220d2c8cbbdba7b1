-- What every replica must know, in database mcp_state. Applied by init as the role mcp_state; safe to apply again.
-- Times come from the database's clock: it is the one clock that all replicas share.

-- Keycloak sessions that are over: a token with such a `sid`, of a sign-in before `ended_at`, is refused although its
-- signature is good. Kept for longer than an offline session can live (state/endings.py).
CREATE TABLE IF NOT EXISTS ended_sessions (
    sid        text PRIMARY KEY,
    sub        text NOT NULL,
    ended_at   timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS ended_sessions_expires_at ON ended_sessions (expires_at);

-- The app's sessions: `id_hash` is the SHA-256 of the cookie, `data` is encrypted with a key that is not in here.
CREATE TABLE IF NOT EXISTS app_sessions (
    id_hash    bytea PRIMARY KEY,
    data       bytea NOT NULL,
    sid        text NOT NULL,
    sub        text NOT NULL,
    expires_at timestamptz NOT NULL
);
ALTER TABLE app_sessions ADD COLUMN IF NOT EXISTS username text NOT NULL DEFAULT '';
CREATE INDEX IF NOT EXISTS app_sessions_sid ON app_sessions (sid);
CREATE INDEX IF NOT EXISTS app_sessions_expires_at ON app_sessions (expires_at);

-- Sign-ins that were finished, so that each is good once: `id_hash` is the SHA-256 of its `state`; `data` is empty.
CREATE TABLE IF NOT EXISTS pending_logins (
    id_hash    bytea PRIMARY KEY,
    data       bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS pending_logins_expires_at ON pending_logins (expires_at);

-- MCP servers that an administrator has stopped.
CREATE TABLE IF NOT EXISTS suspensions (
    server       text PRIMARY KEY,
    reason       text NOT NULL DEFAULT '',
    suspended_at timestamptz NOT NULL DEFAULT now()
);

-- People and clients that an administrator has stopped at every server, by their issuer and their id there.
CREATE TABLE IF NOT EXISTS suspended_principals (
    kind         text NOT NULL CHECK (kind IN ('person', 'client')),
    iss          text NOT NULL,
    id           text NOT NULL,
    name         text NOT NULL DEFAULT '',
    reason       text NOT NULL DEFAULT '',
    suspended_by text NOT NULL DEFAULT '',
    suspended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (kind, iss, id)
);

-- Accessors (never tokens) of the Vault tokens that servers hold, so that those of a killed replica can be ended.
CREATE TABLE IF NOT EXISTS vault_tokens (
    accessor   text PRIMARY KEY,
    server     text NOT NULL,
    sub        text NOT NULL,
    sid        text NOT NULL,
    expires_at timestamptz NOT NULL
);
-- The replica that holds it, which shows that it lives by a shared advisory lock of this number.
ALTER TABLE vault_tokens ADD COLUMN IF NOT EXISTS holder integer NOT NULL DEFAULT 0;
ALTER TABLE vault_tokens ADD COLUMN IF NOT EXISTS username text NOT NULL DEFAULT '';
ALTER TABLE vault_tokens ADD COLUMN IF NOT EXISTS client text NOT NULL DEFAULT '';
ALTER TABLE vault_tokens ADD COLUMN IF NOT EXISTS registered_at timestamptz NOT NULL DEFAULT clock_timestamp();
CREATE INDEX IF NOT EXISTS vault_tokens_sid ON vault_tokens (sid);
CREATE INDEX IF NOT EXISTS vault_tokens_expires_at ON vault_tokens (expires_at);

-- Agents' tokens that were revoked before their end, by `jti`.
CREATE TABLE IF NOT EXISTS revoked_tokens (
    jti        text PRIMARY KEY,
    sub        text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS revoked_tokens_expires_at ON revoked_tokens (expires_at);

-- What agents were told to do, and what they reported. A command is reported on once.
CREATE TABLE IF NOT EXISTS agent_commands (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    agent       text NOT NULL,
    command     text NOT NULL,
    parameters  jsonb NOT NULL DEFAULT '{}',
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    status      text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'completed', 'failed')),
    result      jsonb,
    finished_at timestamptz
);
CREATE INDEX IF NOT EXISTS agent_commands_pending ON agent_commands (agent, created_at) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS agent_commands_finished ON agent_commands (finished_at) WHERE status <> 'pending';

-- Traces that people share with the room, one per person and call; encrypted like sessions, gone with the session.
CREATE TABLE IF NOT EXISTS shared_traces (
    sub        text NOT NULL,
    call       text NOT NULL,
    sid        text NOT NULL,
    username   text NOT NULL,
    data       bytea NOT NULL,
    shared_at  timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (sub, call)
);
CREATE INDEX IF NOT EXISTS shared_traces_call ON shared_traces (call, shared_at);
CREATE INDEX IF NOT EXISTS shared_traces_sid ON shared_traces (sid);
CREATE INDEX IF NOT EXISTS shared_traces_expires_at ON shared_traces (expires_at);

-- How far each person is in the workshop: `kept` is what an exercise of two parts saw in its first. No secrets.
CREATE TABLE IF NOT EXISTS workshop_progress (
    sub        text NOT NULL,
    exercise   text NOT NULL,
    username   text NOT NULL,
    kept       jsonb NOT NULL DEFAULT '{}',
    done_at    timestamptz,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (sub, exercise)
);
-- Checks that failed since the last one that did not, when the last did, and what the person was told then.
ALTER TABLE workshop_progress ADD COLUMN IF NOT EXISTS tries integer NOT NULL DEFAULT 0;
ALTER TABLE workshop_progress ADD COLUMN IF NOT EXISTS failed_at timestamptz;
ALTER TABLE workshop_progress ADD COLUMN IF NOT EXISTS said text NOT NULL DEFAULT '';
CREATE INDEX IF NOT EXISTS workshop_progress_expires_at ON workshop_progress (expires_at);

-- What the facilitator shows everybody: one row.
CREATE TABLE IF NOT EXISTS workshop_board (
    id         boolean PRIMARY KEY DEFAULT true CHECK (id),
    ends_at    timestamptz,
    answers    text[] NOT NULL DEFAULT '{}'
);

-- Calls that wait for a person's yes, and what was said. `binding` is the SHA-256 of who asks for what, to the letter;
-- an id alone opens nothing. `facts` is what the person is shown, and goes as soon as the approval is used or refused.
CREATE TABLE IF NOT EXISTS approvals (
    id         text PRIMARY KEY,
    binding    bytea NOT NULL,
    way        text NOT NULL CHECK (way IN ('form', 'link')),
    server     text NOT NULL,
    tool       text NOT NULL,
    sub        text NOT NULL,
    sid        text NOT NULL,
    facts      jsonb NOT NULL,
    login_age  integer NOT NULL DEFAULT 0,
    status     text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'refused', 'used')),
    asked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_at timestamptz,
    expires_at timestamptz NOT NULL
);
-- The level of sign-in (`acr`) that a yes needs, and the one it was given by.
ALTER TABLE approvals ADD COLUMN IF NOT EXISTS acr text NOT NULL DEFAULT '';
ALTER TABLE approvals ADD COLUMN IF NOT EXISTS given_acr text NOT NULL DEFAULT '';
CREATE INDEX IF NOT EXISTS approvals_binding ON approvals (binding);
CREATE INDEX IF NOT EXISTS approvals_sub ON approvals (sub, asked_at);
CREATE INDEX IF NOT EXISTS approvals_sid ON approvals (sid);
CREATE INDEX IF NOT EXISTS approvals_expires_at ON approvals (expires_at);

-- What people had typed when their session ended, for their next sign-in: `owner` is the SHA-256 of issuer and user id,
-- `data` is encrypted. One per person, handed out once.
CREATE TABLE IF NOT EXISTS drafts (
    owner      bytea PRIMARY KEY,
    data       bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS drafts_expires_at ON drafts (expires_at);

-- Work that one replica of a server does at a time, such as refreshing one person's connection to a provider.
CREATE TABLE IF NOT EXISTS turns (
    server     text NOT NULL,
    name       text NOT NULL,
    holder     bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (server, name)
);

-- Links by which a person connects an account of theirs: made by an MCP server, used once, by that person, in the app.
CREATE TABLE IF NOT EXISTS account_requests (
    id         text PRIMARY KEY,
    server     text NOT NULL,
    sub        text NOT NULL,
    sid        text NOT NULL,
    provider   text NOT NULL,
    tool       text NOT NULL,
    client     text NOT NULL,
    writing    boolean NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS account_requests_sub ON account_requests (sub, expires_at);

-- How many calls of the minute `window_at` (minutes since the epoch) were handed out, by key: a person, a client, a tool.
-- `part` is what the last replica that asked was given.
CREATE TABLE IF NOT EXISTS quota_windows (
    server     text NOT NULL,
    key        text NOT NULL,
    window_at  bigint NOT NULL,
    quota      integer NOT NULL,
    taken      integer NOT NULL,
    part       integer NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (server, key)
);
CREATE INDEX IF NOT EXISTS quota_windows_expires_at ON quota_windows (expires_at);

-- Room for calls at once that each replica holds; that of one which lives no more counts no more.
CREATE TABLE IF NOT EXISTS quota_slots (
    server     text NOT NULL,
    key        text NOT NULL,
    holder     integer NOT NULL,
    held       integer NOT NULL,
    part       integer NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (server, key, holder)
);
CREATE INDEX IF NOT EXISTS quota_slots_expires_at ON quota_slots (expires_at);

-- Quotas that an administrator set for a person or a client, instead of the servers' own.
CREATE TABLE IF NOT EXISTS quota_overrides (
    kind       text NOT NULL CHECK (kind IN ('person', 'client')),
    iss        text NOT NULL,
    id         text NOT NULL,
    per_minute integer NOT NULL CHECK (per_minute >= 0),
    at_once    integer NOT NULL CHECK (at_once >= 0),
    name       text NOT NULL DEFAULT '',
    set_by     text NOT NULL DEFAULT '',
    set_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (kind, iss, id)
);

-- Who did what: one row an action, in the order of writing. `body` is JSON to the letter; `hash` is the SHA-256 of the hash
-- before and of `body`, so that a row that is changed, taken out or put elsewhere does not fit its neighbours. The other
-- columns are made of `body` and cannot say anything else.
DROP TABLE IF EXISTS suspension_log;
CREATE TABLE IF NOT EXISTS audit_trail (
    seq            bigint PRIMARY KEY,
    body           text NOT NULL,
    hash           bytea NOT NULL,
    written_at     float8 NOT NULL GENERATED ALWAYS AS ((body::jsonb ->> 'written_at')::float8) STORED,
    writer         text NOT NULL GENERATED ALWAYS AS (body::jsonb ->> 'writer') STORED,
    process        text NOT NULL GENERATED ALWAYS AS (body::jsonb ->> 'process') STORED,
    number         bigint NOT NULL GENERATED ALWAYS AS ((body::jsonb ->> 'number')::bigint) STORED,
    iss            text GENERATED ALWAYS AS (body::jsonb ->> 'iss') STORED,
    sub            text GENERATED ALWAYS AS (body::jsonb ->> 'sub') STORED,
    person         text GENERATED ALWAYS AS (body::jsonb ->> 'person') STORED,
    correlation_id text GENERATED ALWAYS AS (body::jsonb ->> 'correlation_id') STORED
);
-- The trace (OpenTelemetry) that the action was a part of: a client may bring one whose id is not the correlation id.
ALTER TABLE audit_trail ADD COLUMN IF NOT EXISTS
    trace_id text GENERATED ALWAYS AS (body::jsonb ->> 'trace_id') STORED;
CREATE INDEX IF NOT EXISTS audit_trail_trace_id ON audit_trail (trace_id);
CREATE UNIQUE INDEX IF NOT EXISTS audit_trail_written_once ON audit_trail (writer, process, number);
CREATE INDEX IF NOT EXISTS audit_trail_written_at ON audit_trail (written_at);
CREATE INDEX IF NOT EXISTS audit_trail_sub ON audit_trail (sub, seq);
CREATE INDEX IF NOT EXISTS audit_trail_person ON audit_trail (person, seq);
CREATE INDEX IF NOT EXISTS audit_trail_correlation_id ON audit_trail (correlation_id);

-- Both ends of the chain: its last row, and the last one that was pruned, from which the rest goes on. `keep_days`: after
-- how many days a row is pruned; init sets it.
CREATE TABLE IF NOT EXISTS audit_head (
    only_one    boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    seq         bigint NOT NULL DEFAULT 0,
    hash        bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    pruned_seq  bigint NOT NULL DEFAULT 0,
    pruned_hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    keep_days   integer NOT NULL DEFAULT 90 CHECK (keep_days >= 0)
);
-- Only where the chain has not begun: a head that somebody removed must not come back as an empty one.
INSERT INTO audit_head (only_one) SELECT true WHERE NOT EXISTS (SELECT FROM audit_trail) ON CONFLICT DO NOTHING;

-- The one way in for writers, who may do nothing else with these tables. The row says by itself which account wrote it;
-- what an account sent before (`process` and `number`) is not written again. Returns the chain's head. Writers take turns
-- and wait two seconds at most, so that one that keeps the turn to itself does not hold the others for longer.
CREATE OR REPLACE FUNCTION audit_append(entries jsonb) RETURNS TABLE (last_seq bigint, last_hash bytea)
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '2s' AS $$
DECLARE
    head audit_head;
    entry jsonb;
    said text;
BEGIN
    IF jsonb_typeof(entries) <> 'array' OR jsonb_array_length(entries) > 100 OR octet_length(entries::text) > 2000000 THEN
        RAISE EXCEPTION 'up to 100 entries, of 2 MB in all, are appended at once';
    END IF;
    SELECT * INTO STRICT head FROM audit_head FOR UPDATE;
    FOR entry IN SELECT value FROM jsonb_array_elements(entries) WITH ORDINALITY ORDER BY ordinality LOOP
        CONTINUE WHEN EXISTS (
            SELECT FROM audit_trail WHERE writer = session_user
            AND process = entry ->> 'process' AND number = (entry ->> 'number')::bigint);
        head.seq := head.seq + 1;
        said := (entry || jsonb_build_object(
            'seq', head.seq, 'writer', session_user, 'written_at', extract(epoch FROM clock_timestamp())::float8))::text;
        head.hash := sha256(head.hash || convert_to(said, 'UTF8'));
        INSERT INTO audit_trail (seq, body, hash) VALUES (head.seq, said, head.hash);
    END LOOP;
    UPDATE audit_head SET seq = head.seq, hash = head.hash;
    RETURN QUERY SELECT head.seq, head.hash;
END $$;

-- Deletes what is older than `keep_days`, from the chain's beginning on, and keeps where the rest begins. Returns how many
-- rows went. Whoever calls it decides nothing.
CREATE OR REPLACE FUNCTION audit_prune() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '2s' AS $$
DECLARE
    head audit_head;
    last audit_trail;
    gone bigint;
BEGIN
    SELECT * INTO STRICT head FROM audit_head FOR UPDATE;
    SELECT * INTO last FROM audit_trail WHERE seq < coalesce((
        SELECT seq FROM audit_trail WHERE written_at >= extract(epoch FROM now()) - head.keep_days * 86400.0
        ORDER BY seq LIMIT 1), head.seq + 1) ORDER BY seq DESC LIMIT 1;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    UPDATE audit_head SET pruned_seq = last.seq, pruned_hash = last.hash;
    DELETE FROM audit_trail WHERE seq <= last.seq;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END $$;
REVOKE ALL ON FUNCTION audit_append(jsonb), audit_prune() FROM PUBLIC;
-- They run with their owner's rights: whatever the caller's search path is, they find these tables and no others.
DO $$
DECLARE path text := ' SET search_path = ' || quote_ident(current_schema()) || ', pg_temp';
BEGIN
    EXECUTE 'ALTER FUNCTION audit_append(jsonb)' || path;
    EXECUTE 'ALTER FUNCTION audit_prune()' || path;
END $$;

-- Announced by the tables themselves, so that no writer can forget to: at commit, every listener hears it.
CREATE OR REPLACE FUNCTION announce_state_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'ended_sessions' THEN
        PERFORM pg_notify('mcp_state', json_build_object('ended', NEW.sid, 'at', extract(epoch FROM NEW.ended_at))::text);
    ELSIF TG_TABLE_NAME = 'revoked_tokens' THEN
        PERFORM pg_notify('mcp_state', json_build_object('revoked', NEW.jti)::text);
    ELSE
        PERFORM pg_notify('mcp_state', json_build_object('suspensions', true)::text);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER announce_ended AFTER INSERT OR UPDATE ON ended_sessions
    FOR EACH ROW EXECUTE FUNCTION announce_state_change();
CREATE OR REPLACE TRIGGER announce_suspensions AFTER INSERT OR UPDATE OR DELETE ON suspensions
    FOR EACH ROW EXECUTE FUNCTION announce_state_change();
CREATE OR REPLACE TRIGGER announce_principals AFTER INSERT OR UPDATE OR DELETE ON suspended_principals
    FOR EACH ROW EXECUTE FUNCTION announce_state_change();
CREATE OR REPLACE TRIGGER announce_overrides AFTER INSERT OR UPDATE OR DELETE ON quota_overrides
    FOR EACH ROW EXECUTE FUNCTION announce_state_change();
CREATE OR REPLACE TRIGGER announce_revoked AFTER INSERT ON revoked_tokens
    FOR EACH ROW EXECUTE FUNCTION announce_state_change();
