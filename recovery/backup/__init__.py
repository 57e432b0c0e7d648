"""Backups of all servers, restores to a moment, drills. docs/backup.md is the runbook.

pgbackrest.py: the tool that copies servers and archives their WAL; servers.py: connections, marks, scratch servers;
census.py: rows and checksums of every table at one moment; vault.py: where our own files of a backup go; manifest.py:
what a backup holds; take.py, restoring.py, in_place.py, healing.py, drilling.py: the verbs; ebs.py: snapshots on AWS.
"""
