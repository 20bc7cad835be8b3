#include "node/admin/availability.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <map>

#include "base/limits.h"
#include "ring/transition/joint_quorum.h"

#include "tests/unit/admin/samples.h"
#include "tests/unit/node/changes.h"

using namespace coterie;
using namespace coterie::admin;
using admin_samples::epoch_of;
using admin_samples::node_id;

namespace {

std::set<NodeId> nodes(std::initializer_list<std::uint64_t> numbers) {
  std::set<NodeId> out;
  for (const auto number : numbers) out.insert(node_id(number));
  return out;
}

bool has_quorum(const Epoch& epoch, const std::set<NodeId>& up, std::uint32_t quorum) {
  for (std::uint32_t p = 0; p < epoch.partitions(); ++p) {
    std::uint32_t count = 0;
    for (const auto owner : epoch.owners(PartitionId{p})) count += up.contains(owner) ? 1U : 0U;
    if (count < quorum) return false;
  }
  return true;
}

/// By trying every set of those that are up: the greatest size of which any set may go.
template <class Group>
std::uint32_t may_fail_by_trying(const Epoch& epoch, const std::set<NodeId>& up,
                                 std::uint32_t quorum, Group group) {
  std::map<std::string, std::set<NodeId>> groups;
  for (const auto node : up) groups[group(*epoch.member(node))].insert(node);
  const std::vector<std::pair<std::string, std::set<NodeId>>> list(groups.begin(), groups.end());
  std::uint32_t least_fatal = static_cast<std::uint32_t>(list.size()) + 1;
  for (std::uint32_t set = 0; set < (1U << list.size()); ++set) {
    std::set<NodeId> left = up;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if ((set >> i & 1) == 0) continue;
      for (const auto node : list[i].second) left.erase(node);
    }
    const auto size = static_cast<std::uint32_t>(std::popcount(set));
    if (!has_quorum(epoch, left, quorum)) least_fatal = std::min(least_fatal, size);
  }
  return least_fatal == 0 ? 0 : least_fatal - 1;
}

}  // namespace

TEST_CASE("three nodes with R=W=2: one may fail, then none") {
  const auto epoch = epoch_of(3);
  const auto all = availability_of(*epoch, nodes({1, 2, 3}));
  CHECK(all.partitions == 64);
  CHECK(all.full == 64);
  CHECK(all.quorum == 2);
  CHECK(all.nodes_may_fail == 1);
  CHECK(all.zones_may_fail == 1);
  const auto two = availability_of(*epoch, nodes({1, 3}));
  CHECK(two.full == 0);
  CHECK(two.short_of_copies == 64);
  CHECK(two.without_quorum == 0);
  CHECK(two.nodes_may_fail == 0);
  CHECK(two.zones_may_fail == 0);
  const auto one = availability_of(*epoch, nodes({3}));
  CHECK(one.without_quorum == 64);
  CHECK(one.nodes_may_fail == 0);
  CHECK(availability_of(*epoch, {}).without_quorum == 64);
}

TEST_CASE("the quorum is the greatest R or W of all buckets") {
  const auto all = nodes({1, 2, 3});
  CHECK(availability_of(*epoch_of(3, {"a"}, 1, 3), all).quorum == 3);
  CHECK(availability_of(*epoch_of(3, {"a"}, 1, 3), all).nodes_may_fail == 0);
  CHECK(availability_of(*epoch_of(3, {"a"}, 3, 1), all).quorum == 3);
}

TEST_CASE("nodes of one zone go together") {
  const auto one_zone = availability_of(*epoch_of(3, {"a"}), nodes({1, 2, 3}));
  CHECK(one_zone.nodes_may_fail == 1);
  CHECK(one_zone.zones_may_fail == 0);
  // Five copies in two zones: three of some partition's are in one zone.
  const auto two_zones =
      availability_of(*epoch_of(6, {"a", "b"}, 3, 3, 5), nodes({1, 2, 3, 4, 5, 6}));
  CHECK(two_zones.nodes_may_fail == 2);
  CHECK(two_zones.zones_may_fail == 0);
}

TEST_CASE("what may fail is what trying every set of nodes and of zones says") {
  const std::vector<std::vector<std::string>> zonings = {
      {"a"}, {"a", "b"}, {"a", "b", "c"}, {"a", "b", "c", "d", "e"}, {"a", "a", "b", "c"}};
  for (const auto& zones : zonings) {
    for (std::size_t count = 5; count <= 8; ++count) {
      for (const auto& [r, w, n] :
           {std::tuple{2U, 2U, 3U}, {1U, 3U, 3U}, {3U, 3U, 5U}, {2U, 4U, 5U}}) {
        const auto epoch = epoch_of(count, zones, r, w, n);
        std::set<NodeId> up;
        for (std::uint64_t i = 1; i <= count; ++i) up.insert(node_id(i));
        for (int dead = 0; dead < 3; ++dead) {
          const auto now = availability_of(*epoch, up);
          CAPTURE(zones.size());
          CAPTURE(count);
          CAPTURE(dead);
          CHECK(now.full + now.short_of_copies + now.without_quorum == epoch->partitions());
          CHECK((now.without_quorum == 0) == has_quorum(*epoch, up, now.quorum));
          CHECK(now.nodes_may_fail ==
                may_fail_by_trying(*epoch, up, now.quorum,
                                   [](const Member& m) { return to_hex(m.id); }));
          CHECK(now.zones_may_fail ==
                may_fail_by_trying(*epoch, up, now.quorum, [](const Member& m) { return m.zone; }));
          up.erase(up.begin());
        }
      }
    }
  }
}

