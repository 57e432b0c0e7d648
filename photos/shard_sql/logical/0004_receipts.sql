-- For pages, until the picture is there: a thumbhash in base64, and the dominant colour, 0xRRGGBB.
ALTER TABLE photos_photo ADD COLUMN placeholder text NOT NULL DEFAULT '', ADD COLUMN colour integer;

-- What became of an upload, for its author. Goes with the photo.
CREATE TABLE photos_receipt (
  photo_id bigint PRIMARY KEY,
  author_id bigint NOT NULL,
  received jsonb NOT NULL,
  done jsonb NOT NULL,
  renditions jsonb NOT NULL,
  milliseconds jsonb NOT NULL,
  -- The file as it came: "kept", or why not. Its stem is its own, for renditions get new ones.
  original text NOT NULL,
  original_stem text NOT NULL DEFAULT '',
  original_bytes integer NOT NULL DEFAULT 0,
  rerendered jsonb,
  CONSTRAINT photos_receipt_shard_key CHECK (author_id % {{shards}} = {{shard}})
);

-- Bytes of a person's kept originals, changed with the receipts: the quota is exact.
CREATE TABLE photos_originaluse (
  author_id bigint PRIMARY KEY,
  byte_count bigint NOT NULL CHECK (byte_count >= 0),
  CONSTRAINT photos_originaluse_shard_key CHECK (author_id % {{shards}} = {{shard}})
);
