#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "base/wire/codec.h"

namespace coterie::wire::change_bounds_test {
namespace {

/// What a receiver says of the message; internal: takes it.
template <class T>
ErrorCode verdict(const T& message) {
  const Bytes frame = encode(message, Envelope{});
  const auto decoded = decode<T>(BytesView(frame).substr(header_bytes));
  return decoded ? ErrorCode::internal : decoded.error().code;
}

constexpr auto taken = ErrorCode::internal;
constexpr auto corrupt = ErrorCode::corrupt;
constexpr auto too_large = ErrorCode::too_large;
constexpr NodeId node{.high = 1, .low = 2};

Bytes key(std::size_t number) {
  Bytes digits = std::to_string(number);
  return "key that is long enough " + Bytes(6 - digits.size(), '0') + digits;
}

TEST_CASE("a stream is asked for in a session, from a key on") {
  CHECK(verdict(StreamOpen{.receiver = node, .session = 1}) == taken);
  CHECK(verdict(StreamOpen{.receiver = node}) == corrupt);
  CHECK(verdict(StreamOpen{.session = 1}) == corrupt);
  CHECK(verdict(StreamBatch{.receiver = node}) == corrupt);
  const Bytes bound(limits::stored_key_bytes + 1, 'k');
  CHECK(verdict(StreamBatch{.receiver = node, .session = 1, .from = bound}) == taken);
  const Bytes beyond = bound + "k";
  CHECK(verdict(StreamBatch{.receiver = node, .session = 1, .from = beyond}) == too_large);
}

TEST_CASE("a batch's keys ascend and lie below what was reached") {
  std::vector<Bytes> keys;
  for (std::size_t i = 0; i <= limits::scan_page_records; ++i) keys.push_back(key(i));
  StreamBatchReply most;
  for (std::size_t i = 0; i < limits::scan_page_records; ++i) {
    most.entries.push_back({.key = keys[i], .record = "r"});
  }
  most.reach = keys.back();
  CHECK(verdict(most) == taken);
  auto more = most;
  more.entries.push_back({.key = keys.back(), .record = "r"});
  more.reach = {};
  CHECK(verdict(more) == too_large);
  auto beyond = most;
  beyond.reach = keys[limits::scan_page_records - 1];
  CHECK(verdict(beyond) == corrupt);
  CHECK(verdict(StreamBatchReply{.entries = {{keys[1], "r"}, {keys[0], "r"}}}) == corrupt);
  CHECK(verdict(StreamBatchReply{.entries = {{keys[1], "r"}, {keys[1], "r"}}}) == corrupt);
  CHECK(verdict(StreamBatchReply{.entries = {{"short", "r"}}}) == corrupt);
  CHECK(verdict(StreamBatchReply{.entries = {{keys[1], ""}}}) == corrupt);
}

TEST_CASE("evidence is of one change, a partition once") {
  CHECK(verdict(ChangeEvidence{.change = 1}) == taken);
  CHECK(verdict(ChangeEvidence{}) == corrupt);
  CHECK(verdict(ChangeEvidenceReply{}) == corrupt);
  ChangeEvidenceReply most{.change = 1, .partitions = {}};
  for (std::uint32_t i = 0; i < limits::partitions_most; ++i) {
    most.partitions.push_back({.partition = PartitionId{i}, .covered = {}});
  }
  most.partitions[0].covered.resize(limits::replicas_most, node);
  CHECK(verdict(most) == taken);
  auto wide = most;
  wide.partitions[0].covered.push_back(node);
  CHECK(verdict(wide) == too_large);
  auto more = most;
  more.partitions.push_back({.partition = PartitionId{limits::partitions_most}, .covered = {}});
  CHECK(verdict(more) == too_large);
  auto twice = most;
  twice.partitions.pop_back();
  twice.partitions.back().partition = PartitionId{0};
  CHECK(verdict(twice) == corrupt);
}

TEST_CASE("a node's facts name it, its standing, and each partition once with its bytes") {
  const NodeFactsReply fine{.node = node, .standing = NodeStanding::former};
  CHECK(verdict(fine) == taken);
  auto nobody = fine;
  nobody.node = {};
  CHECK(verdict(nobody) == corrupt);
  for (const int value : {0, 6}) {
    auto other = fine;
    other.standing = static_cast<NodeStanding>(value);
    CHECK(verdict(other) == corrupt);
  }
  auto most = fine;
  for (std::uint32_t i = 0; i < limits::partitions_most; ++i) most.partitions.push_back(i);
  CHECK(verdict(most) == corrupt);
  most.partition_bytes.resize(limits::partitions_most);
  CHECK(verdict(most) == taken);
  auto beyond = most;
  beyond.partitions.back() += 1;
  CHECK(verdict(beyond) == corrupt);
  auto twice = most;
  twice.partitions.front() = 1;
  CHECK(verdict(twice) == corrupt);
  auto more = most;
  more.partitions.push_back(0);
  more.partition_bytes.push_back(0);
  CHECK(verdict(more) == too_large);
  auto heavy = fine;
  heavy.weight = limits::weight_most + 1;
  CHECK(verdict(heavy) == corrupt);
  const Bytes name(limits::cluster_name_bytes + 1, 'n');
  auto wordy = fine;
  wordy.cluster_name = name;
  CHECK(verdict(wordy) == too_large);
}

}  // namespace
}  // namespace coterie::wire::change_bounds_test
