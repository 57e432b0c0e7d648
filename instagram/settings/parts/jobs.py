"""Jobs."""

from .data_centre import GEARMAND_PORTS
from .environment import env

#: gearmand servers: "host:port"; a job goes to the first that takes it.
GEARMAND_SERVERS = env.list("GEARMAND_SERVERS", default=[f"127.0.0.1:{port}" for port in GEARMAND_PORTS])
#: Begins every Gearman function name, so that tests can share gearmand.
JOBS_NAMESPACE = env.str("JOBS_NAMESPACE", default="")
#: Milliseconds of a request that submitting a job may take; the relay submits what did not make it.
JOBS_SUBMIT_TIMEOUT_MS = env.int("JOBS_SUBMIT_TIMEOUT_MS", default=50)
#: Seconds without submit attempts after a failed one.
JOBS_SUBMIT_PAUSE_S = env.float("JOBS_SUBMIT_PAUSE_S", default=1.0)
#: Seconds a submitted job has before the relay submits it again.
JOBS_LEASE_S = env.float("JOBS_LEASE_S", default=10.0)
#: Seconds between two looks of the relay at the outboxes.
JOBS_RELAY_PERIOD_S = env.float("JOBS_RELAY_PERIOD_S", default=0.5)
#: Attempts before a job rests as a dead letter.
JOBS_MAX_ATTEMPTS = env.int("JOBS_MAX_ATTEMPTS", default=8)
#: Seconds before the first retry; doubles each time, with jitter.
JOBS_RETRY_BASE_S = env.float("JOBS_RETRY_BASE_S", default=1.0)
#: Modules with tasks besides each room's tasks.py: those of tests and benchmarks, in the workers they start.
JOBS_EXTRA_MODULES = env.list("JOBS_EXTRA_MODULES", default=[])
