#include "node/replica/purge.h"

#include <doctest/doctest.h>

#include "base/limits.h"
#include "storage/versions.h"

namespace coterie::purge_test {

using namespace coterie::replica;

namespace {

constexpr WallTime now{std::chrono::hours(10)};
constexpr auto now_ms = static_cast<std::uint64_t>(now.time_since_epoch().count());
constexpr auto grace_ms = static_cast<std::uint64_t>(limits::expired_before_purge.count());
const Bytes key = "12345678bucke";

Dot dot(std::uint64_t actor, std::uint64_t sequence = 1) {
  return {.actor = ActorId{actor}, .sequence = sequence};
}

Record with(std::initializer_list<Sibling> siblings, std::initializer_list<Dot> covered = {}) {
  Record out{.siblings = siblings};
  for (const auto& sibling : siblings) out.context.add(sibling.dot);
  for (const auto& each : covered) out.context.add(each);
  return out;
}

}  // namespace

TEST_CASE("tombstones and what has long expired can be erased, nothing that anybody may see") {
  using wire::Purging;
  const auto siblings = Resolver::siblings;
  CHECK(purgeable(with({}, {dot(1)}), siblings, now) == Purging::erase);
  CHECK(purgeable(with({{.dot = dot(1), .value = "v"}}), siblings, now) == std::nullopt);
  const Sibling expired{.dot = dot(1), .expires_ms = now_ms - grace_ms - 1, .value = "v"};
  CHECK(purgeable(with({expired}), siblings, now) == Purging::erase);
  Sibling just_expired = expired;
  just_expired.expires_ms = now_ms - grace_ms;
  CHECK(purgeable(with({just_expired}), siblings, now) == std::nullopt);
  // one of two concurrent values is seen
  CHECK(purgeable(with({expired, {.dot = dot(2), .value = "v"}}), siblings, now) == std::nullopt);
  const Sibling removal{.dot = dot(1), .is_delete = true};
  CHECK(purgeable(with({removal}), Resolver::lww, now) == Purging::erase);
  CHECK(purgeable(with({removal}), siblings, now) == std::nullopt);
  Record newer = with({}, {dot(1)});
  newer.optional_fields.push_back({.type = 9, .bytes = "x"});
  CHECK(purgeable(newer, siblings, now) == std::nullopt);
}

TEST_CASE("a context of too many writers without a live value is trimmed to the others") {
  Record record = with({{.dot = dot(1, 5), .value = "v"}}, {dot(1, 9), dot(2), dot(3), dot(4)});
  CHECK(limits::dead_actors_a_record == 3);
  CHECK(purgeable(record, Resolver::siblings, now) == std::nullopt);
  record.context.add(dot(5, 3));
  CHECK(purgeable(record, Resolver::siblings, now) == wire::Purging::trim);
  const Record kept = trimmed(record);
  CHECK(kept.siblings == record.siblings);
  CHECK(kept.context == with({}, {dot(1, 9)}).context);
  CHECK(trimmed(kept) == kept);
}

TEST_CASE("only the very record that was listed is purged") {
  const Record tombstone = with({}, {dot(1)});
  const Bytes bytes = encode_record(key, tombstone);
  const wire::PurgeEntry entry{.key = key, .digest = digest(tombstone)};
  const auto erased = purge(entry, bytes, Resolver::siblings, now);
  REQUIRE(erased);
  CHECK(erased->outcome == PurgeOutcome::erase);
  CHECK(erased->old_leaf_hash == leaf_hash(key, digest(tombstone)));
  CHECK(erased->new_leaf_hash == 0);

  CHECK(purge(entry, std::nullopt, Resolver::siblings, now)->outcome == PurgeOutcome::unchanged);
  const Record later = with({{.dot = dot(2), .value = "v"}}, {dot(1)});
  CHECK(purge(entry, encode_record(key, later), Resolver::siblings, now)->outcome ==
        PurgeOutcome::unchanged);
  // whatever was asked: nothing that is seen goes
  const wire::PurgeEntry wrong{.key = key, .digest = digest(later)};
  CHECK(purge(wrong, encode_record(key, later), Resolver::siblings, now)->outcome ==
        PurgeOutcome::unchanged);
  Bytes bad = bytes;
  bad.back() = static_cast<char>(bad.back() ^ 1);
  CHECK(purge(entry, bad, Resolver::siblings, now).error().code == ErrorCode::corrupt);
}

TEST_CASE("a trimmed record is the same bytes everywhere") {
  const Record record = with({{.dot = dot(1), .value = "v"}}, {dot(2), dot(3), dot(4), dot(5)});
  const wire::PurgeEntry entry{.key = key, .digest = digest(record), .what = wire::Purging::trim};
  const auto done = purge(entry, encode_record(key, record), Resolver::siblings, now);
  REQUIRE(done);
  CHECK(done->outcome == PurgeOutcome::rewrite);
  CHECK(done->record == encode_record(key, trimmed(record)));
  CHECK(done->new_leaf_hash == leaf_hash(key, digest(trimmed(record))));
}

}  // namespace coterie::purge_test
