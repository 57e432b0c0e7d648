-- Counts of likes, comments, followers, as of the last roll-up; sharding/counters.py adds what came since.
-- Kinds below 10 count for an object (key: its id, whose 13 bits say the shard), from 10 on for a user.
CREATE TABLE counter (
    kind smallint NOT NULL,
    key_id bigint NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (key_id, kind),
    CONSTRAINT counter_shard_key
        CHECK (CASE WHEN kind < 10 THEN (key_id >> 10) & 8191 ELSE key_id % {{shards}} END = {{shard}})
) WITH (fillfactor = 80); -- updated in place, over and over
