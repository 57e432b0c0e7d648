"""Every name that instagram.counting is given, with what it counts. A test holds this against the code."""

#: Counts: at /metrics with `_total` behind the name.
COUNTS = {
    "photos": "Photos published.",
    "likes": "Likes given.",
    "comments": "Comments written.",
    "sign_ups": "Accounts made.",
    "logins": "Sign-ins with a password, by result: well, refused, blocked.",
    "feed_reads": "Pages of the home feed.",
    "requests": "Requests by door (api, web, admin) and class of status.",
    "upload_bytes": "Bytes of pictures that came in.",
    "images": "Pictures handed to the helpers, by verb and result: drawn, refused, unavailable.",
    "jobs": "Runs of tasks, by task and result: done, failed, postponed, dead.",
    "pushes": "Pushes to phones, by result: taken, gone, refused, later, key_refused.",
    "shares": "Photos posted to other services that came to an end, by service and result: sent, failed, not_linked.",
    "webhooks": "Deliveries to callbacks, by result: delivered, failed.",
    "cache_hits": "Entries found in memcached, by kind.",
    "cache_misses": "Entries not found there, by kind.",
    "cache_server_failures": "Times that a process gave a memcached server up for a while.",
    "map_hits": "Photos found in the photo map.",
    "map_misses": "Photos that their own shard had to tell.",
    "map_server_failures": "Calls that a Redis server of the map failed.",
}
#: Durations, seconds: at /metrics as histograms.
DURATIONS = {
    "request_seconds": "How long a request took in the application, by door.",
    "image_seconds": "How long a picture took, with the wait for a helper, by verb.",
    "job_seconds": "How long a run of a task took, by queue.",
    "fan_out_first_seconds": "From posting until the first followers of each chain had the photo.",
    "fan_out_seconds": "From posting until the last follower had the photo.",
}
