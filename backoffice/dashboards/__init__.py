"""Dashboards: how the service is, drawn and as tables. A server that is away is named, and the rest is shown.

svg: drawing. cards: what a page is made of, and where its numbers come from. The others: a page each.
"""
