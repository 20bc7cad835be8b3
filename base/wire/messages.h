#pragma once

#include <cstdint>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/hlc.h"
#include "base/ids.h"

/// What the frames say, as plain structs. Those read from a frame borrow its bytes: a BytesView in
/// them is valid as long as the body they were decoded from.
namespace coterie::wire {

inline constexpr std::uint16_t protocol_version = 1;
inline constexpr std::uint16_t protocol_version_oldest = 1;

/// Who dials, and so which frames may follow.
enum class Role : std::uint8_t { client = 1, peer = 2, control = 3 };

/// The first frame each way.
struct Hello {
  std::uint16_t version = protocol_version;
  std::uint16_t version_oldest = protocol_version_oldest;
  Role role = Role::client;
  /// Zero from a client, and before the first epoch.
  ClusterId cluster;
  NodeId node;  // zero from a client
  RunId run;
  /// The shard the dialling side wants to speak to.
  ShardIndex shard;
  std::uint16_t shards = 0;
  std::uint64_t features = 0;
  std::uint8_t authentication = 0;  // 0 none
  BytesView build;
};

/// The reply to any request that failed.
struct ErrorReply {
  ErrorCode code = ErrorCode::internal;
  std::uint32_t retry_after_ms = 0;
  BytesView message;
  /// As in Error.
  std::uint64_t generation = 0;
  EpochNumber epoch = {};
};

/// "I am about to close this connection": what was asked is still answered, new requests belong
/// elsewhere. Has no reply.
struct GoAway {
  /// Not to be dialled again before.
  std::uint32_t retry_after_ms = 0;
};

/// How many owners must answer: 0 = what the bucket says, 1..N, or one of the two names.
struct Quorum {
  static constexpr std::uint8_t bucket_default = 0;
  static constexpr std::uint8_t quorum = 254;
  static constexpr std::uint8_t all = 255;
  std::uint8_t count = bucket_default;

