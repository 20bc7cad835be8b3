"""What the rules allow. Every exception says why."""

BELOW = ("base", "base/wire", "base/env")

# A room, and the rooms whose headers it may include besides its own.
ARROWS = {
    "base": (),
    "base/wire": ("base",),
    "base/env": ("base", "base/wire"),
    "ring": ("base", "base/wire"),
    "gossip": ("base", "base/wire"),
    "storage": ("base", "base/wire", "base/env"),
    "node/coordinator": ("base", "base/wire", "ring", "storage"),
    "node/replica": ("base", "base/wire", "ring", "storage"),
    "node/transfer": (*BELOW, "ring", "storage", "node/replica"),
    "node/gateway": (*BELOW, "ring", "gossip", "storage", "node", "node/coordinator",
                     "node/replica"),
    "node/admin": (*BELOW, "ring", "gossip", "storage", "node", "node/coordinator",
                   "node/replica", "node/transfer"),
    "node": (*BELOW, "ring", "gossip", "storage", "node/coordinator", "node/replica",
             "node/transfer", "node/gateway", "node/admin"),
    "client": (*BELOW, "ring"),
    # measures the whole and its parts
    "bench": (*BELOW, "ring", "storage", "node", "node/coordinator", "node/replica",
              "node/transfer", "client"),
}

# Of a room that is only partly open: the headers that these rooms may include.
ONLY_HEADERS = {
    ("node/coordinator", "storage"): ("key.h", "record.h", "versions.h", "tree.h"),
    ("node/replica", "storage"): ("key.h", "record.h", "version_vector.h", "versions.h", "tree.h"),
}

# Tests may include everything of ours; nothing of ours may include tests.
TEST_ROOM = "tests"

# Decisions only: no clock, socket, thread, file or random device, and no unordered iteration.
PURE_ROOMS = ("ring", "gossip", "node/coordinator", "node/replica")
# The pure files of a room that also performs.
PURE_FILES = ("storage/key", "storage/record", "storage/versions", "storage/tree",
              "node/transfer/purge_round")

FILE_LINES = 500        # more needs an entry below
FILE_LINES_EVER = 800   # more is never allowed
FUNCTION_LINES = 70
LINE_COLUMNS = 100
FILE_BYTES = 1 << 20

# Path -> why it is one file.
LONG_FILES = {
}

# Parsing these costs seconds: they stay out of headers.
HEAVY_HEADERS = ("CLI/", "nlohmann/", "toml++/", "spdlog/", "httplib.h", "flatbuffers/")
# Header -> why it has to include a heavy one.
HEAVY_EXCEPTIONS = {
}
