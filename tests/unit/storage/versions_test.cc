#include "storage/versions.h"

#include <doctest/doctest.h>

#include <string>

#include "base/limits.h"

namespace coterie::versions_test {

namespace {

constexpr ActorId a{1};
constexpr ActorId b{2};
constexpr auto siblings = Resolver::siblings;
constexpr auto lww = Resolver::lww;

Sibling write(Dot dot, BytesView value, std::uint64_t timestamp = 0) {
  return {.dot = dot, .timestamp = Timestamp{timestamp}, .value = value};
}

std::vector<Dot> dots(const Record& record) {
  std::vector<Dot> out;
  for (const Sibling& sibling : record.siblings) out.push_back(sibling.dot);
  return out;
}

VersionVector seen(VersionVector::Entries entries) {
  return VersionVector::from_sorted(std::move(entries)).value();
}

}  // namespace

TEST_CASE("a put replaces what its context has seen and nothing else") {
  const Record first = put({}, {}, write({a, 1}, "one"), siblings);
  CHECK(dots(first) == std::vector{Dot{a, 1}});
  CHECK(first.context == seen({{a, 1}}));

  const Record over = put(first, first.context, write({a, 2}, "two"), siblings);
  CHECK(dots(over) == std::vector{Dot{a, 2}});
  CHECK(over.siblings[0].value == "two");

  const Record stale = put(over, first.context, write({a, 3}, "three"), siblings);
  CHECK(dots(stale) == std::vector{Dot{a, 2}, Dot{a, 3}});
  const Record blind = put(stale, {}, write({a, 4}, "four"), siblings);
  CHECK(dots(blind) == std::vector{Dot{a, 2}, Dot{a, 3}, Dot{a, 4}});
  const Record resolved = put(blind, blind.context, write({a, 5}, "five"), siblings);
  CHECK(dots(resolved) == std::vector{Dot{a, 5}});
  CHECK(resolved.context == seen({{a, 5}}));
}

TEST_CASE("a put takes over what its context has seen elsewhere") {
  const Record elsewhere = put({}, {}, write({b, 1}, "there"), siblings);
  const Record here = put({}, elsewhere.context, write({a, 1}, "here"), siblings);
  CHECK(here.context == seen({{a, 1}, {b, 1}}));
  CHECK(dots(sync(here, elsewhere, siblings)) == std::vector{Dot{a, 1}});
  CHECK(descends(here, elsewhere));
}

TEST_CASE("concurrent writes survive a sync, overwritten ones do not") {
  const Record left = put({}, {}, write({a, 1}, "left"), siblings);
  const Record right = put({}, {}, write({b, 1}, "right"), siblings);
  const Record both = sync(left, right, siblings);
  CHECK(dots(both) == std::vector{Dot{a, 1}, Dot{b, 1}});
  CHECK(sync(right, left, siblings) == both);
  CHECK(sync(both, left, siblings) == both);
  CHECK(sync(both, {}, siblings) == both);

  const Record resolved = put(left, both.context, write({a, 2}, "resolved"), siblings);
  CHECK(sync(both, resolved, siblings) == resolved);
  CHECK(descends(both, left));
  CHECK_FALSE(descends(left, both));
  CHECK(descends(resolved, both));
}

TEST_CASE("what a copy dropped is not held against its context") {
  const Record held = put({}, {}, write({a, 1}, "one"), siblings);
  const Record dropped{.context = held.context};
  CHECK(sync(held, dropped, siblings) == dropped);
  CHECK_FALSE(descends(held, dropped));
  CHECK(descends(dropped, held));
}

TEST_CASE("a delete hides what it has seen and is itself a write to be known") {
  const Record first = put({}, {}, write({a, 1}, "one"), siblings);
  const Record tombstone = remove(first, first.context, {a, 2});
  CHECK(tombstone.siblings.empty());
  CHECK(tombstone.context == seen({{a, 2}}));
  CHECK(sync(first, tombstone, siblings) == tombstone);
  CHECK(digest(tombstone) != digest(remove(first, first.context, {b, 1})));

  const Record concurrent = put(first, {}, write({b, 1}, "two"), siblings);
  CHECK(dots(sync(concurrent, tombstone, siblings)) == std::vector{Dot{b, 1}});
  CHECK(dots(remove(first, {}, {a, 2})) == std::vector{Dot{a, 1}});
  const Record again = put(tombstone, {}, write({a, 3}, "three"), siblings);
  CHECK(dots(again) == std::vector{Dot{a, 3}});
}

TEST_CASE("the context after a put covers no sibling that the client did not see") {
  const Record first = put({}, {}, write({a, 1}, "one"), siblings);
  const ClientContext mine = context_after(first, {}, {a, 1}, Timestamp{3});
  CHECK(mine == ClientContext{.seen = seen({{a, 1}}), .greatest = Timestamp{3}});
  const Record second = put(first, mine.seen, write({a, 2}, "two"), siblings);
  CHECK(context_after(second, mine, {a, 2}, Timestamp{2}) ==
        ClientContext{.seen = seen({{a, 2}}), .greatest = Timestamp{3}});

  // Other clients' blind puts: {a, 2} would hide behind {a, 3}.
  const Record blind = put(second, {}, write({a, 3}, "three"), siblings);
  CHECK(context_after(blind, {}, {a, 3}, {}).seen == VersionVector{});
  const Record elsewhere = put(second, {}, write({b, 1}, "three"), siblings);
  CHECK(context_after(elsewhere, {}, {b, 1}, {}).seen == VersionVector{});
  CHECK(context_after(elsewhere, mine, {b, 1}, {}).seen == mine.seen);
  CHECK(context_after(remove(second, second.context, {b, 1}), mine, {b, 1}, {}).seen ==
        seen({{a, 2}, {b, 1}}));
  CHECK(context_after(remove(second, {}, {a, 3}), {}, {a, 3}, {}).seen == VersionVector{});
}

TEST_CASE("an actor that forgot swallows a write, a fresh one does not") {
  const Record first = put({}, {}, write({a, 1}, "one"), siblings);  // acknowledged elsewhere
  const Record forgot = put({}, {}, write({a, 2}, "two"), siblings);
  CHECK(dots(sync(first, forgot, siblings)) == std::vector{Dot{a, 2}});
  const Record fresh = put({}, {}, write({b, 1}, "two"), siblings);
  CHECK(dots(sync(first, fresh, siblings)) == std::vector{Dot{a, 1}, Dot{b, 1}});
}

TEST_CASE("in an lww bucket the greatest timestamp wins, then the greatest dot") {
  const Record left = put({}, {}, write({a, 1}, "left", 5), lww);
  const Record right = put({}, {}, write({b, 1}, "right", 7), lww);
  CHECK(dots(sync(left, right, lww)) == std::vector{Dot{b, 1}});
  CHECK(sync(left, right, lww) == sync(right, left, lww));
  CHECK(sync(left, right, lww).context == seen({{a, 1}, {b, 1}}));

  const Record equal = put({}, {}, write({b, 1}, "equal", 5), lww);
  CHECK(dots(sync(left, equal, lww)) == std::vector{Dot{b, 1}});

  Sibling gone = write({a, 2}, "", 8);
  gone.is_delete = true;
  const Record deleted = put(left, {}, gone, lww);
  CHECK(sync(deleted, right, lww).siblings == Record::Siblings{gone});
  CHECK(greatest_timestamp(deleted) == Timestamp{8});
  CHECK(greatest_timestamp({}) == Timestamp{});
}

TEST_CASE("an lww write must exceed what it replaces") {
  const Record record = put({}, {}, write({a, 1}, "one", 5), lww);
  CHECK(admits_put(record, {}, write({a, 2}, "two", 6), lww).has_value());
  CHECK(admits_put(record, {}, write({a, 2}, "two", 5), lww).error().code == ErrorCode::internal);
  CHECK(admits_put({}, {}, write({a, 1}, "one", 0), lww).has_value());
}

TEST_CASE("optional fields are united, never dropped") {
  const Record left{.optional_fields = {{.type = 1, .bytes = "x"}, {.type = 2, .bytes = "y"}}};
  const Record right{.optional_fields = {{.type = 1, .bytes = "w"}, {.type = 2, .bytes = "y"}}};
  const std::vector<OptionalField> both{
      {.type = 1, .bytes = "w"}, {.type = 1, .bytes = "x"}, {.type = 2, .bytes = "y"}};
  CHECK(sync(left, right, siblings).optional_fields == both);
  CHECK(sync(right, left, siblings).optional_fields == both);
  CHECK_FALSE(descends(left, right));
  CHECK(descends(sync(left, right, siblings), right));
  CHECK(put(left, {}, write({a, 1}, "v"), siblings).optional_fields == left.optional_fields);
  CHECK(remove(left, {}, {a, 1}).optional_fields == left.optional_fields);
}

TEST_CASE("puts are refused at 64 siblings; resolving and merging are not") {
  Record record;
  for (std::uint64_t i = 1; i <= limits::siblings_most; ++i) {
    const Sibling next = write({a, i}, "v");
    CHECK(admits_put(record, {}, next, siblings).has_value());
    record = put(record, {}, next, siblings);
  }
  const Sibling next = write({a, 65}, "v");
  CHECK(admits_put(record, {}, next, siblings).error().code == ErrorCode::too_many_siblings);
  CHECK(admits_put(record, seen({{a, 1}}), next, siblings).has_value());
  CHECK(admits_put(record, record.context, next, siblings).has_value());
  CHECK(admits_remove(record, record.context, next.dot).has_value());

  Record merged = put(record, {}, next, siblings);
  merged = sync(merged, put({}, {}, write({b, 1}, "v"), siblings), siblings);
  CHECK(merged.siblings.size() == 66);
  const Sibling after = write({a, 66}, "v");
  CHECK(admits_put(merged, {}, after, siblings).error().code == ErrorCode::too_many_siblings);
  CHECK(admits_put(merged, seen({{a, 1}}), after, siblings).has_value());
}

TEST_CASE("puts are refused beyond 16 MiB of values; shrinking is not") {
  const std::string half(limits::record_bytes / 2, 'v');
  const Record one = put({}, {}, write({a, 1}, half), siblings);
  CHECK(admits_put(one, {}, write({a, 2}, half), siblings).has_value());
  const Record two = put(one, {}, write({a, 2}, half), siblings);
  CHECK(admits_put(two, {}, write({a, 3}, "v"), siblings).error().code == ErrorCode::too_large);
  CHECK(admits_put(two, {}, write({a, 3}, ""), siblings).has_value());
  CHECK(admits_put(two, seen({{a, 1}}), write({a, 3}, "v"), siblings).has_value());
}

TEST_CASE("a context that claims what was never written is refused") {
  CHECK(admits_put({}, seen({{a, 1}}), write({a, 1}, "v"), siblings).error().code ==
        ErrorCode::invalid_argument);
  const Record record{.context = seen({{a, 9}})};
  CHECK(admits_put(record, {}, write({a, 9}, "v"), siblings).error().code ==
        ErrorCode::invalid_argument);
  CHECK(admits_remove(record, {}, {a, 9}).error().code == ErrorCode::invalid_argument);
  CHECK(admits_put(record, {}, write({a, 10}, "v"), siblings).has_value());
}

TEST_CASE("puts are refused where the context would grow without bound") {
  VersionVector wide;
  for (std::uint64_t i = 1; i <= limits::context_actors_put; ++i) wide.add({ActorId{i}, 1});
  const ActorId fresh{limits::context_actors_put + 1};
  const Record record{.context = wide};
  CHECK(admits_put(record, wide, write({a, 2}, "v"), siblings).has_value());
  CHECK(admits_put(record, wide, write({fresh, 1}, "v"), siblings).error().code ==
        ErrorCode::too_large);
  CHECK(admits_put({}, wide, write({fresh, 1}, "v"), siblings).error().code ==
        ErrorCode::too_large);
  CHECK(admits_remove({}, wide, {fresh, 1}).error().code == ErrorCode::too_large);
}

}  // namespace coterie::versions_test
