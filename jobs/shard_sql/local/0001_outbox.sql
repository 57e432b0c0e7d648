-- Jobs of this server's transactions. run_after is the lease: until then somebody is believed to be at it.
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  logical_shard smallint,
  task text NOT NULL,
  args jsonb NOT NULL,
  run_after timestamptz NOT NULL,
  attempts smallint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_error text
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
CREATE INDEX outbox_due ON outbox (run_after);

-- Jobs that failed too often: they rest here until somebody requeues or discards them.
CREATE TABLE dead_letter (
  id bigint PRIMARY KEY,
  logical_shard smallint,
  task text NOT NULL,
  args jsonb NOT NULL,
  attempts smallint NOT NULL,
  created_at timestamptz NOT NULL,
  last_error text,
  died_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
