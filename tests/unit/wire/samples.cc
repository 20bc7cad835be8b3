#include "tests/unit/wire/samples.h"

#include <string_view>

#include "base/wire/codec.h"

namespace coterie::wire {

namespace {

using namespace std::string_view_literals;

constexpr Envelope envelope{.request_id = 0x0102030405060708, .deadline_ms = 5000};
constexpr NodeId node_a{.high = 0xa0a1a2a3a4a5a6a7, .low = 0xa8a9aaabacadaeaf};
constexpr NodeId node_b{.high = 0xb0b1b2b3b4b5b6b7, .low = 0xb8b9babbbcbdbebf};
constexpr ReplicaScope scope{.partition = PartitionId{1023},
                             .configuration = ConfigurationNumber{7},
                             .generation = Generation{3}};
constexpr auto stored_key = "\x11\x22\x33\x44\x55\x66\x77\x88\0\0\0\x05\0\x04userinbox"sv;

Key key() {
  return {.bucket = BucketId{5}, .partition_key = "user", .sort_key = "inbox"};
}

std::vector<SiblingView> two_siblings() {
  return {
      {.value = "first value", .timestamp = Timestamp{0x018c000000010002}, .expires_ms = 0},
      {.value = "second", .timestamp = Timestamp{0x018c000000020000}, .expires_ms = 1700000000123}};
}

Evidence evidence() {
  return {.answered = {node_a, node_b}, .agreed = false, .repaired = 1, .hints = 2};
}

void add_session(std::vector<SampleFrame>& out) {
  out.push_back({"hello_peer", encode(Hello{.role = Role::peer,
                                            .cluster = {.high = 1, .low = 2},
                                            .node = node_a,
                                            .run = RunId{0x1122334455667788},
                                            .shard = ShardIndex{3},
                                            .shards = 8,
                                            .features = 1,
                                            .build = "coterie 0.1.0"})});
  out.push_back({"hello_client", encode(Hello{})});
  out.push_back({"error", encode(ErrorReply{.code = ErrorCode::overloaded,
                                            .retry_after_ms = 25,
                                            .message = "too many requests in flight"},
                                 envelope)});
  out.push_back({"go_away", encode(GoAway{.retry_after_ms = 1000})});
}

void add_client(std::vector<SampleFrame>& out) {
  out.push_back(
      {"get", encode(Get{.key = key(), .r = Quorum{2}, .want_evidence = true, .forwarded = true},
                     envelope)});
  out.push_back(
      {"get_bare", encode(Get{.key = {.bucket = BucketId{}, .partition_key = "k"}}, Envelope{})});
  out.push_back({"get_strict", encode(Get{.key = key(), .sloppy = Sloppy::no}, envelope)});
  out.push_back({"get_reply_hinted", encode(GetReply{.context = "seen",
                                                     .siblings = two_siblings(),
                                                     .evidence = evidence(),
                                                     .stand_ins = 1},
                                            envelope)});
  out.push_back(
      {"put_sloppy",
       encode(Put{.id = {.high = 1, .low = 2}, .key = key(), .value = "v", .sloppy = Sloppy::yes},
              envelope)});
  out.push_back({"put_reply_hinted",
                 encode(PutReply{.context = "seen", .siblings = 1, .stand_ins = 2}, envelope)});
  out.push_back(
      {"scan_strict",
       encode(Scan{.bucket = BucketId{5}, .partition = PartitionId{7}, .sloppy = Sloppy::no},
              envelope)});
  out.push_back(
      {"scan_reply_hinted", encode(ScanReply{.cursor = "next", .stand_ins = 1}, envelope)});
  out.push_back({"get_reply", encode(GetReply{.context = "seen",
                                              .siblings = two_siblings(),
                                              .weak = true,
                                              .evidence = evidence()},
                                     envelope)});
  out.push_back({"get_reply_absent", encode(GetReply{}, envelope)});
  out.push_back({"put", encode(Put{.id = {.high = 9, .low = 10},
                                   .key = key(),
                                   .context = "seen",
                                   .value = "the value",
                                   .w = {Quorum::quorum},
                                   .durability = Durability::interval,
                                   .time_to_live_ms = 60000,
                                   .want_evidence = true,
                                   .forwarded = true},
                               envelope)});
  out.push_back({"put_delete", encode(Put{.id = {.high = 9, .low = 11},
                                          .key = key(),
                                          .context = "seen",
                                          .is_delete = true,
                                          .w = {Quorum::all}},
                                      envelope)});
  out.push_back(
      {"put_reply",
       encode(PutReply{.context = "now seen", .siblings = 2, .weak = true, .evidence = evidence()},
              envelope)});
}

void add_ring(std::vector<SampleFrame>& out) {
  out.push_back({"scan", encode(Scan{.bucket = BucketId{5},
                                     .partition = PartitionId{77},
                                     .partition_key = "user",
                                     .sort_key_from = "a",
                                     .sort_key_to = "n",
                                     .cursor = "page 2",
                                     .limit_records = 100,
                                     .r = Quorum{1},
                                     .forwarded = true},
                                envelope)});
  out.push_back({"scan_reply", encode(ScanReply{.entries = {{.partition_key = "user",
                                                             .sort_key = "inbox",
                                                             .context = "seen",
                                                             .siblings = two_siblings()},
                                                            {.partition_key = "user"}},
                                                .cursor = "page 3"},
                                      envelope)});
  out.push_back({"ring", encode(RingRequest{.have = {.lineage = 1, .number = 41}}, envelope)});
  out.push_back({"ring_reply", encode(RingReply{.number = {.lineage = 1, .number = 42},
                                                .epoch = "the epoch",
                                                .self = node_a,
                                                .members = {{.node = node_a,
                                                             .liveness = Liveness::alive,
                                                             .shards = 4,
                                                             .client_address = "127.0.0.1:7100",
                                                             .peer_address = "127.0.0.1:7101"},
                                                            {.node = node_b}}},
                                      envelope)});
}

void add_replica(std::vector<SampleFrame>& out) {
  out.push_back({"replica_write", encode(ReplicaWrite{.scope = scope,
                                                      .key = stored_key,
                                                      .record = "a record's bytes",
                                                      .durability = Durability::interval,
                                                      .is_repair = true},
                                         envelope)});
  out.push_back({"replica_write_hint", encode(ReplicaWrite{.scope = scope,
                                                           .key = stored_key,
                                                           .record = "a record's bytes",
                                                           .intended = node_b,
                                                           .owners = 2},
                                              envelope)});
  out.push_back(
      {"replica_read_hint",
       encode(ReplicaRead{.scope = scope, .key = stored_key, .stands_in = true}, envelope)});
  out.push_back(
      {"replica_scan_hint",
       encode(
           ReplicaScan{.scope = scope, .from = stored_key, .limit_records = 9, .stands_in = true},
           envelope)});
  out.push_back(
      {"replica_write_reply",
       encode(ReplicaWriteReply{.run = RunId{12}, .synced = 34567, .generation = Generation{3}},
              envelope)});
  out.push_back(
      {"replica_read",
       encode(ReplicaRead{.scope = scope, .key = stored_key, .digest_only = true}, envelope)});
  out.push_back({"replica_read_reply", encode(ReplicaReadReply{.digest = 0xd1d2d3d4d5d6d7d8,
                                                               .record = "a record",
                                                               .generation = Generation{3}},
                                              envelope)});
  out.push_back(
      {"replica_scan",
       encode(ReplicaScan{.scope = scope, .from = stored_key, .to = "\x12"sv, .limit_records = 50},
              envelope)});
  out.push_back(
      {"replica_scan_bucket",
       encode(ReplicaScan{.scope = scope, .from = stored_key, .bucket = BucketId{3}}, envelope)});
  out.push_back({"replica_scan_reply",
                 encode(ReplicaScanReply{.entries = {{.key = stored_key, .record = "one"},
                                                     {.key = stored_key, .record = "two"}},
                                         .truncated = true,
                                         .generation = Generation{3}},
                        envelope)});
  out.push_back(
      {"replica_inspect", encode(ReplicaInspect{.scope = scope, .key = stored_key}, envelope)});
  out.push_back({"replica_inspect_reply", encode(ReplicaInspectReply{.record = "a record",
                                                                     .digest = 1,
                                                                     .leaf_hash = 2,
                                                                     .leaf_records = 3,
                                                                     .root_hash = 4,
                                                                     .partition_records = 5,
                                                                     .generation = Generation{6}},
                                                 envelope)});
}

void add_trees(std::vector<SampleFrame>& out) {
  out.push_back({"tree_roots", encode(TreeRoots{.scope = scope,
                                                .salt = 0x5a17,
                                                .roots = {{.partition = PartitionId{7},
                                                           .configuration = ConfigurationNumber{2},
                                                           .hash = 0xa1a2a3a4a5a6a7a8},
                                                          {.partition = PartitionId{9}}}},
                                      envelope)});
  out.push_back({"tree_roots_reply",
                 encode(TreeRootsReply{.states = {TreeState::equal, TreeState::differing,
                                                  TreeState::differing_unsure, TreeState::refused},
                                       .differing = {{.place = 1,
                                                      .depth = 2,
                                                      .cells = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
                                                                11, 12, 13, 14, 0xffffffff}},
                                                     {.place = 2}}},
                        envelope)});
  out.push_back({"tree_cells",
                 encode(TreeCells{.scope = scope, .salt = 0x5a17, .level = 1, .parents = {0, 15}},
                        envelope)});
  out.push_back(
      {"tree_cells_reply", encode(TreeCellsReply{.depth = 2, .cells = {1, 2, 3}}, envelope)});
  out.push_back({"range_digests", encode(RangeDigests{.scope = scope,
                                                      .salt = 0x5a17,
                                                      .from = "\x12"sv,
                                                      .to = "\x13"sv,
                                                      .hashes = {1, 0xfffffffe}},
                                         envelope)});
  out.push_back({"range_digests_short", encode(RangeDigests{.scope = scope,
                                                            .salt = 0x5a17,
                                                            .from = "\x12"sv,
                                                            .to = "\x13"sv,
                                                            .short_hashes = {1, 0xfffe}},
                                               envelope)});
  out.push_back(
      {"range_digests_reply_rest", encode(RangeDigestsReply{.unknown = {{.key = stored_key}},
                                                            .missing = {1},
                                                            .rest = 0xe1e2e3e4e5e6e7e8},
                                          envelope)});
  out.push_back({"range_digests_reply",
                 encode(RangeDigestsReply{.unknown = {{.key = stored_key, .digest = 0xd1},
                                                      {.key = stored_key}},
                                          .missing = {0, 1},
                                          .covered_to = "\x12\x13"sv},
                        envelope)});
  out.push_back({"range_pieces",
                 encode(RangePieces{.scope = scope, .from = "\x12"sv, .to = "\x13"sv}, envelope)});
  out.push_back(
      {"range_pieces_reply",
       encode(RangePiecesReply{.pieces = {{.first = stored_key, .hash = 1, .records = 256},
                                          {.first = stored_key}},
                               .covered_to = "\x12\x13"sv},
              envelope)});
  out.push_back(
      {"replica_records",
       encode(ReplicaRecords{.scope = scope,
                             .wanted = {{.key = stored_key, .digest = 0xd1}, {.key = stored_key}}},
              envelope)});
  out.push_back(
      {"replica_records_reply",
       encode(ReplicaRecordsReply{.answers = {{.state = RecordState::same},
                                              {.state = RecordState::differing, .record = "one"},
                                              {.state = RecordState::absent},
                                              {.state = RecordState::damaged}},
                                  .generation = Generation{3},
                                  .is_unsure = true},
              envelope)});
}

void add_purge(std::vector<SampleFrame>& out) {
  constexpr auto other_key = "\x11\x22\x33\x44\x55\x66\x77\x89\0\0\0\x05\0\x04userinbox"sv;
  const std::vector<PurgeEntry> entries = {
      {.key = stored_key, .digest = 0xd1d2d3d4d5d6d7d8, .what = Purging::erase},
      {.key = other_key, .digest = 5, .what = Purging::trim}};
  out.push_back({"purge_list", encode(PurgeList{.scope = scope, .from = stored_key}, envelope)});
  out.push_back({"purge_list_reply", encode(PurgeListReply{.entries = entries,
                                                           .reach = "\x12"sv,
                                                           .generation = Generation{3},
                                                           .actor = ActorId{0xa1a2a3a4a5a6a7a8}},
                                            envelope)});
  out.push_back({"purge_raise", encode(PurgeRaise{.scope = scope,
                                                  .purged = Generation{2},
                                                  .actor = ActorId{0xa1a2a3a4a5a6a7a8}},
                                       envelope)});
  out.push_back(
      {"purge_raise_reply", encode(PurgeRaiseReply{.generation = Generation{4}}, envelope)});
  out.push_back({"purge_apply", encode(PurgeApply{.scope = scope, .entries = entries}, envelope)});
  out.push_back(
      {"purge_apply_reply", encode(PurgeApplyReply{.purged = 7, .trimmed = 2}, envelope)});
}

void add_changes(std::vector<SampleFrame>& out) {
  out.push_back(
      {"stream_open",
       encode(StreamOpen{.scope = scope, .receiver = node_b, .session = 7, .from = stored_key},
              envelope)});
  out.push_back({"stream_open_reply", encode(StreamOpenReply{.generation = Generation{3},
                                                             .purged = Generation{2},
                                                             .records = 1000},
                                             envelope)});
  out.push_back({"stream_batch",
                 encode(StreamBatch{.scope = scope, .receiver = node_b, .session = 7}, envelope)});
  out.push_back({"stream_batch_reply",
                 encode(StreamBatchReply{.entries = {{.key = stored_key, .record = "one"}},
                                         .reach = "\x7f"sv,
                                         .generation = Generation{3},
                                         .purged = Generation{2}},
                        envelope)});
  out.push_back({"change_evidence", encode(ChangeEvidence{.change = 42}, envelope)});
  out.push_back({"change_evidence_reply",
                 encode(ChangeEvidenceReply{.change = 42,
                                            .partitions = {{.partition = PartitionId{3},
                                                            .fenced = ConfigurationNumber{2},
                                                            .covered = {node_a, node_b},
                                                            .covered_at = ConfigurationNumber{2}},
                                                           {.partition = PartitionId{9},
                                                            .fenced = ConfigurationNumber{1},
                                                            .covered = {}}},
                                            .holds_nothing_for_others = true},
                        envelope)});
  out.push_back({"node_facts", encode(NodeFacts{.with_partitions = true}, envelope)});
  out.push_back({"node_facts_reply", encode(NodeFactsReply{.node = node_b,
                                                           .standing = NodeStanding::member,
                                                           .cluster_name = "coterie",
                                                           .cluster = {.high = 1, .low = 2},
                                                           .epoch = {.lineage = 1, .number = 7},
                                                           .gossip_address = "[::1]:7102",
                                                           .zone = "east",
                                                           .weight = 100,
                                                           .shards = 4,
                                                           .build = "0.1.0",
                                                           .free_bytes = 1ULL << 40,
                                                           .data_bytes = 3000,
                                                           .stream_bytes_a_second = 1U << 20,
                                                           .partitions = {3, 9},
                                                           .partition_bytes = {1000, 2000}},
                                            envelope)});
  const LifeMark mark{.node = node_b,
                      .life = 2,
                      .incarnation = 3U << 20,
                      .run = RunId{77},
                      .vote_slot = {.lineage = 1, .number = 8},
                      .promised = {.round = 5, .proposer = node_a},
                      .accepted = {.round = 4, .proposer = node_b},
                      .logs = {{.log_id = 9, .synced = 1000}, {.log_id = 10, .synced = 0}},
                      .is_recovering = true};
  out.push_back({"life_mark", encode(mark, envelope)});
  out.push_back({"life_mark_reply", encode(LifeMarkReply{.known = mark,
                                                         .epoch = {.lineage = 1, .number = 7},
                                                         .has_accepted = true,
                                                         .may_vote = true},
                                           envelope)});
}

void add_gossip(std::vector<SampleFrame>& out) {
  out.push_back({"push_pull", encode(PushPull{.state = "members"}, Kind::push_pull, envelope)});
  out.push_back(
      {"push_pull_reply", encode(PushPull{.state = "members"}, Kind::push_pull_reply, envelope)});
  out.push_back({"birth_info", encode(BirthInfo{.configuration_hash = 0xc1}, envelope)});
  out.push_back({"birth_info_reply", encode(BirthInfoReply{.node = node_b,
                                                           .configuration_hash = 0xc1,
                                                           .is_empty = true,
                                                           .gossip_address = "[::1]:7102",
                                                           .zone = "east",
                                                           .weight = 100},
                                            envelope)});
  out.push_back({"birth_accept", encode(BirthAccept{.epoch = "the epoch"}, envelope)});
  out.push_back({"epoch_fetch", encode(EpochFetch{.have = {.lineage = 1, .number = 1}}, envelope)});
  out.push_back({"epoch_reply", encode(EpochReply{.epoch = "the epoch"}, envelope)});
}

void add_epochs(std::vector<SampleFrame>& out) {
  const EpochBallot ballot{.round = 3, .proposer = node_a};
  const EpochNumber slot{.lineage = 1, .number = 42};
  out.push_back(
      {"epoch_prepare",
       encode(EpochPrepare{.slot = slot, .base_hash = 0xb1b2, .ballot = ballot}, envelope)});
  out.push_back(
      {"epoch_accept",
       encode(
           EpochAccept{.slot = slot, .base_hash = 0xb1b2, .ballot = ballot, .epoch = "the epoch"},
           envelope)});
  out.push_back({"epoch_vote", encode(EpochVote{.verdict = EpochVerdict::granted,
                                                .promised = ballot,
                                                .accepted = {.round = 2, .proposer = node_b},
                                                .epoch = "the epoch"},
                                      envelope)});
  out.push_back({"epoch_vote_outbid",
                 encode(EpochVote{.verdict = EpochVerdict::outbid, .promised = ballot}, envelope)});
}

}  // namespace

std::vector<SampleFrame> sample_frames() {
  std::vector<SampleFrame> out;
  add_session(out);
  add_client(out);
  add_ring(out);
  add_replica(out);
  add_trees(out);
  add_purge(out);
  add_changes(out);
  add_gossip(out);
  add_epochs(out);
  return out;
}

}  // namespace coterie::wire
