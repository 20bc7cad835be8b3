#include "node/transfer/hint_book.h"

#include <doctest/doctest.h>

#include <string>

#include "storage/memory_store.h"

using namespace coterie;
using namespace coterie::transfer;
using namespace std::chrono_literals;

namespace {

constexpr NodeId alice{.high = 1, .low = 1};
constexpr NodeId bob{.high = 1, .low = 2};
constexpr PartitionId first{0};
constexpr PartitionId second{1};
constexpr WallTime noon{std::chrono::hours(12)};

void finish(HintBook& book) {
  for (int i = 0; book.has_work(); ++i) {
    REQUIRE(i < 1000);
    REQUIRE(book.work());
  }
}

std::uint64_t stored_hints(const Store& store) {
  std::uint64_t count = 0;
  REQUIRE(store.scan(Space::hints, {}, {}, [&](BytesView, BytesView) {
    ++count;
    return true;
  }));
  return count;
}

std::string key(int number) {
  return "key" + std::to_string(10000 + number);
}

}  // namespace

TEST_CASE("one hint a target and key, however often it is left, until it is erased") {
  MemoryStore store(16);
  HintBook book(store, {});
  finish(book);
  book.leave(alice, first, "a", noon);
  book.leave(alice, first, "a", noon + 1s);
  book.leave(bob, first, "a", noon + 2s);
  CHECK(stored_hints(store) == 2);
  CHECK(book.counters().left == 2);
  CHECK(book.counters().coalesced == 1);
  CHECK(book.tally(alice).hints == 1);
  CHECK(book.tally(alice).oldest == noon);
  book.erase(alice, first, "a");
  book.erase(alice, first, "a");
  CHECK(book.tally(alice).hints == 0);
  CHECK_FALSE(book.targets().contains(alice));
  CHECK(book.tally(bob).hints == 1);
  CHECK(stored_hints(store) == 1);
}

TEST_CASE("a restart finds all hints and marks, also while new ones are left during the count") {
  MemoryStore store(16);
  constexpr int many = 2500;
  {
    HintBook book(store, {});
    finish(book);
    for (int i = 0; i < many; ++i) book.leave(alice, i % 2 == 0 ? first : second, key(i), noon);
    book.marks().add(second, bob, noon);
  }
  HintBook book(store, {});
  CHECK_FALSE(book.is_counted());
  book.leave(bob, first, "before the count", noon);
  REQUIRE(book.work());
  CHECK_FALSE(book.is_counted());
  book.leave(alice, first, key(0), noon);  // there already
  book.leave(alice, first, "a", noon);     // behind what was counted
  book.leave(alice, second, "zzz", noon);  // before it
  finish(book);
  CHECK(book.tally(alice).hints == many + 2);
  CHECK(book.tally(bob).hints == 1);
  CHECK(stored_hints(store) == many + 3);
  REQUIRE(book.marks().size() == 1);
  CHECK(book.marks().list()[0].partition == second);
  CHECK(book.marks().list()[0].target == bob);
  for (int i = 0; i < many; ++i) book.erase(alice, i % 2 == 0 ? first : second, key(i));
  CHECK(book.tally(alice).hints == 2);
}

TEST_CASE("over the bound the largest group is dropped and marked, and what is left then, too") {
  MemoryStore store(16);
  HintBook book(store, {.hints = 3000});
  finish(book);
  for (int i = 0; i < 2000; ++i) book.leave(alice, second, key(i), noon);
  for (int i = 0; i < 1000; ++i) book.leave(bob, first, key(i), noon);
  CHECK(book.marks().size() == 0);
  book.leave(bob, first, "one too many", noon);
  CHECK(book.is_dropping(alice, second));
  CHECK_FALSE(book.is_dropping(bob, first));
  book.leave(alice, second, "while it is dropped", noon);
  CHECK(book.counters().not_taken == 2);
  CHECK(stored_hints(store) == 3000);
  finish(book);
  CHECK(stored_hints(store) == 1000);
  CHECK(book.tally(alice).hints == 0);
  CHECK(book.counters().dropped == 2000);
  const auto marks = book.marks().list();
  REQUIRE(marks.size() == 2);
  CHECK(marks[0].target == bob);  // the one too many
  CHECK(marks[1].target == alice);
  book.leave(alice, second, "there is room again", noon);
  CHECK(book.tally(alice).hints == 1);
}

