-- One clock for all tables of the shard: an id is unique across them. See local/0001_ids.sql.
CREATE SEQUENCE clock AS bigint MINVALUE 0 START 0;
