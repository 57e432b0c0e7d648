-- step: batches of a chained job that are stored as done; a run of an older step is stale and must not move the row.
-- submits: times the relay submitted this step; each doubles the next lease. postponed: times what the task needs was away.
ALTER TABLE outbox
  ADD COLUMN step integer NOT NULL DEFAULT 0,
  ADD COLUMN submits smallint NOT NULL DEFAULT 0,
  ADD COLUMN postponed integer NOT NULL DEFAULT 0,
  ADD COLUMN request_id text;
ALTER TABLE dead_letter ADD COLUMN request_id text;

-- Rows live for milliseconds: what they leave behind is cleared by count, not by share, and without pauses.
ALTER TABLE outbox SET (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_scale_factor = 0,
  autovacuum_vacuum_insert_threshold = 10000,
  autovacuum_vacuum_cost_delay = 0
);
