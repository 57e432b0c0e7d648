"""What is watched: the names that are counted (counted.py), the figures made of them with their thresholds (table.py),
and how one comes from two readings (readings.py, sources.py).

Plain Python without Django or packages, so that Munin's plugin runs on any Python of the host.
"""
