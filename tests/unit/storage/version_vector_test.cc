#include "storage/version_vector.h"

#include <doctest/doctest.h>

using namespace coterie;

namespace {

using Entry = VersionVector::Entry;

constexpr ActorId a{1};
constexpr ActorId b{2};
constexpr ActorId c{3};

VersionVector vector_of(VersionVector::Entries entries) {
  return VersionVector::from_sorted(std::move(entries)).value();
}

}  // namespace

TEST_CASE("a vector covers what it has seen") {
  const VersionVector seen = vector_of({{a, 3}, {c, 1}});
  CHECK(seen.covers(Dot{a, 1}));
  CHECK(seen.covers(Dot{a, 3}));
  CHECK_FALSE(seen.covers(Dot{a, 4}));
  CHECK_FALSE(seen.covers(Dot{b, 1}));
  CHECK(seen.sequence(c) == 1);
  CHECK(seen.sequence(b) == 0);

  CHECK(seen.covers(VersionVector{}));
  CHECK(seen.covers(seen));
  CHECK(seen.covers(vector_of({{a, 2}})));
  CHECK_FALSE(seen.covers(vector_of({{a, 4}})));
  CHECK_FALSE(seen.covers(vector_of({{b, 1}})));
  CHECK_FALSE(seen.covers(vector_of({{a, 3}, {b, 1}, {c, 1}})));
  CHECK_FALSE(VersionVector{}.covers(seen));
}

TEST_CASE("a join is the pointwise maximum") {
  VersionVector left = vector_of({{a, 3}, {c, 1}});
  const VersionVector right = vector_of({{a, 2}, {b, 9}, {c, 4}});
  VersionVector other = right;
  other.join(left);
  left.join(right);
  CHECK(left == vector_of({{a, 3}, {b, 9}, {c, 4}}));
  CHECK(other == left);
  left.join({});
  CHECK(left == other);
}

TEST_CASE("adding a dot never lowers an entry") {
  VersionVector seen;
  seen.add(Dot{b, 2});
  seen.add(Dot{c, 1});
  seen.add(Dot{a, 7});
  seen.add(Dot{a, 5});
  seen.add(Dot{b, 3});
  CHECK(seen == vector_of({{a, 7}, {b, 3}, {c, 1}}));
}

TEST_CASE("entries from outside must be sorted and count from one") {
  CHECK(VersionVector::from_sorted({}).has_value());
  CHECK(VersionVector::from_sorted({{a, 1}, {b, sequence_most}}).has_value());
  CHECK_FALSE(VersionVector::from_sorted({{a, 0}}).has_value());
  CHECK_FALSE(VersionVector::from_sorted({{a, sequence_most + 1}}).has_value());
  CHECK_FALSE(VersionVector::from_sorted({{b, 1}, {a, 1}}).has_value());
  CHECK_FALSE(VersionVector::from_sorted({{a, 1}, {a, 2}}).has_value());
}
