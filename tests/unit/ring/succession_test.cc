#include "ring/succession.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "ring/birth.h"
#include "tests/unit/ring/epoch_samples.h"

namespace coterie::succession_test {

namespace {

Epoch base() {
  return *first_epoch(epoch_samples::birth_of(5));
}

/// What check_succession says of base() after `change`; empty: fine.
std::string said(const std::function<void(EpochContents&)>& change) {
  EpochContents contents = base().contents();
  contents.number.number += 1;
  change(contents);
  const auto next = Epoch::make(std::move(contents));
  REQUIRE(next);
  const auto fine = check_succession(base(), *next);
  return fine ? "" : fine.error().message;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("members, weights, voters and new buckets may change from epoch to epoch") {
  CHECK(said([](auto&) {}) == "");
  CHECK(said([](auto& next) {
          next.members.front().weight = 7;
          next.voters.erase(next.voters.begin(), next.voters.begin() + 2);
          next.buckets.front().r = 2;
          next.buckets.front().least_r = 1;
          next.buckets.push_back({.id = BucketId{9}, .name = "fresh"});
        }) == "");
}

TEST_CASE("what is fixed at birth cannot change") {
  CHECK(has(said([](auto& next) { next.number.number += 1; }), "number"));
  CHECK(has(said([](auto& next) { next.number.number -= 1; }), "number"));
  CHECK(has(said([](auto& next) { next.number.lineage += 1; }), "number"));
  CHECK(has(said([](auto& next) { next.cluster.low += 1; }), "birth"));
  CHECK(has(said([](auto& next) { next.hash_seed += 1; }), "birth"));
}

TEST_CASE("a bucket keeps its id and name, and no id comes twice") {
  CHECK(has(said([](auto& next) { next.buckets.pop_back(); }), "gone"));
  CHECK(has(said([](auto& next) { next.buckets.front().name = "other"; }), "renamed"));
  EpochContents old = base().contents();
  old.buckets.front().id = BucketId{5};
  std::ranges::sort(old.buckets, {}, &Bucket::id);
  EpochContents next = old;
  next.number.number += 1;
  next.buckets.push_back({.id = BucketId{4}, .name = "fresh"});
  std::ranges::sort(next.buckets, {}, &Bucket::id);
  const auto fine = check_succession(*Epoch::make(old), *Epoch::make(next));
  REQUIRE_FALSE(fine);
  CHECK(has(fine.error().message, "used before"));
}

TEST_CASE("a configuration's number rises with its partition's change, and only then") {
  CHECK(has(said([](auto& next) { next.configurations[3].value += 1; }), "partition 3"));
  CHECK(has(said([](auto& next) { std::swap(next.owners[0], next.owners[1]); }), "partition 0"));
  CHECK(has(said([](auto& next) {
              std::swap(next.owners[0], next.owners[1]);
              next.configurations[0].value += 1;
            }),
            "stages of a change"));
}

TEST_CASE("the lowest R and W that a bucket has had are not forgotten") {
  const char* const forgotten = "the lowest R and W that it has had are others";
  const auto sessions = [](auto change) {
    return said([&](EpochContents& next) { change(next.buckets.front()); });
  };
  CHECK(sessions([](Bucket& bucket) { bucket.r = 2, bucket.least_r = 1; }) == "");
  CHECK(has(sessions([](Bucket& bucket) { bucket.r = 2; }), forgotten));
  CHECK(has(sessions([](Bucket& bucket) { bucket.r = 3, bucket.least_r = 2; }), forgotten));
  // From W = 3 to 2 where no R has been below 2.
  CHECK(said([](EpochContents& next) { next.buckets.back().w -= 1; }) == "");
  const auto fresh = [](Bucket bucket) {
    return said([&](EpochContents& next) {
      bucket.id = BucketId{9};
      bucket.name = "fresh";
      next.buckets.push_back(bucket);
    });
  };
  CHECK(fresh({}) == "");
  CHECK(has(fresh({.r = 3, .least_r = 2}), forgotten));
}

}  // namespace coterie::succession_test
