#include "ring/bucket_entries.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "ring/birth.h"
#include "ring/succession.h"
#include "ring/transition/entries.h"
#include "tests/unit/ring/epoch_samples.h"

using namespace coterie;
using namespace std::chrono_literals;

namespace {

Epoch base() {
  EpochContents contents = first_epoch(epoch_samples::birth_of(5))->contents();
  contents.buckets = {{.id = BucketId{4}, .name = "words"}};
  return *Epoch::make(std::move(contents));
}

ErrorCode code(const Result<void>& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

}  // namespace

TEST_CASE("a bucket is created under an id that none had, and raised") {
  EpochContents next = transition::following(base());
  REQUIRE(create_bucket(next, {.name = "fresh", .sloppy = true}));
  CHECK(next.buckets.back().id == BucketId{5});
  REQUIRE(set_bucket(next, "words", {.r = 3, .w = {}, .default_ttl = 5s}));
  CHECK(next.buckets.front().r == 3);
  CHECK(next.buckets.front().w == 2);
  CHECK(next.buckets.front().default_ttl == 5s);
  const auto made = Epoch::make(std::move(next));
  REQUIRE(made);
  CHECK(check_succession(base(), *made));
}

TEST_CASE("what was raised is lowered again, as far as all numbers that ever were meet") {
  Epoch now = base();
  const auto set = [&now](std::optional<std::uint32_t> r,
                          std::optional<std::uint32_t> w) -> std::string {
    EpochContents next = transition::following(now);
    const auto done = set_bucket(next, "words", {.r = r, .w = w, .default_ttl = {}});
    if (!done) return done.error().message;
    auto made = Epoch::make(std::move(next));
    REQUIRE_MESSAGE(made, made.error().message);
    REQUIRE(check_succession(now, *made));
    now = *std::move(made);
    const auto smallest = transition::smallest_quorums(now);
    CHECK(smallest.r == now.buckets().front().lowest_r());
    CHECK(smallest.w == now.buckets().front().lowest_w());
    return {};
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(set(3, 3).empty());
  CHECK(now.buckets().front().least_r == 2);
  CHECK(transition::smallest_quorums(now).w == 2);
  CHECK(has(set(1, {}), "R cannot be 1, since W has been 2"));
  CHECK(has(set({}, 1), "W cannot be 1, since R has been 2"));
  CHECK(has(set(3, 1), "W cannot be 1, since R has been 2"));
  CHECK(set(2, {}).empty());
  CHECK(now.buckets().front().least_r == 0);
  CHECK(now.buckets().front().least_w == 2);
  CHECK(set({}, 2).empty());
  CHECK(now.buckets().front() == base().buckets().front());
  // One that was never written with less than W = 3 may be read with R = 1, for good.
  EpochContents strict = base().contents();
  strict.buckets.front().r = strict.buckets.front().w = 3;
  now = *Epoch::make(std::move(strict));
  CHECK(set(1, {}).empty());
  CHECK(set(3, {}).empty());
  CHECK(has(set({}, 2), "W cannot be 2, since R has been 1"));
}

TEST_CASE("W goes below what met a lower R once requests from then are fenced") {
  Epoch now = base();
  const auto entry = [&now](auto change) -> std::string {
    EpochContents next = transition::following(now);
    const Result<void> done = change(next);
    if (!done) return done.error().message;
    auto made = Epoch::make(std::move(next));
    REQUIRE_MESSAGE(made, made.error().message);
    const auto fine = check_succession(now, *made);
    REQUIRE_MESSAGE(fine, fine.error().message);
    now = *std::move(made);
    return {};
  };
  const auto set = [&entry](BucketSettings to) {
    return entry([to](EpochContents& next) { return set_bucket(next, "words", to); });
  };
  const auto step = [&](transition::Step one) {
    const auto id = now.changes().front().id;
    return entry([=](EpochContents& next) { return transition::take_step(next, id, one); });
  };
  const auto fence = [&entry] { return entry(transition::open_fence); };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(has(fence(), "nothing is to be fenced"));
  CHECK(set({.r = 3, .w = {}, .default_ttl = {}}).empty());
  const BucketSettings lower{.r = {}, .w = 1, .default_ttl = {}};
  CHECK(has(set(lower),
            "since R has been 2: reads could miss what was acknowledged; `bucket fence`"));
  CHECK(fence().empty());
  CHECK(has(fence(), "under way"));
  for (std::uint32_t p = 0; p < now.partitions(); ++p) {
    const auto at = now.at(PartitionId{p});
    CHECK(at.stage == Stage::open);
    CHECK(std::ranges::equal(at.old_owners, at.new_owners));
  }
  CHECK(has(set({.r = {}, .w = 3, .default_ttl = {}}), "has every partition"));
  CHECK(set({.r = {}, .w = {}, .default_ttl = 7s}).empty());
  CHECK(step(transition::Step::cut_over).empty());
  CHECK(now.buckets().front().least_r == 2);
  // Nobody votes for what forgets it early, or for other numbers meanwhile.
  for (const bool is_early : {false, true}) {
    EpochContents next = transition::following(now);
    if (is_early) next.buckets.front().least_r = 0;
    if (!is_early) next.buckets.front().w = 3, next.buckets.front().least_w = 2;
    CHECK_FALSE(check_succession(now, *Epoch::make(std::move(next))));
  }
  CHECK(step(transition::Step::finish).empty());
  CHECK(now.buckets().front().least_r == 0);
  CHECK(set(lower).empty());
  CHECK(transition::smallest_quorums(now).w == 1);
  CHECK(has(set({.r = 2, .w = 3, .default_ttl = {}}), "R cannot be 2, since W has been 1"));
  // An abort forgets nothing.
  now = base();
  CHECK(set({.r = 3, .w = {}, .default_ttl = {}}).empty());
  CHECK(fence().empty());
  CHECK(step(transition::Step::abort).empty());
  CHECK(step(transition::Step::end_abort).empty());
  CHECK(now.buckets().front().least_r == 2);
}

TEST_CASE("what a bucket cannot be is refused, and nothing changes") {
  EpochContents next = transition::following(base());
  const EpochContents before = next;
  CHECK(code(create_bucket(next, {.name = "words"})) == ErrorCode::refused);
  CHECK(code(create_bucket(next, {.name = "two words"})) == ErrorCode::invalid_argument);
  CHECK(code(create_bucket(next, {.name = "weak", .r = 1})) == ErrorCode::invalid_argument);
  CHECK(code(set_bucket(next, "none", {.r = 3, .w = {}, .default_ttl = {}})) ==
        ErrorCode::unknown_bucket);
  CHECK(code(set_bucket(next, "words", {.r = 4, .w = {}, .default_ttl = {}})) ==
        ErrorCode::invalid_argument);
  CHECK(code(set_bucket(next, "words", {.r = 1, .w = 3, .default_ttl = {}})) == ErrorCode::refused);
  CHECK(code(set_bucket(next, "words", {.r = 1, .w = 2, .default_ttl = {}})) ==
        ErrorCode::invalid_argument);
  CHECK(code(set_bucket(next, "words", {.r = 0, .w = {}, .default_ttl = {}})) ==
        ErrorCode::invalid_argument);
  CHECK(code(set_bucket(next, "words", {.r = 2, .w = {}, .default_ttl = {}})) ==
        ErrorCode::refused);
  CHECK(next == before);
}

TEST_CASE("nobody votes for a bucket whose rules changed") {
  const auto accepts = [](auto change) {
    EpochContents next = transition::following(base());
    change(next.buckets.front());
    return check_succession(base(), *Epoch::make(std::move(next))).has_value();
  };
  CHECK(accepts([](Bucket& bucket) { bucket.w = 3, bucket.least_w = 2; }));
  CHECK_FALSE(accepts([](Bucket& bucket) { bucket.sloppy = true; }));
  CHECK_FALSE(accepts([](Bucket& bucket) { bucket.durability = Durability::interval; }));
  CHECK_FALSE(accepts([](Bucket& bucket) { bucket.resolver = Resolver::lww; }));
}
