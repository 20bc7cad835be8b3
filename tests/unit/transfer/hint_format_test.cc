#include "node/transfer/hint_format.h"

#include <doctest/doctest.h>

#include <array>

using namespace coterie;
using namespace coterie::transfer;

namespace {

constexpr NodeId node{.high = 0x0102030405060708, .low = 0x090a0b0c0d0e0f10};

}  // namespace

TEST_CASE("hints, marks and their times have these bytes") {
  CHECK(encode_hint_key({.target = node, .partition = PartitionId{0x11121314}, .key = "key"}) ==
        Bytes("\x01\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
              "\x11\x12\x13\x14key"));
  CHECK(encode_mark_key({.partition = PartitionId{0x11121314}, .target = node}) ==
        Bytes("h\x11\x12\x13\x14"
              "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"));
  CHECK(encode_since(WallTime(std::chrono::milliseconds(0x0102))) ==
        Bytes("\x01\x02\x01\0\0\0\0\0\0", 9));
}

TEST_CASE("a hint that holds a record has these bytes") {
  CHECK(encode_hint_key({.kind = HintKind::record,
                         .target = node,
                         .partition = PartitionId{0x11121314},
                         .key = "key"})
            .substr(0, 3) == Bytes("\x02\x01\x02"));
  const RecordHint hint{.since = WallTime(std::chrono::milliseconds(0x0102)),
                        .generation = Generation{0x0304},
                        .owners = 2,
                        .record = "record"};
  const Bytes bytes = encode_record_hint(hint);
  CHECK(bytes == Bytes("\x01\x02\x01\0\0\0\0\0\0\x04\x03\0\0\0\0\0\0\x02record", 24));
  const auto decoded = decode_record_hint(bytes);
  REQUIRE(decoded);
  CHECK(decoded->since == hint.since);
  CHECK(decoded->generation == hint.generation);
  CHECK(decoded->owners == hint.owners);
  CHECK(decoded->record == hint.record);
  CHECK(decode_record_hint(BytesView(bytes).substr(0, 18)).error().code == ErrorCode::corrupt);
  CHECK(decode_record_hint("\x01short").error().code == ErrorCode::corrupt);
  CHECK(decode_record_hint("\x02").error().code == ErrorCode::unsupported_version);
}

TEST_CASE("what is encoded is decoded") {
  const Bytes key = encode_hint_key({.target = node, .partition = PartitionId{7}, .key = "key"});
  const auto hint = decode_hint_key(key);
  REQUIRE(hint);
  CHECK(hint->kind == HintKind::strict);
  CHECK(hint->target == node);
  CHECK(hint->partition == PartitionId{7});
  CHECK(hint->key == "key");
  const MarkKey mark{.partition = PartitionId{9}, .target = node};
  CHECK(decode_mark_key(encode_mark_key(mark)) == mark);
  const WallTime since(std::chrono::milliseconds(123456789));
  CHECK(decode_since(encode_since(since)) == since);
}

TEST_CASE("other bytes are refused") {
  const Bytes key = encode_hint_key({.target = node, .partition = PartitionId{7}, .key = {}});
  for (std::size_t size = 0; size < key.size(); ++size) {
    const auto cut = decode_hint_key(BytesView(key).substr(0, size));
    REQUIRE_FALSE(cut);
    CHECK(cut.error().code == ErrorCode::corrupt);
  }
  Bytes other = key;
  other[0] = 9;
  CHECK(decode_hint_key(other).error().code == ErrorCode::unsupported_version);
  CHECK(decode_mark_key(key).error().code == ErrorCode::corrupt);
  CHECK(decode_mark_key("h").error().code == ErrorCode::corrupt);
  CHECK(decode_since("").error().code == ErrorCode::corrupt);
  CHECK(decode_since("\x01short").error().code == ErrorCode::corrupt);
  CHECK(decode_since("\x02").error().code == ErrorCode::unsupported_version);
}

TEST_CASE("ranges hold the hints of a kind, a target and a partition, also at the last of each") {
  constexpr std::uint64_t most = ~std::uint64_t{0};
  const std::array targets = {NodeId{.high = 0, .low = 1}, node, NodeId{.high = most, .low = most}};
  const std::array partitions = {PartitionId{0}, PartitionId{0xff}, PartitionId{0xffffffff}};
  const std::array keys = {Bytes(1, '\0'), Bytes(3, '\xff')};
  const auto within = [](const HintRange& range, const Bytes& key) {
    return range.from <= key && (range.to.empty() || key < range.to);
  };
  for (const auto target : targets) {
    for (const auto partition : partitions) {
      for (const auto& key : keys) {
        const Bytes hint = encode_hint_key({.target = target, .partition = partition, .key = key});
        CHECK(within(hints_of(HintKind::strict), hint));
        for (const auto other : targets) {
          CHECK(within(hints_of(HintKind::strict, other), hint) == (other == target));
          for (const auto there : partitions) {
            CHECK(within(hints_of(HintKind::strict, other, there), hint) ==
                  (other == target && there == partition));
          }
        }
      }
    }
  }
}
