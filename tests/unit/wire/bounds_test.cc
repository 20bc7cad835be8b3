#include <doctest/doctest.h>

#include <string>

#include "base/limits.h"
#include "base/wire/codec.h"

namespace coterie::wire {
namespace {

using enum ErrorCode;

template <class T>
Bytes frame_of(const T& message) {
  if constexpr (std::is_same_v<T, PushPull>) {
    return encode(message, Kind::push_pull, {});
  } else {
    return encode(message, Envelope{});
  }
}

template <class T>
bool taken(const T& message) {
  const Bytes frame = frame_of(message);
  const auto decoded = decode<T>(BytesView(frame).substr(header_bytes));
  if (!decoded) MESSAGE(decoded.error().message);
  return decoded.has_value();
}

/// The code of the refusal, which has words; nothing if there was none.
template <class T>
std::optional<ErrorCode> refusal(const T& message) {
  const Bytes frame = frame_of(message);
  const auto decoded = decode<T>(BytesView(frame).substr(header_bytes));
  if (decoded) return std::nullopt;
  CHECK(decoded.error().message.find(": ") != std::string::npos);
  return decoded.error().code;
}

Bytes many(std::size_t size) {
  return Bytes(size, 'x');
}

TEST_CASE("a hello names a shared version, a known role, and shards that exist") {
  CHECK(taken(Hello{.version = protocol_version + 1, .version_oldest = protocol_version}));
  CHECK(taken(Hello{.version = 0xffff}));
  CHECK(refusal(Hello{.version = protocol_version + 1, .version_oldest = protocol_version + 1}) ==
        unsupported_version);
  CHECK(refusal(Hello{.version = 0}) == corrupt);
  CHECK(refusal(Hello{.version_oldest = 0}) == corrupt);
  CHECK(refusal(Hello{.version_oldest = protocol_version + 1}) == corrupt);
  for (const int role : {1, 2, 3}) CHECK(taken(Hello{.role = static_cast<Role>(role)}));
  for (const int role : {0, 4, 255}) {
    CHECK(refusal(Hello{.role = static_cast<Role>(role)}) == corrupt);
  }
  CHECK(taken(Hello{.shard = ShardIndex{limits::shards_most - 1}, .shards = limits::shards_most}));
  CHECK(refusal(Hello{.shard = ShardIndex{limits::shards_most}}) == corrupt);
  CHECK(refusal(Hello{.shards = limits::shards_most + 1}) == corrupt);
  CHECK(refusal(Hello{.authentication = 1}) == unsupported_version);
  const Bytes build = many(limits::build_bytes);
  const Bytes longer = build + "x";
  CHECK(taken(Hello{.build = build}));
  CHECK(refusal(Hello{.build = longer}) == too_large);
}

TEST_CASE("an error has a code; one of a later version says nothing") {
  CHECK(refusal(ErrorReply{.code = static_cast<ErrorCode>(0)}) == corrupt);
  for (int code = 1; code <= 255; ++code) {
    const Bytes frame = encode(ErrorReply{.code = static_cast<ErrorCode>(code)}, {});
    const auto reply = decode<ErrorReply>(BytesView(frame).substr(header_bytes));
    REQUIRE(reply);
    CHECK(reply->code == static_cast<ErrorCode>(code <= 21 ? code : 20));
  }
}

TEST_CASE("partition key and sort key share one limit") {
  const Bytes most = many(limits::key_bytes);
  const Bytes half = many(limits::key_bytes / 2);
  const Bytes half_and_one = half + "x";
  for (const auto& [partition_key, sort_key] :
       {std::pair<BytesView, BytesView>{most, ""}, {half, half}, {"p", half}}) {
    const Key key{.partition_key = partition_key, .sort_key = sort_key};
    CHECK(taken(Get{.key = key}));
    CHECK(taken(Put{.key = key}));
  }
  for (const auto& [partition_key, sort_key] :
       {std::pair<BytesView, BytesView>{most, "s"}, {half, half_and_one}, {"p", most}}) {
    const Key key{.partition_key = partition_key, .sort_key = sort_key};
    CHECK(refusal(Get{.key = key}) == too_large);
    CHECK(refusal(Put{.key = key}) == too_large);
    const ScanReply page{.entries = {{.partition_key = partition_key, .sort_key = sort_key}}};
    CHECK(refusal(page) == too_large);
  }
  CHECK(refusal(Get{}) == corrupt);
  CHECK(refusal(Put{}) == corrupt);
  CHECK(refusal(ScanReply{.entries = {{.sort_key = "s"}}}) == corrupt);
}

TEST_CASE("R and W are a number of owners or a name") {
  const Key key{.partition_key = "p"};
  for (int count = 0; count <= 255; ++count) {
    const Quorum quorum{static_cast<std::uint8_t>(count)};
    if (count <= 7 || count >= 254) {
      CHECK(taken(Get{.key = key, .r = quorum}));
      CHECK(taken(Put{.key = key, .w = quorum}));
      CHECK(taken(Scan{.r = quorum}));
    } else {
      CHECK(refusal(Get{.key = key, .r = quorum}) == corrupt);
      CHECK(refusal(Put{.key = key, .w = quorum}) == corrupt);
      CHECK(refusal(Scan{.r = quorum}) == corrupt);
    }
  }
}

TEST_CASE("a put's value, context, durability and time to live have bounds") {
  const Key key{.partition_key = "p"};
  const Bytes value = many(limits::value_bytes_most);
  const Bytes longer = value + "x";
  CHECK(taken(Put{.key = key, .value = value}));
  CHECK(refusal(Put{.key = key, .value = longer}) == too_large);
  CHECK(taken(Put{.key = key, .context = BytesView(value).substr(0, limits::context_bytes)}));
  CHECK(
      refusal(Put{.key = key, .context = BytesView(value).substr(0, limits::context_bytes + 1)}) ==
      too_large);
  CHECK(taken(Put{.key = key, .durability = Durability::interval}));
  CHECK(refusal(Put{.key = key, .durability = static_cast<Durability>(3)}) == corrupt);
  constexpr auto most = static_cast<std::uint64_t>(limits::time_to_live_most.count());
  CHECK(taken(Put{.key = key, .time_to_live_ms = most}));
  CHECK(refusal(Put{.key = key, .time_to_live_ms = most + 1}) == corrupt);
  CHECK(taken(Put{.key = key, .is_delete = true}));
  CHECK(refusal(Put{.key = key, .value = "v", .is_delete = true}) == corrupt);
}

TEST_CASE("replies have bounds too") {
  const Bytes value = many(limits::value_bytes_most);
  const Bytes longer = value + "x";
  CHECK(taken(GetReply{.siblings = {{.value = value}}}));
  CHECK(refusal(GetReply{.siblings = {{.value = longer}}}) == too_large);
  CHECK(refusal(GetReply{.context = longer}) == too_large);
  CHECK(refusal(PutReply{.context = longer}) == too_large);
  CHECK(taken(GetReply{.siblings = std::vector<SiblingView>(limits::siblings_a_frame)}));
  CHECK(refusal(GetReply{.siblings = std::vector<SiblingView>(limits::siblings_a_frame + 1)}) ==
        too_large);
  CHECK(taken(PutReply{.evidence = {.answered = std::vector<NodeId>(limits::evidence_nodes)}}));
  CHECK(refusal(PutReply{.evidence = {.answered = std::vector<NodeId>(limits::evidence_nodes +
                                                                      1)}}) == too_large);
}

TEST_CASE("siblings of all of a page's entries share the frame's limit") {
  constexpr std::size_t each = limits::siblings_a_frame / limits::scan_page_records;
  const ScanEntry entry{.partition_key = "p", .siblings = std::vector<SiblingView>(each)};
  CHECK(taken(ScanReply{.entries = std::vector<ScanEntry>(limits::scan_page_records, entry)}));
  ScanEntry more = entry;
  more.siblings.resize(each * 2);
  CHECK(refusal(ScanReply{.entries = std::vector<ScanEntry>(limits::scan_page_records, more)}) ==
        corrupt);
}

TEST_CASE("a scan's partition, keys and cursor have bounds") {
  const Bytes most = many(limits::key_bytes);
  const Bytes rest = many(limits::key_bytes - 1);
  const Bytes cursor = many(limits::cursor_bytes);
  const Bytes longer = cursor + "x";
  CHECK(taken(Scan{.partition = PartitionId{limits::partitions_most - 1}}));
  CHECK(refusal(Scan{.partition = PartitionId{limits::partitions_most}}) == corrupt);
  CHECK(taken(Scan{.partition_key = most}));
  CHECK(taken(Scan{.partition_key = "p", .sort_key_from = rest, .sort_key_to = rest}));
  CHECK(refusal(Scan{.partition_key = "p", .sort_key_from = most}) == too_large);
  CHECK(refusal(Scan{.partition_key = "p", .sort_key_to = most}) == too_large);
  CHECK(refusal(Scan{.sort_key_from = "s"}) == corrupt);
  CHECK(refusal(Scan{.sort_key_to = "s"}) == corrupt);
  CHECK(taken(Scan{.cursor = cursor}));
  CHECK(refusal(Scan{.cursor = longer}) == too_large);
  CHECK(taken(ScanReply{.cursor = cursor}));
  CHECK(refusal(ScanReply{.cursor = longer}) == too_large);
  const ScanEntry entry{.partition_key = "p"};
  CHECK(refusal(ScanReply{
            .entries = std::vector<ScanEntry>(limits::scan_page_records + 1, entry)}) == too_large);
}

TEST_CASE("the ring's members and epoch have bounds") {
  const RingMember member{.liveness = Liveness::alive, .shards = limits::shards_most};
  CHECK(taken(RingReply{.members = std::vector<RingMember>(limits::nodes, member)}));
  CHECK(refusal(RingReply{.members = std::vector<RingMember>(limits::nodes + 1, member)}) ==
        too_large);
  for (const int liveness : {0, 5, 255}) {
    CHECK(refusal(RingReply{.members = {{.liveness = static_cast<Liveness>(liveness)}}}) ==
          corrupt);
  }
  CHECK(refusal(RingReply{.members = {{.shards = limits::shards_most + 1}}}) == corrupt);
  const Bytes address = many(limits::address_bytes);
  const Bytes longer = address + "x";
  CHECK(taken(RingReply{.members = {{.client_address = address, .peer_address = address}}}));
  CHECK(refusal(RingReply{.members = {{.client_address = longer}}}) == too_large);
  CHECK(refusal(RingReply{.members = {{.peer_address = longer}}}) == too_large);
  const Bytes epoch = many(limits::epoch_bytes);
  const Bytes longer_epoch = epoch + "x";
  CHECK(taken(RingReply{.epoch = epoch}));
  CHECK(refusal(RingReply{.epoch = longer_epoch}) == too_large);
  CHECK(taken(EpochReply{.epoch = epoch}));
  CHECK(taken(EpochReply{}));
  CHECK(refusal(EpochReply{.epoch = longer_epoch}) == too_large);
  CHECK(taken(BirthAccept{.epoch = epoch}));
  CHECK(refusal(BirthAccept{}) == corrupt);
  CHECK(refusal(BirthAccept{.epoch = longer_epoch}) == too_large);
}

TEST_CASE("votes on epochs carry what their verdict says, and nothing else") {
  const EpochBallot ballot{.round = 1, .proposer = {.high = 1, .low = 1}};
  CHECK(taken(EpochPrepare{.ballot = ballot}));
  CHECK(refusal(EpochPrepare{}) == corrupt);
  CHECK(refusal(EpochPrepare{.ballot = {.round = 1}}) == corrupt);
  const Bytes epoch = many(limits::epoch_bytes);
  const Bytes longer = epoch + "x";
  CHECK(taken(EpochAccept{.ballot = ballot, .epoch = epoch}));
  CHECK(refusal(EpochAccept{.ballot = ballot}) == corrupt);
  CHECK(refusal(EpochAccept{.ballot = ballot, .epoch = longer}) == too_large);
  CHECK(taken(EpochVote{}));
  CHECK(refusal(EpochVote{.verdict = static_cast<EpochVerdict>(0)}) == corrupt);
  CHECK(refusal(EpochVote{.verdict = static_cast<EpochVerdict>(5)}) == corrupt);
  CHECK(taken(EpochVote{.verdict = EpochVerdict::decided, .epoch = epoch}));
  CHECK(refusal(EpochVote{.verdict = EpochVerdict::decided}) == corrupt);
  CHECK(refusal(EpochVote{.epoch = epoch}) == corrupt);
  CHECK(refusal(EpochVote{.accepted = ballot}) == corrupt);
  CHECK(taken(EpochVote{.accepted = ballot, .epoch = epoch}));
  CHECK(refusal(EpochVote{.accepted = ballot, .epoch = longer}) == too_large);
  CHECK(refusal(EpochVote{.verdict = EpochVerdict::outbid, .accepted = ballot, .epoch = epoch}) ==
        corrupt);
}

TEST_CASE("stored keys are longer than their header, and no longer than keys may be") {
  const Bytes shortest = many(15);
  const Bytes longest = many(limits::stored_key_bytes);
  const Bytes after = longest + "x";
  for (const Bytes& key : {shortest, longest}) {
    CHECK(taken(ReplicaWrite{.key = key, .record = "r"}));
    CHECK(taken(ReplicaRead{.key = key}));
    CHECK(taken(ReplicaInspect{.key = key}));
    CHECK(taken(ReplicaScanReply{.entries = {{.key = key, .record = "r"}}}));
  }
  const BytesView too_short = BytesView(shortest).substr(1);
  CHECK(refusal(ReplicaWrite{.key = too_short, .record = "r"}) == corrupt);
  CHECK(refusal(ReplicaRead{.key = too_short}) == corrupt);
  CHECK(refusal(ReplicaInspect{.key = too_short}) == corrupt);
  CHECK(refusal(ReplicaScanReply{.entries = {{.key = too_short, .record = "r"}}}) == corrupt);
  CHECK(refusal(ReplicaWrite{.key = after, .record = "r"}) == too_large);
  CHECK(refusal(ReplicaRead{.key = after}) == too_large);
  CHECK(refusal(ReplicaInspect{.key = after}) == too_large);
  CHECK(refusal(ReplicaScanReply{.entries = {{.key = after, .record = "r"}}}) == too_large);
  // A scan goes on right after the longest key.
  CHECK(taken(ReplicaScan{.from = after, .to = after}));
  const Bytes beyond = after + "x";
  CHECK(refusal(ReplicaScan{.from = beyond}) == too_large);
  CHECK(refusal(ReplicaScan{.to = beyond}) == too_large);
}

TEST_CASE("a replica is asked about a partition that can be, with a record that is") {
  const Bytes key = many(20);
  const ReplicaScope bad{.partition = PartitionId{limits::partitions_most}};
  CHECK(refusal(ReplicaWrite{.scope = bad, .key = key, .record = "r"}) == corrupt);
  CHECK(refusal(ReplicaRead{.scope = bad, .key = key}) == corrupt);
  CHECK(refusal(ReplicaScan{.scope = bad}) == corrupt);
  CHECK(refusal(ReplicaInspect{.scope = bad, .key = key}) == corrupt);
  CHECK(refusal(ReplicaWrite{.key = key}) == corrupt);
  CHECK(refusal(ReplicaWrite{
            .key = key, .record = "r", .durability = static_cast<Durability>(3)}) == corrupt);
  CHECK(refusal(ReplicaScanReply{.entries = {{.key = key}}}) == corrupt);
  // More than a put may store: merges refuse nothing.
  const Bytes record = many(limits::record_bytes + 100);
  CHECK(taken(ReplicaWrite{.key = key, .record = record}));
}

TEST_CASE("gossip's state and what a newborn node says have bounds") {
  const Bytes state = many(limits::gossip_state_bytes);
  const Bytes longer_state = state + "x";
  CHECK(taken(PushPull{}));
  CHECK(taken(PushPull{.state = state}));
  CHECK(refusal(PushPull{.state = longer_state}) == too_large);
  const Bytes address = many(limits::address_bytes + 1);
  const Bytes zone = many(limits::zone_name_bytes + 1);
  CHECK(taken(BirthInfoReply{.weight = limits::weight_most}));
  CHECK(refusal(BirthInfoReply{.weight = limits::weight_most + 1}) == corrupt);
  CHECK(refusal(BirthInfoReply{.gossip_address = address}) == too_large);
  CHECK(refusal(BirthInfoReply{.zone = zone}) == too_large);
}

}  // namespace
}  // namespace coterie::wire
