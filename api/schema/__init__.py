"""OpenAPI of /v1: the contract's objects and, per route, what goes in and comes out; tests hold it against answers."""
