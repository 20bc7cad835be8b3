#include "bench/workload.h"

#include <array>
#include <cmath>
#include <set>

#include <doctest/doctest.h>

using namespace coterie;
using namespace coterie::bench;

namespace {

constexpr int draws = 100'000;

std::array<int, kinds> kinds_of(const Mix& mix) {
  KeySpace space("bucket", "user", 1000);
  Workload workload(mix, {}, space, Random(5));
  std::array<int, kinds> out{};
  for (int i = 0; i < draws; ++i) ++out.at(static_cast<std::size_t>(workload.next().kind));
  return out;
}

int count_of(const std::array<int, kinds>& all, Kind kind) {
  return all.at(static_cast<std::size_t>(kind));
}

}  // namespace

TEST_CASE("YCSB's workloads have YCSB's shares and keys") {
  struct Expected {
    const char* letter;
    Keys keys;
    double read, update, insert, read_modify_write;
  };
  for (const auto& expected :
       {Expected{"a", Keys::zipfian, 0.5, 0.5, 0, 0},
        Expected{"B", Keys::zipfian, 0.95, 0.05, 0, 0}, Expected{"c", Keys::zipfian, 1, 0, 0, 0},
        Expected{"d", Keys::latest, 0.95, 0, 0.05, 0},
        Expected{"F", Keys::zipfian, 0.5, 0, 0, 0.5}}) {
    CAPTURE(expected.letter);
    const auto mix = ycsb(expected.letter);
    REQUIRE(mix);
    CHECK(mix->keys == expected.keys);
    const auto seen = kinds_of(*mix);
    const auto is_near = [&](Kind kind, double share) {
      const double tolerance = 5 * std::sqrt(draws * share * (1 - share));
      return std::abs(count_of(seen, kind) - draws * share) <= tolerance;
    };
    CHECK(is_near(Kind::read, expected.read));
    CHECK(is_near(Kind::update, expected.update));
    CHECK(is_near(Kind::insert, expected.insert));
    CHECK(is_near(Kind::read_modify_write, expected.read_modify_write));
    CHECK(count_of(seen, Kind::resolve) == 0);
  }
}

TEST_CASE("a workload that is not there is refused by name") {
  for (const char* letter : {"e", "E", "g", "", "aa"}) {
    const auto mix = ycsb(letter);
    REQUIRE_FALSE(mix);
    CHECK(mix.error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("all gets are gets, all puts are puts") {
  CHECK(count_of(kinds_of({.read = 1}), Kind::read) == draws);
  CHECK(count_of(kinds_of({.update = 1}), Kind::update) == draws);
}

TEST_CASE("uniform keys cover all records evenly, with those inserted") {
  KeySpace space("bucket", "user", 10);
  space.on_inserted(space.insert());
  Workload workload({.read = 1, .keys = Keys::uniform}, {}, space, Random(5));
  std::array<int, 11> seen{};
  for (int i = 0; i < draws; ++i) ++seen.at(workload.next().record);
  for (const int count : seen) CHECK(std::abs(count - draws / 11) < 5 * std::sqrt(draws / 11.0));
}

TEST_CASE("latest reads what was inserted last most often, and nothing that is not there") {
  KeySpace space("bucket", "user", 100);
  Workload workload({.read = 1, .keys = Keys::latest}, {}, space, Random(5));
  const auto count_last = [&] {
    const auto last = space.readable() - 1;
    int count = 0;
    for (int i = 0; i < 10'000; ++i) {
      const auto record = workload.next().record;
      REQUIRE(record <= last);
      if (record == last) ++count;
    }
    return count;
  };
  const int before = count_last();
  CHECK(before > 1500);  // 1 / zeta(100) of them: 1,900
  for (int i = 0; i < 50; ++i) space.on_inserted(space.insert());
  CHECK(count_last() > 1500);
  CHECK(space.readable() == 150);
}

TEST_CASE("values have the sizes asked for") {
  KeySpace space("bucket", "user", 1);
  Workload workload({}, {.least = 10, .most = 12}, space, Random(5));
  std::set<std::size_t> sizes;
  for (int i = 0; i < 1000; ++i) sizes.insert(workload.next_value().size());
  CHECK(sizes == std::set<std::size_t>{10, 11, 12});
  Workload large({}, {.least = 1U << 20, .most = 1U << 20}, space, Random(5));
  CHECK(large.next_value().size() == 1U << 20);
  Workload empty({}, {.least = 0, .most = 0}, space, Random(5));
  CHECK(empty.next_value().empty());
}

TEST_CASE("sizes of values are parsed, and what is none is refused") {
  const auto one = parse_value_sizes("100");
  REQUIRE(one);
  CHECK(one->least == 100);
  CHECK(one->most == 100);
  const auto range = parse_value_sizes("0-16777216");
  REQUIRE(range);
  CHECK(range->least == 0);
  CHECK(range->most == 16777216);
  for (const char* text : {"", "-", "x", "10-", "-10", "10-x", "20-10", "1e3", "16777217"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_value_sizes(text));
  }
}
