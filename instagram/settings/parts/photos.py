"""Photos."""

from .data_centre import CDN_PORT, CDN_PURGE_PORT, EDGE_SCHEME, S3_PORT
from .environment import env
from .framework import DEVELOPMENT_MARK

#: The object store: any S3. Empty: Amazon's, in S3_REGION.
S3_ENDPOINT = env.str("S3_ENDPOINT", default=f"http://127.0.0.1:{S3_PORT}")
#: Region of the bucket; stores that know none take any.
S3_REGION = env.str("S3_REGION", default="us-east-1")
#: Where requests name the bucket: "path" (most stores), "virtual" (in the host name), "auto" (Amazon's).
S3_ADDRESSING = env.str("S3_ADDRESSING", default="path")
#: Name of the key that may write there. Empty: the environment's (AWS_ACCESS_KEY_ID) or the role of the machine.
S3_ACCESS_KEY = env.str("S3_ACCESS_KEY", default=DEVELOPMENT_MARK)
#: The key itself; empty as its name.
S3_SECRET_KEY = env.str("S3_SECRET_KEY", default=f"{DEVELOPMENT_MARK}-s3")
#: The bucket of photos.
S3_BUCKET = env.str("S3_BUCKET", default="photos")
#: Seconds for connecting to and for an answer of the object store.
S3_TIMEOUT_S = env.float("S3_TIMEOUT_S", default=5.0)
#: Image addresses begin with it: the CDN edge. No trailing slash.
CDN_BASE_URL = env.str("CDN_BASE_URL", default=f"{EDGE_SCHEME}://127.0.0.1:{CDN_PORT}")
#: Who signs for and is purged: "nginx" (nginx/cdn.conf, one or more edges of our own) or "cloudfront".
CDN_KIND = env.str("CDN_KIND", default="nginx")
#: Key under which our own CDN edge checks signed addresses of private photos.
CDN_SIGNING_KEY = env.str("CDN_SIGNING_KEY", default=f"{DEVELOPMENT_MARK}-cdn")
#: Purge doors of our own edges, "host:port": all of them must confirm that a deleted photo is gone.
CDN_PURGE_ADDRESSES = env.list("CDN_PURGE_ADDRESSES", default=[f"127.0.0.1:{CDN_PURGE_PORT}"])
#: Seconds a purge door has for an answer; a worker waits, no request.
CDN_PURGE_TIMEOUT_S = env.float("CDN_PURGE_TIMEOUT_S", default=5.0)
#: With CloudFront: the distribution whose copies are invalidated.
CLOUDFRONT_DISTRIBUTION_ID = env.str("CLOUDFRONT_DISTRIBUTION_ID", default="")
#: With CloudFront: id of the public key that checks signed addresses.
CLOUDFRONT_KEY_ID = env.str("CLOUDFRONT_KEY_ID", default="")
#: With CloudFront: the private key to it, RSA, PEM; \n stands for a line break.
CLOUDFRONT_PRIVATE_KEY = env.str("CLOUDFRONT_PRIVATE_KEY", default="", multiline=True)
#: Seconds an address of a private account's photo lives at most; at least half of them. A leaked one dies within them.
PRIVATE_URL_S = env.int("PRIVATE_URL_S", default=3_600)
#: Seconds after a deletion that somebody looks whether anything is left: longer than a request, a fetch of the edge
#: or a tombstone of the cache lasts that was under way.
DELETION_PROOF_S = env.int("DELETION_PROOF_S", default=75)
#: Largest upload, bytes; nginx has the same limit plus the form around it.
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", default=10 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = UPLOAD_MAX_BYTES + 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = UPLOAD_MAX_BYTES
#: Shortest side of an upload, pixels.
IMAGE_MIN_SIDE = env.int("IMAGE_MIN_SIDE", default=150)
#: Longest side of an upload, pixels: 48-megapixel phones send 8,064.
IMAGE_MAX_SIDE = env.int("IMAGE_MAX_SIDE", default=8192)
#: Most pixels of an upload, checked from the header before anything is decoded.
IMAGE_MAX_PIXELS = env.int("IMAGE_MAX_PIXELS", default=50_000_000)
#: Most pixels of what a decoder holds whole (progressive, interlaced, WebP, GIF, AVIF, HEIC): some 6 bytes each.
IMAGE_MAX_PIXELS_WHOLE = env.int("IMAGE_MAX_PIXELS_WHOLE", default=25_000_000)
#: Most scans of a progressive JPEG; cameras and tools write about 10, a bomb thousands.
IMAGE_MAX_SCANS = env.int("IMAGE_MAX_SCANS", default=64)
#: CPU seconds decoding and rendering one picture may take; 12 megapixels take 0.1.
IMAGE_CPU_S = env.float("IMAGE_CPU_S", default=10.0)
#: Seconds an upload waits for a free helper process and its answer; then 503.
IMAGE_WAIT_S = env.float("IMAGE_WAIT_S", default=30.0)
#: Helper processes a process decodes pictures with, at most: started when needed, 50 MB each when idle.
IMAGE_HELPERS = env.int("IMAGE_HELPERS", default=2)
#: Seconds without a picture after which a helper ends.
IMAGE_HELPER_IDLE_S = env.float("IMAGE_HELPER_IDLE_S", default=300.0)
#: Pictures after which a helper is replaced: what libraries leak ends with it.
IMAGE_HELPER_PICTURES = env.int("IMAGE_HELPER_PICTURES", default=500)
#: MB of data a helper may hold, kept by the kernel; code comes on top, 25 MB. Replaced when left with half.
IMAGE_HELPER_MB = env.int("IMAGE_HELPER_MB", default=225)
#: JPEG quality of renditions.
JPEG_QUALITY = env.int("JPEG_QUALITY", default=85)
#: Longest caption, characters (code points).
CAPTION_MAX_CHARS = env.int("CAPTION_MAX_CHARS", default=2200)
#: Most hashtags in a caption: more is spam.
CAPTION_MAX_HASHTAGS = env.int("CAPTION_MAX_HASHTAGS", default=30)
#: Hours a retry key is remembered.
UPLOAD_ID_HOURS = env.int("UPLOAD_ID_HOURS", default=24)
#: Hours an upload waits for its caption before it is thrown away.
WAITING_UPLOAD_HOURS = env.int("WAITING_UPLOAD_HOURS", default=24)
#: Uploads of one person that may wait for their captions at a time: each is up to UPLOAD_MAX_BYTES that nobody sees.
WAITING_UPLOADS_MAX = env.int("WAITING_UPLOADS_MAX", default=10)
#: Seconds until objects that were stored but never published are thrown away: far longer than any request takes.
STRAY_OBJECTS_S = env.int("STRAY_OBJECTS_S", default=3_600)
#: Keep uploaded files as they came, positions too, for their owner's archive and rendering anew. Nothing links to them.
ORIGINALS_KEEP = env.bool("ORIGINALS_KEEP", default=False)
#: Keep originals without metadata: all but the pixels, the colour profile and the orientation goes. JPEG, PNG and WebP
#: can be; an original in another format is not kept then.
ORIGINALS_STRIP = env.bool("ORIGINALS_STRIP", default=False)
#: Megabytes (10^6) of kept originals of one person; a photo beyond it is published without.
ORIGINALS_QUOTA_MB = env.int("ORIGINALS_QUOTA_MB", default=2_000)
#: Seconds that a photo's old files stay when it got new ones (manage.py rerender): pages and apps still show them.
RERENDER_GRACE_S = env.int("RERENDER_GRACE_S", default=600)
