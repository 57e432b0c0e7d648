"""Backup."""

from pathlib import Path

from .data_centre import PORT_OFFSET, SEAWEED_PORTS, SHARD_SERVERS, STATE_DIR
from .environment import env
from .framework import DEVELOPMENT_MARK
from .photos import S3_ACCESS_KEY, S3_REGION, S3_SECRET_KEY

#: Directory of what backups write for themselves, locks and scratch servers, of the account that runs PostgreSQL.
BACKUP_STATE_DIR = Path(env.str("BACKUP_STATE_DIR", default=str(STATE_DIR)))
#: Where backups go: "disk" (BACKUP_DIR), "s3" (BACKUP_S3_BUCKET), or both, separated by commas. The first is read from.
BACKUP_STORES = env.list("BACKUP_STORES", default=["disk"])
#: Directory of backups on disk. In production a disk of its own that every database host mounts.
BACKUP_DIR = Path(env.str("BACKUP_DIR", default=str(BACKUP_STATE_DIR / "backups")))
#: Bucket of backups, another than the photos': who may delete photos must not be able to delete these.
BACKUP_S3_BUCKET = env.str("BACKUP_S3_BUCKET", default="backups")
#: The S3 that holds it, by TLS: pgBackRest speaks nothing else, and wants a name. Locally the store's own second port.
BACKUP_S3_ENDPOINT = env.str("BACKUP_S3_ENDPOINT", default=f"https://localhost:{SEAWEED_PORTS['s3_https']}")
#: Region of that bucket.
BACKUP_S3_REGION = env.str("BACKUP_S3_REGION", default=S3_REGION)
#: Who writes there; default: the photos' account.
BACKUP_S3_ACCESS_KEY = env.str("BACKUP_S3_ACCESS_KEY", default=S3_ACCESS_KEY)
#: The secret key to it.
BACKUP_S3_SECRET_KEY = env.str("BACKUP_S3_SECRET_KEY", default=S3_SECRET_KEY)
#: Certificates that the bucket's server is checked by; empty: the system's. Locally its own, made by bin/up.
BACKUP_S3_CA_FILE = env.str("BACKUP_S3_CA_FILE", default=str(STATE_DIR / "data" / "seaweedfs_tls" / "ca.pem"))
#: pgBackRest's configuration, written by manage.py backup. As long as it is not there, nothing is archived.
BACKUP_CONF_FILE = Path(env.str("BACKUP_CONF_FILE", default=str(STATE_DIR / "etc" / "pgbackrest.conf")))
#: Encrypt what is written (AES-256; key: BACKUP_KEY). Cannot be changed for backups that are there: take another place.
BACKUP_ENCRYPT = env.bool("BACKUP_ENCRYPT", default=False)
#: The key. Without it nothing can be restored: keep it where the backups are not.
BACKUP_KEY = env.str("BACKUP_KEY", default=f"{DEVELOPMENT_MARK}-backup")
#: Full backups kept of each server, with the WAL since the oldest of them: any moment since can be restored.
BACKUP_KEEP_FULL = env.int("BACKUP_KEEP_FULL", default=4)
#: Instead: days of moments that can be restored; 0: the number above counts. The only good backup always stays.
BACKUP_KEEP_DAYS = env.int("BACKUP_KEEP_DAYS", default=0)
#: Days after which a full backup is replaced by a new one; differential ones, that need it, between.
BACKUP_FULL_DAYS = env.int("BACKUP_FULL_DAYS", default=7)
#: MB of WAL a server keeps while the archive is away. Beyond it WAL is dropped, and a new full backup is needed: better
#: to lose the moments between than to have the disk fill and the server stop.
BACKUP_WAL_QUEUE_MB = env.int("BACKUP_WAL_QUEUE_MB", default=4_096)
#: Processes that compress and copy side by side, for each server.
BACKUP_PROCESSES = env.int("BACKUP_PROCESSES", default=2)
#: Where servers are restored to for a drill or a look, unless said otherwise. Needs room for all databases once.
BACKUP_SCRATCH_DIR = Path(env.str("BACKUP_SCRATCH_DIR", default=str(BACKUP_STATE_DIR / "scratch")))
#: First port of servers restored there: main's; the shards' follow.
BACKUP_SCRATCH_PORT = env.int("BACKUP_SCRATCH_PORT", default=17480 + PORT_OFFSET)
#: Ids of people left out after a restore: those given between the moment and the loss must not come again, for phones,
#: links and other services still know them. More than sign up in the longest time that is ever taken back.
BACKUP_ID_GAP = env.int("BACKUP_ID_GAP", default=10_000)
#: Photos that a drill opens.
BACKUP_DRILL_PHOTOS = env.int("BACKUP_DRILL_PHOTOS", default=20)
#: Days after which the last proof that a backup can be restored is too old, and /health/deep unwell: drills are weekly.
BACKUP_PROOF_MAX_DAYS = env.float("BACKUP_PROOF_MAX_DAYS", default=8.0)
#: Hours after which a server's last whole backup is too old: /health/deep is unwell, and a figure alerts. 0: nobody
#: looks, as there are no timers in the local data centre. Production: 26.
BACKUP_MAX_AGE_H = env.float("BACKUP_MAX_AGE_H", default=0.0)
#: Minutes after which the last moment that can be restored is too long ago: marks are set each minute. 0: nobody looks.
#: Production: 15.
BACKUP_MARK_MAX_MIN = env.float("BACKUP_MARK_MAX_MIN", default=0.0)
#: On AWS: volumes of the database hosts (vol-…, separated by commas) that manage.py backup --ebs takes snapshots of.
BACKUP_EBS_VOLUMES = env.list("BACKUP_EBS_VOLUMES", default=[])
#: The EC2 endpoint for them; empty: Amazon's, in BACKUP_S3_REGION.
BACKUP_EC2_ENDPOINT = env.str("BACKUP_EC2_ENDPOINT", default="")
#: Servers whose data lies on this host: what manage.py backup, restore and drill deal with here.
BACKUP_SERVERS = env.list("BACKUP_SERVERS", default=["main", *SHARD_SERVERS])
#: Data directory of such a server; {server} stands for its name, {node} for that of the node that is its primary.
BACKUP_PG_DATA = env.str("BACKUP_PG_DATA", default=f"{STATE_DIR}/data/{{node}}")
#: postgresql.conf of such a server, with which it is recovered in place.
BACKUP_PG_CONF = env.str("BACKUP_PG_CONF", default=f"{STATE_DIR}/etc/postgresql.conf")
#: Commands that stop and start such a server for a restore in place; empty: the local data centre's supervisor.
#: In production: systemctl stop postgresql@15-{server}.
BACKUP_PG_STOP = env.str("BACKUP_PG_STOP", default="")
#: The other: systemctl start postgresql@15-{server}.
BACKUP_PG_START = env.str("BACKUP_PG_START", default="")
