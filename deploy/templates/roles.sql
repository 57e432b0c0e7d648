-- Roles, time-outs and databases of a PostgreSQL server, for psql -qAt. Prints what it changed, a line each.
SET password_encryption = 'scram-sha-256';
CREATE TEMPORARY VIEW wanted AS
SELECT 1 AS turn, format('CREATE ROLE %I LOGIN', name) AS statement, 'role ' || name AS said
FROM (VALUES ('@DB_USER@'::text)) AS roles (name) WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
UNION ALL
SELECT 1, format('CREATE ROLE %I LOGIN REPLICATION', name), 'role ' || name
FROM (VALUES ('@REPLICATION_USER@'::text)) AS roles (name) WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
UNION ALL
SELECT 2, format('ALTER ROLE %I SET %s = %L', '@DB_USER@', knob, ms), format('%s = %s ms', knob, ms)
FROM (VALUES ('statement_timeout', '@STATEMENT_MS@'), ('lock_timeout', '@LOCK_MS@'),
             ('idle_in_transaction_session_timeout', '@IDLE_MS@')) AS knobs (knob, ms)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '@DB_USER@' AND knob || '=' || ms = ANY (rolconfig))
UNION ALL
SELECT 3, format('CREATE DATABASE %I OWNER %I', name, '@DB_USER@'), 'database ' || name
FROM (VALUES @NAMES@) AS databases (name)
WHERE name IS NOT NULL AND NOT EXISTS (SELECT FROM pg_database WHERE datname = name);
SELECT said FROM wanted ORDER BY turn;
SELECT statement FROM wanted ORDER BY turn \gexec
ALTER ROLE "@DB_USER@" PASSWORD '@DB_PASSWORD@';
ALTER ROLE postgres PASSWORD '@SUPERUSER_PASSWORD@';
ALTER ROLE "@REPLICATION_USER@" PASSWORD '@REPLICATION_PASSWORD@';
