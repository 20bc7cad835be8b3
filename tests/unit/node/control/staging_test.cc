#include "node/control/staging.h"

#include <doctest/doctest.h>

#include "node/identity.h"
#include "tests/sim/env/file.h"
#include "tests/sim/env/world.h"
#include "tests/unit/node/samples.h"

using namespace coterie;

namespace {

struct Disk {
  sim::SimWorld sim{1};
  sim::NodeIndex node = sim.add_node();
  sim::SimFileSystem files{sim, node};

  Staging opened() {
    Staging staging(files);
    REQUIRE(staging.open());
    return staging;
  }
};

Member newcomer(std::uint64_t number) {
  return {.id = node_id(number), .zone = "z", .weight = 3, .address = "10.0.0.9:1"};
}

std::shared_ptr<const Epoch> changed(const Epoch& base, auto change) {
  EpochContents next = base.contents();
  next.number.number += 1;
  change(next);
  return std::make_shared<const Epoch>(*Epoch::make(std::move(next)));
}

}  // namespace

TEST_CASE("what is staged is there again after a restart, in its order") {
  Disk disk;
  const auto epoch = sample_epoch(7);
  const std::vector<plan::StagedChange> all = {
      plan::Leave{.node = node_id(2)},
      plan::Weigh{.node = node_id(1), .weight = 5},
      plan::Rezone{.node = node_id(3), .zone = "elsewhere"},
      plan::Remove{.node = node_id(4)},
      plan::Join{.member = newcomer(20)},
      plan::Replace{
          .node = node_id(5), .by = {.id = node_id(21), .address = "10.0.0.10:1"}, .is_dead = true},
  };
  auto staging = disk.opened();
  for (const auto& change : all) REQUIRE(staging.add(*epoch, {}, change));
  CHECK(disk.opened().staged() == all);
  CHECK(staging.add(*epoch, {}, plan::Leave{.node = node_id(1)}).error().code ==
        ErrorCode::refused);
  CHECK(staging.remove(node_id(77)).error().code == ErrorCode::not_found);
  REQUIRE(staging.remove(node_id(21)));
  CHECK(disk.opened().staged().size() == 5);
  REQUIRE(staging.clear());
  CHECK(disk.opened().staged().empty());
}

TEST_CASE(
    "what an epoch does is not staged any more; what it rules out is dropped, and it says so") {
  Disk disk;
  const auto epoch = sample_epoch(5);
  auto staging = disk.opened();
  REQUIRE(staging.add(*epoch, {}, plan::Weigh{.node = node_id(1), .weight = 5}));
  REQUIRE(staging.add(*epoch, {}, plan::Weigh{.node = node_id(2), .weight = 6}));
  REQUIRE(staging.add(*epoch, {}, plan::Join{.member = newcomer(20)}));
  const auto next = changed(*epoch, [](EpochContents& contents) {
    contents.members[0].weight = 5;
    contents.members.push_back({.id = node_id(30), .address = newcomer(20).address});
  });
  REQUIRE(staging.settle(*next, {}));
  CHECK(staging.staged() ==
        std::vector<plan::StagedChange>{plan::Weigh{.node = node_id(2), .weight = 6}});
  for (const auto& known : {staging.dropped(), disk.opened().dropped()}) {
    REQUIRE(known.size() == 1);
    CHECK(known[0].find("join") == 0);
    CHECK(known[0].find("is the address of member") != std::string::npos);
  }
  REQUIRE(staging.clear());
  CHECK(disk.opened().dropped().empty());
}

TEST_CASE("a damaged file of what was staged is told of, and does not keep a node from starting") {
  Disk disk;
  auto staging = disk.opened();
  REQUIRE(staging.add(*sample_epoch(4), {}, plan::Leave{.node = node_id(2)}));
  const Bytes good = **read_file(disk.files, "staged");
  for (std::size_t size = 0; size <= good.size(); ++size) {
    Bytes bad = good.substr(0, size);
    if (size == good.size()) bad[size / 2] ^= 1;
    REQUIRE(replace_file(disk.files, "staged", bad));
    const auto opened = disk.opened();
    CHECK(opened.staged().empty());
    CHECK(opened.dropped().size() == 1);
  }
}
