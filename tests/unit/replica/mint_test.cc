#include "node/replica/mint.h"

#include <doctest/doctest.h>

#include "base/limits.h"
#include "storage/key.h"
#include "storage/versions.h"
#include "tests/unit/last_words.h"

namespace coterie::mint_test {

using namespace coterie::replica;
using namespace std::chrono_literals;

namespace {

const Bytes key = encode_key({.bucket = BucketId{1}, .partition_key = "k"}).value();
const WallTime now(1000s);

PartitionCopy new_copy(std::uint64_t actor = 7) {
  return {PartitionId{0}, ActorId{actor}, ConfigurationNumber{1}, Generation{0}};
}

/// A copy with its clock and one record.
struct Copy {
  explicit Copy(std::uint64_t actor = 7) : copy(new_copy(actor)) {}

  Result<Minted> put(const MintRequest& request) {
    Result<Minted> minted = mint(copy, clock, key, bytes, request);
    if (minted && !minted->is_known) bytes = minted->record;
    return minted;
  }
  [[nodiscard]] Record record() const { return decode_record(key, *bytes).value(); }

  PartitionCopy copy;
  HybridClock clock;
  std::optional<Bytes> bytes;
};

}  // namespace

TEST_CASE("a put is stored under a new dot with all that was asked for") {
  Copy copy;
  const RequestId id{.high = 1, .low = 2};
  const Minted minted = copy.put({.id = id, .value = "v", .expires_ms = 77, .now = now}).value();
  const Record record = copy.record();
  REQUIRE(record.siblings.size() == 1);
  CHECK(record.siblings[0] == Sibling{.dot = minted.dot,
                                      .timestamp = minted.timestamp,
                                      .expires_ms = 77,
                                      .request = id,
                                      .value = "v"});
  CHECK(minted.dot == Dot{.actor = ActorId{7}, .sequence = 1});
  CHECK(minted.timestamp.wall_ms() == 1'000'000);
  CHECK(minted.digest == digest(record));
  CHECK(minted.old_leaf_hash == 0);
  CHECK(minted.new_leaf_hash == leaf_hash(key, minted.digest));
  CHECK(minted.siblings == 1);
  CHECK(decode_context(key, minted.context)->seen.covers(minted.dot));

  const Minted next = copy.put({.value = "w", .now = now}).value();
  CHECK(next.old_leaf_hash == minted.new_leaf_hash);
  CHECK(next.siblings == 2);
}

TEST_CASE("sequences rise over all keys of a copy and begin anew with another actor") {
  PartitionCopy copy = new_copy();
  HybridClock clock;
  const Bytes other = encode_key({.bucket = BucketId{1}, .partition_key = "o"}).value();
  CHECK(mint(copy, clock, key, {}, {.now = now})->dot.sequence == 1);
  CHECK(mint(copy, clock, other, {}, {.now = now})->dot.sequence == 2);
  CHECK(mint(copy, clock, key, {}, {.now = now})->dot.sequence == 3);
  copy.redraw(ActorId{8});
  CHECK(mint(copy, clock, key, {}, {.now = now})->dot == Dot{ActorId{8}, 1});
}

TEST_CASE("the context given back replaces what was seen and nothing else") {
  Copy copy;
  const Minted first = copy.put({.value = "1", .now = now}).value();
  const Minted second = copy.put({.context = first.context, .value = "2", .now = now}).value();
  CHECK(second.siblings == 1);
  const Minted blind = copy.put({.value = "blind", .now = now}).value();
  CHECK(blind.siblings == 2);
  CHECK_FALSE(decode_context(key, blind.context)->seen.covers(second.dot));
  CHECK(copy.put({.context = second.context, .value = "3", .now = now})->siblings == 2);
}

TEST_CASE("a request that was minted is recognised while its sibling lives") {
  Copy copy;
  const MintRequest request{.id = RequestId{.high = 1, .low = 2}, .value = "v", .now = now};
  const Minted first = copy.put(request).value();
  const Minted again = copy.put(request).value();
  CHECK(again.is_known);
  CHECK(again.record.empty());
  CHECK(again.dot == first.dot);
  CHECK(again.timestamp == first.timestamp);
  CHECK(again.digest == first.digest);
  CHECK(again.new_leaf_hash == again.old_leaf_hash);
  CHECK(again.context == first.context);
  // without an id each is a write of its own
  CHECK_FALSE(copy.put({.value = "v", .now = now})->is_known);
  CHECK_FALSE(copy.put({.value = "v", .now = now})->is_known);
}

TEST_CASE("a context of another key, or none at all, is refused") {
  Copy copy;
  const Bytes other = encode_key({.bucket = BucketId{1}, .partition_key = "o"}).value();
  const Bytes context = encode_context(other, {});
  CHECK(copy.put({.context = context, .now = now}).error().code == ErrorCode::wrong_context);
  CHECK(copy.put({.context = "x", .now = now}).error().code == ErrorCode::invalid_argument);
  CHECK_FALSE(copy.bytes.has_value());
}

TEST_CASE("a context that claims dots not minted yet cannot swallow the write") {
  Copy copy;
  ClientContext forged;
  forged.seen.add({ActorId{7}, 1000});
  CHECK(copy.put({.context = encode_context(key, forged), .value = "v", .now = now}).error().code ==
        ErrorCode::invalid_argument);
}

TEST_CASE("deletes: a tombstone in a siblings bucket, a sibling in an lww bucket") {
  Copy siblings;
  const Minted put = siblings.put({.value = "v", .now = now}).value();
  const Minted gone = siblings.put({.context = put.context, .is_delete = true, .now = now}).value();
  CHECK(gone.siblings == 0);
  CHECK(siblings.record().siblings.empty());
  CHECK(siblings.record().context.covers(gone.dot));

  Copy lww;
  CHECK(lww.put({.value = "v", .resolver = Resolver::lww, .now = now}).has_value());
  const MintRequest remove{
      .value = "ignored", .is_delete = true, .resolver = Resolver::lww, .now = now};
  CHECK(lww.put(remove).has_value());
  REQUIRE(lww.record().siblings.size() == 1);
  CHECK(lww.record().siblings[0].is_delete);
  CHECK(lww.record().siblings[0].value.empty());
}

TEST_CASE("in an lww bucket a put's timestamp exceeds the record's and the context's") {
  Copy copy;
  const Minted first = copy.put({.value = "1", .resolver = Resolver::lww, .now = now}).value();
  const MintRequest behind{.value = "2", .resolver = Resolver::lww, .now = now - 1h};
  const Minted second = copy.put(behind).value();
  CHECK(second.timestamp > first.timestamp);
  CHECK(copy.record().siblings[0].value == "2");

  Copy other(9);
  const Bytes seen = encode_context(key, {.greatest = Timestamp{second.timestamp.value + 5}});
  CHECK(other.put({.context = seen, .resolver = Resolver::lww, .now = now - 1h})->timestamp.value >
        second.timestamp.value + 5);
}

TEST_CASE("a damaged local record is reported, and nothing is minted over it") {
  Copy copy;
  CHECK(copy.put({.value = "v", .now = now}).has_value());
  for (std::size_t at = 0; at < copy.bytes->size(); ++at) {
    Bytes damaged = *copy.bytes;
    damaged[at] ^= 0x10;
    CHECK(mint(copy.copy, copy.clock, key, damaged, {.value = "w", .now = now}).error().code ==
          ErrorCode::corrupt);
  }
}

TEST_CASE("64 siblings are taken, the 65th is not, a delete always is") {
  Copy copy;
  for (std::size_t i = 0; i < limits::siblings_most; ++i) {
    CHECK(copy.put({.value = "v", .now = now}).has_value());
  }
  CHECK(copy.put({.value = "v", .now = now}).error().code == ErrorCode::too_many_siblings);
  CHECK(copy.put({.is_delete = true, .now = now}).has_value());
  const Bytes all = encode_context(key, {.seen = copy.record().context});
  CHECK(copy.put({.context = all, .value = "v", .now = now})->siblings == 1);
}

TEST_CASE("an actor whose local record lacks its own dots, or knows more of them, mints nothing") {
  Copy copy;
  const auto minted = copy.put({.value = "v", .now = now}).value();
  const auto dot = minted.dot.sequence;
  CHECK(copy.put({.value = "w", .now = now, .minted_before = dot}).has_value());
  CHECK(last_words([&] {
          copy.bytes.reset();
          (void)copy.put({.value = "x", .now = now, .minted_before = dot});
        }).find("reflects its own dots") != std::string::npos);
  CHECK(last_words([&] {
          copy.copy = new_copy();
          (void)copy.put({.value = "x", .now = now});
        }).find("has yet to mint") != std::string::npos);
}

}  // namespace coterie::mint_test
