"""Lists of what is in the shards, newest first over all servers, and the page of a photo.

None scans all logical shards: each server keeps a log of its newest photos and deeds (schema `local`), and one query
asks it. docs/admin.md tells what each page costs.
"""
