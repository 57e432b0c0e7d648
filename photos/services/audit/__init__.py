"""The database held against the object store, and both against the checksums of receipts.

ledger: what should be there, on this machine's disk, so that a run can be stopped anywhere. expected: fills it from the
databases. compared: walks the store once and judges; every verdict is asked of both once more before it counts. mended:
repairs. The command is manage.py audit_storage; docs/storage.md says what it promises.
"""
