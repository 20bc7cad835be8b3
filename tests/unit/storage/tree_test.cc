#include "storage/tree.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/limits.h"
#include "base/random.h"

namespace coterie::tree_test {

namespace {

constexpr std::uint32_t partitions = 16;
constexpr PartitionId partition{5};

Token token_in(PartitionId where, std::uint64_t below) {
  return Token{(std::uint64_t{where.value} << 60) | (below >> 4)};
}

/// Records by token, with their leaf hashes: what a scan of the partition would give.
using Records = std::map<Token, std::uint64_t>;

PartitionTree built_from(const Records& records, unsigned depth) {
  PartitionTree tree(partition, partitions, depth);
  for (const auto& [token, hash] : records) tree.change(token, 0, hash);
  return tree;
}

TreeCell sum(const std::vector<TreeCell>& cells) {
  TreeCell out;
  for (const TreeCell& cell : cells) out += cell;
  return out;
}

Bytes key_at(Token token) {
  return encode_key({.token = token, .bucket = BucketId{1}, .partition_key = "k"}).value();
}

bool lies_in(const KeyRange& range, BytesView key) {
  return key >= range.from && (range.to.empty() || key < range.to);
}

}  // namespace

TEST_CASE("depth follows the record count and memory stays bounded") {
  CHECK(wanted_depth(0) == 0);
  CHECK(wanted_depth(64) == 0);
  CHECK(wanted_depth(65) == 1);
  CHECK(wanted_depth(1024) == 1);
  CHECK(wanted_depth(1025) == 2);
  CHECK(wanted_depth(16384) == 2);
  CHECK(wanted_depth(16385) == 3);
  CHECK(wanted_depth(~0ULL) == tree_depth_most);

  // A million records over Q partitions, at the worst count for each Q.
  for (std::uint64_t q = limits::partitions_least; q <= limits::partitions_most; q *= 2) {
    const std::uint64_t leaves = q * (1ULL << (4 * wanted_depth(1'000'000 / q + 1)));
    CHECK(leaves * sizeof(TreeCell) <= 32U << 20);
  }
}

TEST_CASE("a record that comes and goes leaves no trace") {
  PartitionTree tree(partition, partitions, 2);
  const Token token = token_in(partition, 0x123456789abcdef0);
  tree.change(token, 0, 77);
  CHECK(tree.root() == TreeCell{.hash = 77, .records = 1});
  CHECK(tree.leaf(tree.leaf_of(token)) == tree.root());
  tree.change(token, 77, 78);
  CHECK(tree.root() == TreeCell{.hash = 78, .records = 1});
  tree.change(token, 78, 0);
  CHECK(tree.root() == TreeCell{});
  CHECK(tree.level(2) == PartitionTree(partition, partitions, 2).level(2));
}

TEST_CASE("cells are golden: places come from the token bits below the partition's") {
  PartitionTree tree(partition, partitions, 3);
  tree.change(Token{0x5000000000000000}, 0, 1);
  tree.change(Token{0x5abcffffffffffff}, 0, 2);
  tree.change(Token{0x5abd000000000000}, 0, 4);
  CHECK(tree.leaf_of(Token{0x5abcffffffffffff}) == 0xabc);
  CHECK(tree.leaf(0xabd) == TreeCell{.hash = 4, .records = 1});
  CHECK(tree.level(1)[0xa] == TreeCell{.hash = 6, .records = 2});
  CHECK(tree.level(2)[0xab] == TreeCell{.hash = 6, .records = 2});
  CHECK(tree.level(0)[0] == TreeCell{.hash = 7, .records = 3});
  CHECK(tree.take_changed() == std::vector<std::size_t>{0, 0xabc, 0xabd});
  CHECK(tree.take_changed().empty());
}

TEST_CASE("cells add up in any order and subtract by the same operation") {
  Random random(0x7c3);
  std::vector<TreeCell> cells(20);
  for (TreeCell& cell : cells) cell = {.hash = random.next(), .records = random.below(9)};
  const TreeCell forward = sum(cells);
  std::reverse(cells.begin(), cells.end());
  CHECK(sum(cells) == forward);
  TreeCell without = forward;
  without.hash ^= cells[3].hash;
  without.records -= cells[3].records;
  cells.erase(cells.begin() + 3);
  CHECK(sum(cells) == without);
}

TEST_CASE("a tree kept with each change equals one rebuilt from the records") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const unsigned depth = static_cast<unsigned>(random.below(4));
    PartitionTree tree(partition, partitions, depth);
    PartitionTree stored(partition, partitions, depth);
    Records records;
    std::set<std::size_t> touched;
    for (int step = 0; step < 2000; ++step) {
      // Few distinct tokens, so that records are replaced and erased as well as put.
      const Token token = token_in(partition, random.below(300) * 0x0123456789abcdef);
      const auto found = records.find(token);
      const std::uint64_t before = found == records.end() ? 0 : found->second;
      const std::uint64_t after = random.chance(0.3) ? 0 : random.next() | 1;
      tree.change(token, before, after);
      if (before != after) touched.insert(tree.leaf_of(token));
      if (after == 0) {
        records.erase(token);
      } else {
        records[token] = after;
      }
      if (random.chance(0.01)) {
        const std::vector<std::size_t> changed = tree.take_changed();
        CHECK(std::ranges::equal(changed, touched));
        for (const std::size_t leaf : changed) stored.restore_leaf(leaf, tree.leaf(leaf));
        touched.clear();
        CHECK(stored.root() == tree.root());
        CHECK(stored.level(depth) == tree.level(depth));
        CHECK(stored.take_changed().empty());
      }
    }
    const PartitionTree rebuilt = built_from(records, depth);
    for (unsigned level = 0; level <= depth; ++level) {
      CHECK(tree.level(level) == rebuilt.level(level));
      CHECK(sum(tree.level(level)) == tree.root());
    }
    CHECK(tree.root().records == records.size());
  }
}

