-- Objects in the store that no photo names yet. The row is written before the objects, and taken out by the transaction that
-- lets a photo name them; what is here after expires_at is thrown away with its objects (photos/services/unpublished.py).
CREATE TABLE unpublished (
  -- Of the renditions, and of the file as it came (empty: not stored).
  stem text PRIMARY KEY,
  original_stem text NOT NULL DEFAULT '',
  author_id bigint NOT NULL,
  logical_shard smallint NOT NULL,
  -- An upload that waits for its caption: its key, and what publishing has to know of its picture.
  upload_id text,
  facts jsonb,
  expires_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX unpublished_waiting ON unpublished (author_id, upload_id) WHERE upload_id IS NOT NULL;
CREATE INDEX unpublished_expiry ON unpublished (expires_at);

-- How far re-rendering all photos of a logical shard is: manage.py rerender goes on after after_id, to until_id.
CREATE TABLE rerender (
  logical_shard smallint PRIMARY KEY,
  after_id bigint NOT NULL,
  until_id bigint NOT NULL
);
