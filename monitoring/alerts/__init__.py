"""From figures to a person's phone: alarms.py decides what alerts, silences.py what nobody is told of, pager.py tells
PagerDuty, watch.py puts them together and keeps all of it in a folder, spool.py takes alerts of others in,
files.py writes both to disk.

Nothing here needs a database to alert: the databases are what is watched.
"""
