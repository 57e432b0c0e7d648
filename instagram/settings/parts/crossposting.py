"""Cross-posting."""

from .data_centre import SOCIAL_PORT
from .environment import env
from .framework import DEVELOPMENT_MARK

#: Takes the place of "https:/" before every address of Twitter, Facebook, Tumblr, Flickr and Foursquare: the local
#: stand-in. Empty, as always in production: the services themselves.
SOCIAL_STAND_IN = env.str("SOCIAL_STAND_IN", default=f"http://127.0.0.1:{SOCIAL_PORT}")
#: What each service knows us by: key and secret, as registered there. Without a key it is not offered and answers
#: not_linked. The development ones open the stand-in alone; production takes them for none.
SERVICE_KEYS = {
    "twitter": (
        env.str("TWITTER_KEY", default=f"{DEVELOPMENT_MARK}-twitter"),
        env.str("TWITTER_SECRET", default=f"{DEVELOPMENT_MARK}-twitter-secret"),
    ),
    "facebook": (
        env.str("FACEBOOK_APP_ID", default=f"{DEVELOPMENT_MARK}-facebook"),
        env.str("FACEBOOK_APP_SECRET", default=f"{DEVELOPMENT_MARK}-facebook-secret"),
    ),
    "tumblr": (
        env.str("TUMBLR_KEY", default=f"{DEVELOPMENT_MARK}-tumblr"),
        env.str("TUMBLR_SECRET", default=f"{DEVELOPMENT_MARK}-tumblr-secret"),
    ),
    "flickr": (
        env.str("FLICKR_KEY", default=f"{DEVELOPMENT_MARK}-flickr"),
        env.str("FLICKR_SECRET", default=f"{DEVELOPMENT_MARK}-flickr-secret"),
    ),
    "foursquare": (
        env.str("FOURSQUARE_CLIENT_ID", default=f"{DEVELOPMENT_MARK}-foursquare"),
        env.str("FOURSQUARE_CLIENT_SECRET", default=f"{DEVELOPMENT_MARK}-foursquare-secret"),
    ),
}
#: Keys under which the tokens of linked accounts are encrypted, separated by commas: the first encrypts, all decrypt
#: (docs/crossposting.md tells how to change one). A lost key ends every link made under it.
SERVICE_TOKEN_KEYS = env.str("SERVICE_TOKEN_KEYS", default=f"{DEVELOPMENT_MARK}-service-tokens")
#: Account, token and secret that the stand-in knows from the start, at every service: the demo's Anna is linked to it.
SOCIAL_DEMO_LOGIN = ("anna", f"1001-{DEVELOPMENT_MARK}", f"{DEVELOPMENT_MARK}-social")
#: Seconds a service may keep us waiting for a connection or for more of its answer; a request has twice that.
SHARE_TIMEOUT_S = env.float("SHARE_TIMEOUT_S", default=10.0)
#: Seconds before a share that met a fault of its service is tried again; doubles each time up to five minutes.
SHARE_RETRY_BASE_S = env.float("SHARE_RETRY_BASE_S", default=2.0)
#: Seconds after which a share that its service did not take has failed.
SHARE_GIVE_UP_S = env.float("SHARE_GIVE_UP_S", default=86_400.0)