TEST_CASE("copies of different depth compare at the lesser one") {
  Random random(11);
  Records records;
  for (int i = 0; i < 500; ++i) records[token_in(partition, random.next())] = random.next() | 1;
  PartitionTree shallow = built_from(records, 1);
  const PartitionTree deep = built_from(records, 3);
  CHECK(differing(shallow.level(1), deep.level(1)).empty());

  const auto some = std::next(records.begin(), 123);
  shallow.change(some->first, some->second, 1);
  CHECK(differing(shallow.level(1), deep.level(1)) == std::vector{shallow.leaf_of(some->first)});
  CHECK(differing(shallow.level(0), deep.level(0)) == std::vector<std::size_t>{0});
}

TEST_CASE("a cell's range holds the keys of its tokens and no other's") {
  Random random(12);
  for (const PartitionId where : {PartitionId{0}, partition, PartitionId{15}}) {
    const PartitionTree tree(where, partitions, 2);
    CHECK(tree.range_of(0, 0).from == range_of(where, partitions).from);
    CHECK(tree.range_of(0, 0).to == range_of(where, partitions).to);
    CHECK(tree.range_of(2, 0).from == range_of(where, partitions).from);
    CHECK(tree.range_of(2, 255).to == range_of(where, partitions).to);
    for (std::size_t leaf = 0; leaf + 1 < tree.leaves(); ++leaf) {
      CHECK(tree.range_of(2, leaf).to == tree.range_of(2, leaf + 1).from);
    }
    for (int i = 0; i < 100; ++i) {
      const Token token = token_in(where, random.next());
      CHECK(lies_in(tree.range_of(2, tree.leaf_of(token)), key_at(token)));
      CHECK(lies_in(tree.range_of(1, tree.leaf_of(token) / 16), key_at(token)));
    }
  }
}

TEST_CASE("a tree of a one-partition ring works") {
  PartitionTree tree(PartitionId{0}, 1, 1);
  tree.change(Token{~0ULL}, 0, 9);
  CHECK(tree.leaf_of(Token{~0ULL}) == 15);
  CHECK(tree.range_of(1, 15).to.empty());
  CHECK(tree.range_of(0, 0).to.empty());
  const PartitionTree root_only(PartitionId{0}, 1, 0);
  CHECK(root_only.leaf_of(Token{~0ULL}) == 0);
  CHECK(root_only.range_of(0, 0).to.empty());
}

}  // namespace coterie::tree_test
