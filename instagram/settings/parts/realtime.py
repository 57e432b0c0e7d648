"""Realtime subscriptions."""

from .environment import env

#: Callbacks may be on this machine or in private networks: for development. False where strangers can subscribe.
CALLBACKS_MAY_BE_INNER = env.bool("CALLBACKS_MAY_BE_INNER", default=True)
#: Seconds one request to a callback may take, everything included: the handshake and each delivery.
CALLBACK_TIMEOUT_S = env.float("CALLBACK_TIMEOUT_S", default=5.0)
#: Seconds in which updates for one callback are collected into one request.
CALLBACK_BATCH_S = env.float("CALLBACK_BATCH_S", default=2.0)
#: Seconds before a failed delivery is tried again; doubles each time up to five minutes, with jitter.
CALLBACK_RETRY_BASE_S = env.float("CALLBACK_RETRY_BASE_S", default=5.0)
#: Seconds after which an update that could not be delivered is dropped.
CALLBACK_GIVE_UP_S = env.float("CALLBACK_GIVE_UP_S", default=3_600.0)
#: Hours that a client's developer can read what was delivered. At least two: the rows also keep updates from repeating.
DELIVERY_LOG_HOURS = env.int("DELIVERY_LOG_HOURS", default=24)
#: Subscriptions a client may have: each new photo is matched against all.
SUBSCRIPTIONS_PER_CLIENT = env.int("SUBSCRIPTIONS_PER_CLIENT", default=1_000)
#: Earlier photos of each server that are looked at to fill a new geography.
GEOGRAPHY_FILL_PHOTOS = env.int("GEOGRAPHY_FILL_PHOTOS", default=10_000)