namespace {

/// Whether requests of R and W reach their quorums at the stage of each partition.
bool serves(const Epoch& epoch, const std::set<NodeId>& up) {
  const std::vector<NodeId> answering(up.begin(), up.end());
  for (std::uint32_t p = 0; p < epoch.partitions(); ++p) {
    const auto configuration = epoch.at(PartitionId{p});
    for (const auto& bucket : epoch.buckets()) {
      const auto write = transition::Quorum::of_write(configuration, bucket.w);
      const auto read = transition::Quorum::of_read(configuration, bucket.r);
      if (!write.is_reached(answering) || !read.is_reached(answering)) return false;
    }
  }
  return true;
}

/// The greatest number of nodes of which any may go.
std::uint32_t may_fail_by_stage(const Epoch& epoch, const std::set<NodeId>& up) {
  const std::vector<NodeId> list(up.begin(), up.end());
  auto least_fatal = static_cast<std::uint32_t>(list.size()) + 1;
  for (std::uint32_t set = 0; set < (1U << list.size()); ++set) {
    std::set<NodeId> left;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if ((set >> i & 1) == 0) left.insert(list[i]);
    }
    const auto size = static_cast<std::uint32_t>(std::popcount(set));
    if (!serves(epoch, left)) least_fatal = std::min(least_fatal, size);
  }
  return least_fatal == 0 ? 0 : least_fatal - 1;
}

/// A node that owns nothing of partition 0.
NodeId stranger_to(const Epoch& epoch) {
  for (const auto& member : epoch.members()) {
    if (!epoch.owns(member.id, PartitionId{0})) return member.id;
  }
  return {};
}

}  // namespace

TEST_CASE("while owners change, the quorums of each stage are counted") {
  const auto before = epoch_of(5, {"a", "b", "c", "d", "e"});
  const NodeId from = before->owners(PartitionId{0}).back();
  const NodeId to = stranger_to(*before);
  const auto open = opened(before, PartitionId{0}, from, to);
  const auto cut_over = stepped(open, transition::Step::cut_over);
  const auto aborting = stepped(open, transition::Step::abort);
  const auto finished = stepped(cut_over, transition::Step::finish);
  for (const auto& epoch : {before, open, cut_over, aborting, finished}) {
    CAPTURE(epoch->number().number);
    CHECK(availability_of(*epoch, nodes({1, 2, 3, 4, 5})).changing ==
          (epoch->changes().empty() ? 0 : 1));
    for (std::uint32_t set = 0; set < 32; ++set) {
      std::set<NodeId> up;
      for (std::uint64_t i = 0; i < 5; ++i) {
        if ((set >> i & 1) != 0) up.insert(node_id(i + 1));
      }
      const auto now = availability_of(*epoch, up);
      CHECK((now.without_quorum == 0) == serves(*epoch, up));
      CHECK(now.nodes_may_fail == may_fail_by_stage(*epoch, up));
    }
  }
  // The new owner counts: without it, and one that stays, no joint quorum is left.
  std::set<NodeId> up = nodes({1, 2, 3, 4, 5});
  up.erase(to);
  up.erase(open->owners(PartitionId{0}).front());
  CHECK(resting_on(*open, nodes({1, 2, 3, 4, 5}), to).empty());
  const auto lost = availability_of(*open, up);
  CHECK(lost.without_quorum >= 1);
  CHECK(lost.thin.first.front() == PartitionId{0});
}

TEST_CASE("the thinnest partitions are named, and who is missing") {
  const auto epoch = epoch_of(5, {"a", "b", "c", "d", "e"});
  CHECK(availability_of(*epoch, nodes({1, 2, 3, 4, 5})).thin.partitions == 0);
  const auto one_away = availability_of(*epoch, nodes({1, 2, 3, 4}));
  const auto& thin = one_away.thin;
  CHECK(thin.partitions == one_away.short_of_copies);
  CHECK(thin.spare == 0);
  REQUIRE(thin.lacking.size() == 1);
  CHECK(thin.lacking.front().node == node_id(5));
  CHECK(thin.lacking.front().partitions == thin.partitions);
  CHECK(thin.first.size() == limits::partitions_named);
  for (const auto partition : thin.first) CHECK(epoch->owns(node_id(5), partition));
  CHECK(thin.resting_on.size() == 4);
  // Two away: those that both own are without quorum, and thinner than those that one owns.
  const auto two_away = availability_of(*epoch, nodes({1, 2, 3}));
  CHECK_FALSE(two_away.thin.spare.has_value());
  CHECK(two_away.thin.partitions == two_away.without_quorum);
  CHECK(two_away.thin.lacking.size() == 2);
}

TEST_CASE("which partitions rest on a node") {
  const auto epoch = epoch_of(5, {"a", "b", "c", "d", "e"});
  CHECK(resting_on(*epoch, nodes({1, 2, 3, 4, 5}), node_id(1)).empty());
  const auto rest = resting_on(*epoch, nodes({1, 2, 3, 4}), node_id(1));
  CHECK_FALSE(rest.empty());
  for (const auto partition : rest) {
    CHECK(epoch->owns(node_id(1), partition));
    CHECK(epoch->owns(node_id(5), partition));
  }
  // What is lost without it already counts, too: it is the last that is left.
  CHECK(resting_on(*epoch, nodes({1}), node_id(1)).size() ==
        epoch->partitions_held_by(node_id(1)).size());
}
