"""Failover: make a replica the primary, follow with everything that must know, and rebuild the old primary as replica.

sites.py says what a place must be able to do; local.py does it for the data centre on this machine, deploy/promotion.py
for hosts. postgres.py, rebuild.py and loss.py look and act through that; promotion.py and redis.py put it in order.
"""
