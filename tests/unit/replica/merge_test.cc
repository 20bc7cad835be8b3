#include "node/replica/merge.h"

#include <doctest/doctest.h>

#include "base/limits.h"
#include "node/replica/read.h"
#include "storage/key.h"
#include "storage/versions.h"

using namespace coterie;
using namespace coterie::replica;

namespace {

const Bytes key = encode_key({.bucket = BucketId{1}, .partition_key = "k"}).value();
const PartitionCopy copy(PartitionId{0}, ActorId{7}, ConfigurationNumber{1}, Generation{0});

Record with(const Record& record, std::uint64_t actor, std::uint64_t sequence, BytesView value,
            const VersionVector& seen = {}) {
  return put(record, seen, {.dot = {ActorId{actor}, sequence}, .value = value}, Resolver::siblings);
}

}  // namespace

TEST_CASE("what is newer is stored as it came, what is older changes nothing") {
  const Record old = with({}, 1, 1, "old");
  const Record newer = with(old, 2, 1, "new", old.context);
  const Bytes old_bytes = encode_record(key, old);
  const Bytes new_bytes = encode_record(key, newer);

  const Merged first = merge(copy, key, {}, old_bytes, {}).value();
  CHECK(first.outcome == MergeOutcome::take_incoming);
  CHECK(first.old_leaf_hash == 0);
  CHECK(first.new_leaf_hash == leaf_hash(key, digest(old)));

  const Merged second = merge(copy, key, old_bytes, new_bytes, {}).value();
  CHECK(second.outcome == MergeOutcome::take_incoming);
  CHECK(second.old_leaf_hash == first.new_leaf_hash);
  CHECK(second.digest == digest(newer));

  for (const Bytes& incoming : {old_bytes, new_bytes}) {
    const Merged same = merge(copy, key, new_bytes, incoming, {}).value();
    CHECK(same.outcome == MergeOutcome::unchanged);
    CHECK(same.digest == digest(newer));
    CHECK(same.old_leaf_hash == same.new_leaf_hash);
  }
}

TEST_CASE("concurrent records are merged to the same bytes on both sides") {
  const Bytes left = encode_record(key, with({}, 1, 1, "left"));
  const Bytes right = encode_record(key, with({}, 2, 1, "right"));
  const Merged here = merge(copy, key, left, right, {}).value();
  const Merged there = merge(copy, key, right, left, {}).value();
  CHECK(here.outcome == MergeOutcome::take_merged);
  CHECK(here.record == there.record);
  CHECK(decode_record(key, here.record)->siblings.size() == 2);
  CHECK(read_digest(key, here.record).value() == here.digest);
  CHECK(here.new_leaf_hash == leaf_hash(key, here.digest));
  const Merged lww = merge(copy, key, left, right, {.resolver = Resolver::lww}).value();
  CHECK(decode_record(key, lww.record)->siblings.size() == 1);
}

TEST_CASE("a record damaged on its way is refused before anything else") {
  const Bytes good = encode_record(key, with({}, 1, 1, "value"));
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] ^= 1;
    CHECK_FALSE(merge(copy, key, good, bad, {.replaces_damaged = true}).has_value());
    CHECK_FALSE(merge(copy, key, good, good.substr(0, at), {}).has_value());
  }
  const Bytes other = encode_key({.bucket = BucketId{1}, .partition_key = "o"}).value();
  CHECK(merge(copy, other, {}, good, {}).error().code == ErrorCode::corrupt);
}

TEST_CASE("over a damaged local record only a quorum's answer may be stored") {
  const Bytes good = encode_record(key, with({}, 1, 1, "value"));
  Bytes damaged = good;
  damaged.back() ^= 1;
  CHECK(merge(copy, key, damaged, good, {}).error().code == ErrorCode::unsure);
  const Merged repaired = merge(copy, key, damaged, good, {.replaces_damaged = true}).value();
  CHECK(repaired.replaced_damaged);
  CHECK(repaired.outcome == MergeOutcome::take_incoming);
  CHECK_FALSE(read_digest(key, damaged).has_value());
}

TEST_CASE("a dot of its own that a copy does not know shows that it forgot") {
  const Record known = with({}, 7, 3, "mine");
  const Record more = with(known, 7, 4, "mine too");
  const Bytes known_bytes = encode_record(key, known);
  const Bytes more_bytes = encode_record(key, more);
  CHECK_FALSE(merge(copy, key, known_bytes, known_bytes, {})->forgot_own_dot);
  CHECK_FALSE(merge(copy, key, more_bytes, known_bytes, {})->forgot_own_dot);
  CHECK(merge(copy, key, known_bytes, more_bytes, {})->forgot_own_dot);
  CHECK(merge(copy, key, {}, known_bytes, {})->forgot_own_dot);
}

TEST_CASE("no record has the digest 0") {
  CHECK(read_digest(key, {}).value() == 0);
  CHECK(read_digest(key, "").error().code == ErrorCode::corrupt);
}

TEST_CASE("records whose contexts together could not be stored are not merged") {
  Record ours;
  Record theirs;
  for (std::uint64_t i = 0; i < limits::context_actors; ++i) {
    (i % 2 == 0 ? ours : theirs).context.add({.actor = ActorId{i}, .sequence = 1});
  }
  const auto bytes = encode_record(key, ours);
  CHECK(merge(copy, key, bytes, encode_record(key, theirs), {}).has_value());
  theirs.context.add({.actor = ActorId{limits::context_actors}, .sequence = 1});
  const auto merged = merge(copy, key, bytes, encode_record(key, theirs), {});
  REQUIRE_FALSE(merged.has_value());
  CHECK(merged.error().code == ErrorCode::too_large);
}
