#include "base/small_vector.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "base/random.h"

namespace coterie {
namespace {

using Numbers = SmallVector<int, 3>;

std::vector<int> contents(const Numbers& numbers) {
  return {numbers.begin(), numbers.end()};
}

}  // namespace

TEST_CASE("a small vector does what a vector does, over its inline room and beyond") {
  Random random(1);
  Numbers numbers;
  std::vector<int> expected;
  for (int i = 0; i < 500; ++i) {
    const auto action = random.below(6);
    const auto at = static_cast<std::ptrdiff_t>(random.below(expected.size() + 1));
    if (action < 2) {
      numbers.push_back(i);
      expected.push_back(i);
    } else if (action == 2) {
      numbers.insert(numbers.begin() + at, i);
      expected.insert(expected.begin() + at, i);
    } else if (action == 3) {
      numbers.resize(static_cast<std::size_t>(at));
      expected.resize(static_cast<std::size_t>(at));
    } else if (action == 4) {
      const auto is_odd = [](int number) { return number % 2 == 1; };
      numbers.erase_if(is_odd);
      std::erase_if(expected, is_odd);
    } else {
      const std::vector<int> more(random.below(4), i);
      numbers.append(more.begin(), more.end());
      expected.insert(expected.end(), more.begin(), more.end());
    }
    REQUIRE(contents(numbers) == expected);
    Numbers copy = numbers;
    CHECK(copy == numbers);
    Numbers moved = std::move(copy);
    REQUIRE(contents(moved) == expected);
    copy = moved;
    moved = std::move(copy);
    REQUIRE(contents(moved) == expected);
  }
}

TEST_CASE("an element of a small vector can be put into it once more, where that makes it grow") {
  Numbers numbers{1, 2, 3};
  numbers.push_back(numbers.front());
  numbers.insert(numbers.begin(), numbers[2]);
  CHECK(contents(numbers) == std::vector{3, 1, 2, 3, 1});
}

}  // namespace coterie