  constexpr auto operator<=>(const Quorum&) const = default;
};

enum class Durability : std::uint8_t { bucket_default = 0, commit = 1, interval = 2 };

/// Whether fallbacks may stand in for owners that cannot be reached: as the bucket says, or not.
/// `yes` is refused where the bucket is strict: its purges do not ask the fallbacks.
enum class Sloppy : std::uint8_t { bucket_default = 0, yes = 1, no = 2 };

/// Names a record as users do.
struct Key {
  BucketId bucket;
  BytesView partition_key;
  BytesView sort_key;
};

struct Get {
  Key key;
  Quorum r;
  bool want_evidence = false;
  /// Passed on already by a node that does not own the key: not passed on again.
  bool forwarded = false;
  Sloppy sloppy = Sloppy::bucket_default;
};

struct SiblingView {
  BytesView value;
  Timestamp timestamp;
  std::uint64_t expires_ms = 0;  // wall milliseconds; 0 never
};

/// How the answer came about, for those who ask.
struct Evidence {
  std::vector<NodeId> answered;
  bool agreed = true;
  std::uint16_t repaired = 0;
  std::uint16_t hints = 0;
};

struct GetReply {
  /// Opaque; hand it back with the put that follows from this read. Empty if nothing was ever known
  /// of the key.
  BytesView context;
  /// None: absent, deleted or expired.
  std::vector<SiblingView> siblings;
  /// Answered with less than the bucket's R.
  bool weak = false;
  Evidence evidence;
  /// Fallbacks that count among those who answered; above 0 a write may be missing that owners who
  /// were away hold.
  std::uint16_t stand_ins = 0;
};

struct Put {
  /// The same for every try of one put.
  RequestId id;
  Key key;
  BytesView context;
  BytesView value;
  bool is_delete = false;
  Quorum w;
  Durability durability = Durability::bucket_default;
  std::uint64_t time_to_live_ms = 0;  // 0: the bucket's
  bool want_evidence = false;
  bool forwarded = false;
  Sloppy sloppy = Sloppy::bucket_default;
};

struct PutReply {
  /// Covers the new write and all it replaced.
  BytesView context;
  /// How many siblings the key has now; above 1 somebody should resolve them.
  std::uint16_t siblings = 0;
  bool weak = false;
  Evidence evidence;
  /// Fallbacks that hold the write in the place of owners, and count to W.
  std::uint16_t stand_ins = 0;
};

/// One page of a partition's records in key order, or of one partition key's within it.
struct Scan {
  BucketId bucket;
  PartitionId partition;
  /// Empty: the whole bucket's records in this partition.
  BytesView partition_key;
  /// Sort keys from this on (inclusive) and below that (exclusive; empty: no end). With a partition
  /// key only.
  BytesView sort_key_from;
  BytesView sort_key_to;
  /// From the page before; opaque. Empty: from the start.
  BytesView cursor;
  /// 0: as many as fit a page. Above limits::scan_page_records it is read as that.
  std::uint32_t limit_records = 0;
  Quorum r;
  bool forwarded = false;
  Sloppy sloppy = Sloppy::bucket_default;
};

struct ScanEntry {
  BytesView partition_key;
  BytesView sort_key;
  BytesView context;
  std::vector<SiblingView> siblings;
};

struct ScanReply {
  std::vector<ScanEntry> entries;
  /// Empty: that was all.
  BytesView cursor;
  std::uint16_t stand_ins = 0;  // as in GetReply
};

struct RingRequest {
  EpochNumber have;
};

enum class Liveness : std::uint8_t { alive = 1, suspect = 2, dead = 3, left = 4 };

struct RingMember {
  NodeId node;
  Liveness liveness = Liveness::dead;
  std::uint16_t shards = 0;
  BytesView client_address;  // Address::text(); empty if unknown
  BytesView peer_address;
};

struct RingReply {
  EpochNumber number;
  /// ring/epoch_codec's bytes; empty if the asker has this epoch.
  BytesView epoch;
  NodeId self;
  /// Of the epoch's members; at most limits::nodes.
  std::vector<RingMember> members;
};

/// What a request to a replica names besides the record: the sender's view of the partition.
struct ReplicaScope {
  PartitionId partition;
  ConfigurationNumber configuration;
  Generation generation;
};

/// Merge this record into yours.
struct ReplicaWrite {
  ReplicaScope scope;
  /// As on disk: token | bucket | length, partition key | sort key (storage/key.h).
  BytesView key;
  /// As on disk (storage/record.h), checksum and all; it travels and is stored as it is.
  BytesView record;
  Durability durability = Durability::commit;
  /// A repair, not a client's write: yields to those.
  bool is_repair = false;
  /// Not zero: keep it as a hint for this owner, which cannot be reached; this node is a fallback.
  NodeId intended;
  /// With `intended`: how many owners must hold it before the hint may go.
  std::uint8_t owners = 0;
};

struct ReplicaWriteReply {
  RunId run;
  /// The replica's log is synced to here.
  std::uint64_t synced = 0;
  Generation generation;
};

struct ReplicaRead {
  ReplicaScope scope;
  BytesView key;
  bool digest_only = false;
  /// Asked of a fallback: what its hints hold.
  bool stands_in = false;
};

struct ReplicaReadReply {
  /// Of the record's version (storage/versions.h); 0 for no record.
  std::uint64_t digest = 0;
  /// Empty for a digest or when there is none.
  BytesView record;
  Generation generation;
  /// That of the last purge that was applied here: what others read below it may be too old.
  Generation purged;
};

struct ReplicaScan {
  ReplicaScope scope;
  /// Keys as on disk, [from, to).
  BytesView from;
  BytesView to;
  std::uint32_t limit_records = 0;  // as in Scan
  bool stands_in = false;           // as in ReplicaRead
  BucketId bucket;                  // whose records are wanted; 0: of any
};

struct ReplicaScanEntry {
  BytesView key;
  BytesView record;
};

struct ReplicaScanReply {
  std::vector<ReplicaScanEntry> entries;
  /// The page stopped at a limit: there may be more after the last entry.
  bool truncated = false;
  Generation generation;
  Generation purged;  // as in ReplicaReadReply
};

/// What this copy holds of one record; for `explain`.
struct ReplicaInspect {
  ReplicaScope scope;
  BytesView key;
};

struct ReplicaInspectReply {
  BytesView record;
  std::uint64_t digest = 0;
  std::uint64_t leaf_hash = 0;
  std::uint64_t leaf_records = 0;
  std::uint64_t root_hash = 0;
  std::uint64_t partition_records = 0;
  Generation generation;
};

/// Comparing two copies of partitions (DESIGN: repair). Beyond the roots, hashes travel folded to
/// 32 bits under a salt that changes with each comparison (node/transfer/folded.h): what a folded
/// hash hides once it shows the next time.
struct TreeRoot {
  PartitionId partition;
  ConfigurationNumber configuration;
  std::uint64_t hash = 0;
};

/// "Which of your trees differ from mine?" for partitions of one shard of the node asked.
struct TreeRoots {
  /// Of the first root.
  ReplicaScope scope;
  std::uint64_t salt = 0;
  std::vector<TreeRoot> roots;
};

enum class TreeState : std::uint8_t {
  equal = 0,
  differing = 1,
  /// The same of a copy that may lack data.
  equal_unsure = 2,
  differing_unsure = 3,
  /// No copy of that configuration.
  refused = 4,
};

struct TreeDifference {
  /// Of the root among those asked about.
  std::uint16_t place = 0;
  std::uint8_t depth = 0;
  /// The 16 folded cells of level 1; none at depth 0.
  std::vector<std::uint32_t> cells;
};

struct TreeRootsReply {
  std::vector<TreeState> states;  // one a root
  std::vector<TreeDifference> differing;
};

/// The 16 cells below each of these cells of a level.
struct TreeCells {
  ReplicaScope scope;
  std::uint64_t salt = 0;
  std::uint8_t level = 0;
  std::vector<std::uint32_t> parents;
};

struct TreeCellsReply {
  std::uint8_t depth = 0;
  /// Folded, 16 a parent; none if the tree ends at the level of the parents.
  std::vector<std::uint32_t> cells;
};

/// "What of [from, to) do you hold otherwise than I?"
struct RangeDigests {
  ReplicaScope scope;
  std::uint64_t salt = 0;
  BytesView from;
  BytesView to;
  /// The folded leaf hashes of the asker's records there, in order of their keys.
  std::vector<std::uint32_t> hashes;
  /// The same folded to 16 bits; in place of `hashes`.
  std::vector<std::uint16_t> short_hashes;
};

struct RangeDigest {
  BytesView key;
  std::uint64_t digest = 0;  // 0: left out
};

struct RangeDigestsReply {
  /// Records held whose hash was not sent as often as it is held, in order of their keys.
  std::vector<RangeDigest> unknown;
  /// The places of hashes that were not sent as often as they are held.
  std::vector<std::uint16_t> missing;
  /// What is said is true of keys below this; empty: of the whole range.
  BytesView covered_to;
  /// The XOR of the whole leaf hashes of the records that are held and not `unknown`.
  std::uint64_t rest = 0;
};

/// What is held of [from, to), cut into at most limits::range_pieces pieces.
struct RangePieces {
  ReplicaScope scope;
  BytesView from;
  BytesView to;
};

/// The records from `first` (of the first piece: from the range's begin) up to the next piece.
struct RangePiece {
  BytesView first;
  std::uint64_t hash = 0;  // the XOR of their leaf hashes
  std::uint32_t records = 0;
};

struct RangePiecesReply {
  std::vector<RangePiece> pieces;
  /// The pieces end here; empty: at the range's end.
  BytesView covered_to;
};

struct RecordWanted {
  BytesView key;
  /// Of the version that the asker holds; 0 for none.
  std::uint64_t digest = 0;
};

/// "Send me of these what differs from what I hold."
struct ReplicaRecords {
  ReplicaScope scope;
  std::vector<RecordWanted> wanted;
};

enum class RecordState : std::uint8_t { same = 0, differing = 1, absent = 2, damaged = 3 };

struct RecordAnswer {
  RecordState state = RecordState::same;
  BytesView record;  // if differing
};

struct ReplicaRecordsReply {
  /// Of the first of those wanted; the rest did not fit and are asked for again.
  std::vector<RecordAnswer> answers;
  Generation generation;
  /// The copy may lack data.
  bool is_unsure = false;
};

/// What a purge would do to a record, as it is now.
enum class Purging : std::uint8_t {
  erase = 1,  ///< deleted, or expired for long enough
  trim = 2,   ///< keeps in its context only the actors of live dots
};

struct PurgeEntry {
  BytesView key;
  std::uint64_t digest = 0;
  Purging what = Purging::erase;
};

/// Which of your copy's records could be purged? From a key on; one page.
struct PurgeList {
  ReplicaScope scope;
  BytesView from;  // as on disk; empty: the partition's first
};

struct PurgeListReply {
  std::vector<PurgeEntry> entries;  // keys ascend
  /// Records below it have been looked at; empty: all of them.
  BytesView reach;
  Generation generation;  // under which they were looked at
  Generation purged;      // as in ReplicaReadReply
  ActorId actor;          // of the copy that was looked at
};

/// Raise your copy's generation to that of the scope, durably, if it is the copy that was listed.
struct PurgeRaise {
  ReplicaScope scope;
  /// Of the last purge that any owner has applied: a copy whose generation is below it was restored
  /// from an old state.
  Generation purged;
  /// As listed: another one since tells of a restart, over what may be an older state.
  ActorId actor;
};

struct PurgeRaiseReply {
  Generation generation;
};

/// All owners have reached the scope's generation, and listed these records alike before: purge
/// those that are unchanged.
struct PurgeApply {
  ReplicaScope scope;
  std::vector<PurgeEntry> entries;
};

struct PurgeApplyReply {
  std::uint32_t purged = 0;
  std::uint32_t trimmed = 0;
};

/// gossip's own bytes, whole state each way.
struct PushPull {
  BytesView state;
};

/// "What are you, and do you want what I want?" asked of every initial member before epoch 1.
struct BirthInfo {
  std::uint64_t configuration_hash = 0;  // of initial_members, replicas, partitions and buckets
};

struct BirthInfoReply {
  NodeId node;
  std::uint64_t configuration_hash = 0;
  bool is_empty = false;  // holds no epoch and no data
  BytesView gossip_address;
  BytesView zone;
  std::uint32_t weight = 0;
};

/// "Keep this first epoch durably." The reply is an EpochReply that carries it, or an error.
struct BirthAccept {
  BytesView epoch;
};

struct EpochFetch {
  EpochNumber have;
};

struct EpochReply {
  /// Empty if there is none newer than the asker has.
  BytesView epoch;
};

}  // namespace coterie::wire
