#include "storage/entry_tree.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "storage/overlay.h"

namespace coterie {

namespace {

using Model = std::map<Bytes, std::pair<LogPosition, std::optional<Bytes>>>;

void check_equal(const Overlay& overlay, Space space, const Model& model) {
  auto cursor = overlay.entries(space).begin();
  for (const auto& [key, expected] : model) {
    const auto* entry = cursor.entry();
    REQUIRE(entry != nullptr);
    REQUIRE(entry->key() == key);
    REQUIRE(entry->position() == expected.first);
    REQUIRE(entry->value() == expected.second);
    REQUIRE(overlay.find(space, key) == entry);
    cursor.advance();
  }
  CHECK(cursor.entry() == nullptr);
  CHECK(overlay.records() == model.size());
}

void check_lower_bound(const Overlay& overlay, Space space, const Model& model, const Bytes& key) {
  const auto* found = overlay.entries(space).lower_bound(key).entry();
  const auto expected = model.lower_bound(key);
  REQUIRE((found == nullptr) == (expected == model.end()));
  if (found != nullptr) REQUIRE(found->key() == expected->first);
}

/// Keys of each kind that decides a comparison in another way.
Bytes draw_key(Random& random, unsigned kind) {
  const auto number = random.below(3000);
  switch (kind) {
    case 0: {  // apart in the first bytes
      Bytes key;
      for (int shift = 56; shift >= 0; shift -= 8) {
        key.push_back(static_cast<char>((number * 0x9e3779b97f4a7c15U) >> shift));
      }
      return key + "rest";
    }
    case 1:  // all alike in them
      return "the same beginning " + std::to_string(number);
    case 2:  // short, and of zeros
      return Bytes(1 + number % 12, '\0') + Bytes(number % 3, 'a');
    default:  // half and half
      return std::to_string(number % 50) + "12345678" + std::to_string(number);
  }
}

}  // namespace

TEST_CASE("an overlay holds what a map would") {
  Random random(3);
  for (unsigned kind = 0; kind < 4; ++kind) {
    Overlay overlay;
    Model model;
    for (std::uint64_t step = 1; step <= 6000; ++step) {
      const auto key = draw_key(random, kind);
      if (random.chance(0.5)) {
        CHECK((overlay.find(Space::records, key) != nullptr) == model.contains(key));
      }
      // what is found last is another key now and then
      const auto other = draw_key(random, kind);
      if (random.chance(0.3)) {
        CHECK((overlay.find(Space::records, other) != nullptr) == model.contains(other));
      }
      std::optional<Bytes> value;
      if (random.chance(0.8)) value = Bytes(random.below(40), static_cast<char>('a' + step % 26));
      overlay.apply(LogPosition{step}, Space::records, key, value);
      model[key] = {LogPosition{step}, value};
      check_lower_bound(overlay, Space::records, model, other);
    }
    check_equal(overlay, Space::records, model);
    CHECK(overlay.find(Space::hints, model.begin()->first) == nullptr);
    CHECK(overlay.entries(Space::hints).lower_bound("").entry() == nullptr);

    Overlay newer;
    for (std::uint64_t step = 6001; step <= 7000; ++step) {
      const auto key = draw_key(random, kind);
      newer.apply(LogPosition{step}, Space::records, key, "newer");
      model[key] = {LogPosition{step}, "newer"};
    }
    overlay.merge(newer);
    check_equal(overlay, Space::records, model);
  }
}

TEST_CASE("keys that come in order, and in the order against it") {
  for (const bool is_falling : {false, true}) {
    Overlay overlay;
    Model model;
    for (std::uint64_t step = 1; step <= 5000; ++step) {
      const auto number = std::to_string(100000 + (is_falling ? 5000 - step : step));
      overlay.apply(LogPosition{step}, Space::meta, number, number);
      model[number] = {LogPosition{step}, number};
    }
    check_equal(overlay, Space::meta, model);
  }
}

TEST_CASE("an overlay takes a value of any size, and says what it holds") {
  Overlay overlay;
  CHECK(overlay.bytes() == 0);
  const Bytes large(3 << 20, 'l');
  overlay.apply(LogPosition{1}, Space::records, "key", "small");
  overlay.apply(LogPosition{2}, Space::records, "key", large);
  CHECK(*overlay.find(Space::records, "key")->value() == large);
  CHECK(overlay.bytes() > large.size());
  const auto held = overlay.bytes();
  CHECK(held < large.size() + 4096);
  // one that is no larger takes its place
  overlay.apply(LogPosition{3}, Space::records, "key", Bytes(1 << 20, 'm'));
  overlay.apply(LogPosition{4}, Space::records, "key", std::nullopt);
  overlay.apply(LogPosition{5}, Space::records, "key", "again");
  CHECK(overlay.bytes() == held);
  CHECK(*overlay.find(Space::records, "key")->value() == "again");
  CHECK(overlay.records() == 1);

  const Overlay moved = std::move(overlay);
  CHECK(*moved.find(Space::records, "key")->value() == "again");
}

}  // namespace coterie
