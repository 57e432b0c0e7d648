# docker-compose.yml starts a replica with this: at first it copies the server it follows, then it is a server like others.
# Arguments: that server's port, the slot's name, then the image's own command.
set -eu
port=$1 slot=$2
shift 2
# libpq reads it only if it is the reader's alone; all PostgreSQL containers have the same account.
chown postgres "@ETC@/replication.pgpass"
chmod 600 "@ETC@/replication.pgpass"
primary="host=127.0.0.1 port=$port user=@DB_REPLICATION_USER@ application_name=$slot passfile=@ETC@/replication.pgpass"
copy() {
  gosu postgres psql -qAt -d "$primary dbname=postgres" -c "SELECT pg_create_physical_replication_slot('$slot', true)
    WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '$slot')" &&
    gosu postgres pg_basebackup -D "$PGDATA.new" -d "$primary" --slot "$slot" --wal-method=stream --checkpoint=fast \
      --write-recovery-conf
}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # Until the server is there and `prepare` has made the role.
  until rm -rf "$PGDATA.new" && install -d -o postgres -m 700 "$PGDATA.new" && copy; do sleep 1; done
  rm -rf "$PGDATA"
  mv "$PGDATA.new" "$PGDATA"
fi
exec docker-entrypoint.sh "$@"