TEST_CASE("the bound on bytes holds like that on their number") {
  MemoryStore store(16);
  HintBook book(store, {.bytes = 10'000});
  finish(book);
  for (int i = 0; i < 1000; ++i) {
    book.leave(alice, first, key(i) + std::string(300, 'k'), noon);
    CHECK(book.tally(alice).bytes < 10'500);
  }
  CHECK(book.marks().size() == 1);
}

TEST_CASE("hints over the age are given up to anti-entropy") {
  MemoryStore store(16);
  HintBook book(store, {});
  finish(book);
  book.leave(alice, first, "old", noon);
  book.leave(alice, second, "young", noon + 2h);
  book.check_age(noon + 3h - 1ms);
  CHECK_FALSE(book.has_work());
  book.check_age(noon + 3h);
  finish(book);
  CHECK(book.tally(alice).hints == 1);
  REQUIRE(book.marks().size() == 1);
  CHECK(book.marks().list()[0].partition == first);
  CHECK(stored_hints(store) == 1);
}

TEST_CASE("where the store takes no hint, the partition is marked, and saved once it can be") {
  MemoryStore store(16);
  HintBook book(store, {});
  finish(book);
  store.set_state(StoreState::read_only, "full");
  book.leave(alice, first, "a", noon);
  CHECK(book.counters().not_taken == 1);
  CHECK(book.marks().size() == 1);
  CHECK_FALSE(book.marks().is_saved());
  book.check_age(noon);
  CHECK_FALSE(book.marks().is_saved());
  store.set_state(StoreState::healthy, "");
  book.check_age(noon);
  CHECK(book.marks().is_saved());
  HintBook after(store, {});
  finish(after);
  CHECK(after.marks().size() == 1);
}

TEST_CASE("a mark is cleared only by who saw all that was lacking") {
  MemoryStore store(16);
  RepairMarks marks(store);
  marks.add(first, alice, noon);
  const auto seen = marks.list();
  marks.add(first, alice, noon + 1s);
  REQUIRE(seen.size() == 1);
  marks.clear(seen[0]);
  CHECK(marks.size() == 1);
  CHECK(marks.list()[0].since == noon);
  marks.clear(marks.list()[0]);
  CHECK(marks.size() == 0);
  RepairMarks after(store);
  REQUIRE(after.load());
  CHECK(after.size() == 0);
}

TEST_CASE("a mark that was made before the old ones were loaded is the same mark") {
  MemoryStore store(16);
  RepairMarks before(store);
  before.add(first, alice, noon);
  store.set_state(StoreState::read_only, "full");
  RepairMarks marks(store);
  marks.add(first, alice, noon + 1s);
  CHECK_FALSE(marks.is_saved());
  REQUIRE(marks.load());
  CHECK(marks.is_saved());
  REQUIRE(marks.size() == 1);
  CHECK(marks.list()[0].since == noon);
}

TEST_CASE("a hint of an unknown time is given up first; one of an unknown kind is left alone") {
  MemoryStore store(16);
  std::vector<Write> writes = {
      {.space = Space::hints,
       .key = encode_hint_key({.target = alice, .partition = first, .key = "a"}),
       .value = "\x07 of a later build"},
      {.space = Space::hints, .key = "\x09 of another", .value = ""}};
  REQUIRE(store.append(writes));
  HintBook book(store, {});
  finish(book);
  CHECK(book.tally(alice).hints == 1);
  book.check_age(noon);
  finish(book);
  CHECK(book.marks().size() == 1);
  CHECK(stored_hints(store) == 1);
}
