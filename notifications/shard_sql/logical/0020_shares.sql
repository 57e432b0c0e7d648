-- What a person wants posted at other services, and what became of it: on the sharer's shard, whoever made the photo.
CREATE TABLE notifications_share (
  user_id bigint NOT NULL,
  photo_id bigint NOT NULL,
  service text NOT NULL,
  text text NOT NULL DEFAULT '',
  status text NOT NULL,
  url text NOT NULL DEFAULT '',
  reason text NOT NULL DEFAULT '',
  asked integer NOT NULL DEFAULT 1,
  asked_at timestamptz NOT NULL DEFAULT now(),
  tries integer NOT NULL DEFAULT 0,
  begun boolean NOT NULL DEFAULT false,
  busy_until timestamptz,
  PRIMARY KEY (user_id, photo_id, service),
  CONSTRAINT notifications_share_shard_key CHECK (user_id % {{shards}} = {{shard}})
) WITH (fillfactor = 80); -- each row is updated a few times, then rests
