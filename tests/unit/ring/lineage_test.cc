#include "ring/lineage.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "ring/birth.h"
#include "tests/unit/ring/epoch_samples.h"

using namespace coterie;

TEST_CASE("a new lineage has voters that are there, and all else as it was") {
  const Epoch base = *first_epoch(epoch_samples::birth_of(5));
  REQUIRE(base.voters().size() == 5);
  std::vector<NodeId> lost;
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK_FALSE(force_lineage(base, lost));
    lost.push_back(base.voters()[i]);
  }
  const auto forced = force_lineage(base, lost);
  REQUIRE(forced);
  CHECK(forced->number() > base.number());
  CHECK(forced->number().lineage == 2);
  CHECK(forced->voters().size() == 1);
  for (const NodeId voter : forced->voters()) CHECK(std::ranges::count(lost, voter) == 0);
  CHECK(std::ranges::equal(forced->members(), base.members()));
  CHECK(forced->contents().owners == base.contents().owners);
  // Whatever the lost voters decided that nobody here knows of.
  CHECK(forced->configuration(PartitionId{0}).value > base.configuration(PartitionId{0}).value + 9);
  for (const Member& member : base.members()) {
    if (std::ranges::count(lost, member.id) == 0) lost.push_back(member.id);
  }
  CHECK_FALSE(force_lineage(base, lost));
  lost.front() = NodeId{.high = 1, .low = 1};
  CHECK_FALSE(force_lineage(base, lost));
}
