"""Push."""

from .data_centre import APNS_PORT, STATE_DIR
from .environment import env

#: Apple's push service, "host:port", for devices whose app comes from the store; the default is the local stand-in.
APNS_SERVER = env.str("APNS_SERVER", default=f"127.0.0.1:{APNS_PORT}")
#: The same for devices whose app was built for development (environment `sandbox`).
APNS_SANDBOX_SERVER = env.str("APNS_SANDBOX_SERVER", default=f"127.0.0.1:{APNS_PORT}")
#: Certificates the push service is checked against, a PEM file; empty: the system's, as Apple needs.
APNS_CA_FILE = env.str("APNS_CA_FILE", default=str(STATE_DIR / "data" / "apns" / "ca.pem"))
#: Key that signs our provider tokens (ES256): the text of Apple's .p8 file, line ends as \n. Empty: APNS_KEY_FILE.
APNS_KEY = env.str("APNS_KEY", default="")
#: The same as a file; the local stand-in makes one. Both empty: nothing is pushed.
APNS_KEY_FILE = env.str("APNS_KEY_FILE", default=str(STATE_DIR / "data" / "apns" / "provider.p8"))
#: Apple's name of that key, ten characters.
APNS_KEY_ID = env.str("APNS_KEY_ID", default="LOCALKEY01")
#: Apple's name of the developer team, ten characters.
APNS_TEAM_ID = env.str("APNS_TEAM_ID", default="LOCALTEAM1")
#: The app's bundle id.
APNS_TOPIC = env.str("APNS_TOPIC", default="example.instagram")
#: Requests to one push server under way at once from one process; Apple allows about a thousand streams.
APNS_CONCURRENCY = env.int("APNS_CONCURRENCY", default=100)
#: Seconds for an answer of the push service; then the connection is dropped and the push tried again.
APNS_TIMEOUT_S = env.float("APNS_TIMEOUT_S", default=10.0)
#: Seconds in which likes of one photo, or new followers, ring a phone once; what comes meanwhile is summed up then.
PUSH_COALESCE_S = env.float("PUSH_COALESCE_S", default=60.0)
#: Seconds between two pushes to one person for posts of one author.
PUSH_POST_EVERY_S = env.float("PUSH_POST_EVERY_S", default=60.0)
#: Seconds the push service keeps a push for a phone that is off.
PUSH_EXPIRY_S = env.int("PUSH_EXPIRY_S", default=86_400)
#: Seconds after which what could not be pushed is dropped: nobody wants to be rung for yesterday.
PUSH_GIVE_UP_S = env.float("PUSH_GIVE_UP_S", default=21_600.0)
#: People in one batch of telling of a post: two reads for all of them, then as many pushes.
PUSH_BATCH = env.int("PUSH_BATCH", default=500)
#: Devices of one person; registering another one lets the oldest go.
DEVICES_PER_PERSON = env.int("DEVICES_PER_PERSON", default=20)
