"""Figures of backups: how old they, the archive and their proof are. Health judges alike: checks/backups.py."""

from .figure import Figure, Graph
from .sources import Level

GRAPHS = [
    Graph(
        "restorable_age",
        "How far back the last moment is that can be restored",
        "seconds",
        [
            Figure(
                "restorable_age",
                "since the last moment that can be restored, by server",
                "s",
                Level("backup_restorable_age_seconds"),
                by="server",
                warning=300.0,
                critical=900.0,
                act="The server's log does not reach the archive: a lost disk would cost all since then. On the host "
                "of its primary: `systemctl status instagram-backup-mark`, PostgreSQL's log (archive_command), the "
                "store of backups, its disk.",
            )
        ],
    ),
    Graph(
        "backup_age",
        "Age of the last whole backup",
        "hours",
        [
            Figure(
                "backup_age",
                "since the last backup, by server",
                "h",
                Level("backup_age_hours"),
                by="server",
                warning=26.0,
                critical=50.0,
                for_s=300,
                act="`manage.py backups` says why the last one failed; `journalctl -u instagram-backup` on the host of "
                "its primary, then `fab backup`.",
            )
        ],
    ),
    Graph(
        "proof_age",
        "Age of the last proof that a backup can be restored",
        "days",
        [
            Figure(
                "proof_age",
                "since a backup was proven, by server",
                "days",
                Level("backup_proof_age_days"),
                by="server",
                warning=8.0,
                critical=15.0,
                for_s=300,
                act="The drill did not run: `systemctl status instagram-drill.timer` on the host of its primary, then "
                "`fab drill`.",
            )
        ],
    ),
    Graph(
        "drill_failed",
        "Backups whose last drill failed",
        "servers",
        [
            Figure(
                "drill_failed",
                "has a backup that could not be proven",
                "",
                Level("backup_drill_failed"),
                by="server",
                critical=1,
                act="`manage.py backups` names the table or the photo. Until a drill is well again take a full backup "
                "(`fab backup --full`), then `fab drill`.",
            )
        ],
    ),
]
