"""Every bound on what comes from outside, in one place: bytes, pixels, seconds and counts. What exceeds one waits.

The bounds are far above what scanners write and far below what harms a machine.
"""

from __future__ import annotations

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

# One file in a worker process.
MAX_SECONDS_PER_FILE = 900.0  # three frames read by OCR before and after blanking, in two polarities, a minute each
MIN_BYTES_PER_SECOND = 1 * MIB  # a large file on a slow network disk is given more seconds
MIN_WORKER_BYTES = 1 * GIB  # memory of a worker, however little is free
MAX_SHARE_OF_FREE_MEMORY = 0.8  # of all workers together
MAX_FAILED_STARTS = 3  # worker processes that end before they are ready, one after the other

# Unpacking and decoding.
MAX_INFLATED_BYTES = 1 * GIB  # of a deflated data set
MAX_INFLATION = 200  # bytes out of one: deflate can make 1,032, images seldom more than 20
HARMLESS_INFLATED_BYTES = 64 * MIB  # below so many any ratio is harmless
MAX_DECODED_BYTES = 2 * GIB  # pixels of all frames of one file
MAX_FRAMES_READ = 400  # frames of one file that are judged for text
MAX_OCR_PIXELS = 40_000_000  # of an enlarged picture
MAX_OCR_SECONDS = 120  # of one picture

# Parts of compressed streams; no image needs as many.
MAX_JPEG_SEGMENTS = 4096
MAX_JPEG2000_SEGMENTS, MAX_TILE_PARTS = 4096, 70_000
MAX_BOXES = 4096  # of MP4 and JP2 files
MAX_MOVIE_SAMPLES = 2_000_000
MAX_PROFILE_TAGS = 100  # of a color profile

# The search for identifiers.
MAX_SUSPECTS = 500  # tokens found in one output: so many cannot be taken out one by one
MAX_TOKEN_BYTES = 256

# Files of the user.
MAX_RULES_BYTES = 1 * MIB
MAX_NUMBER_DIGITS = 9  # of a number of pixels
MAX_PATIENT_TABLE_BYTES = 64 * MIB
MAX_KEY_BYTES = 64 * KIB
MAX_SCRYPT_N, MAX_SCRYPT_R, MAX_SCRYPT_P = 2**20, 32, 16  # costs of opening a key, RFC 7914
