#include "node/replica/partition_copy.h"

#include <doctest/doctest.h>

using namespace coterie;
using namespace coterie::replica;

namespace {

std::optional<ErrorCode> refusal(const PartitionCopy* copy, const wire::ReplicaScope& scope,
                                 Use use) {
  const Result<void> allowed = check_scope(copy, scope, use);
  return allowed ? std::nullopt : std::optional(allowed.error().code);
}

}  // namespace

TEST_CASE("a copy answers for its configuration and generation only") {
  PartitionCopy copy(PartitionId{3}, ActorId{7}, ConfigurationNumber{5}, Generation{2});
  const wire::ReplicaScope scope{PartitionId{3}, ConfigurationNumber{5}, Generation{2}};
  for (const Use use : {Use::mint, Use::write, Use::read}) {
    CHECK(refusal(&copy, scope, use) == std::nullopt);
    CHECK(refusal(nullptr, scope, use) == ErrorCode::not_owner);
    CHECK(refusal(&copy, {PartitionId{3}, ConfigurationNumber{4}, Generation{2}}, use) ==
          ErrorCode::stale_configuration);
    CHECK(refusal(&copy, {PartitionId{3}, ConfigurationNumber{6}, Generation{2}}, use) ==
          ErrorCode::unsure);
  }
  // a generation that was raised alone refuses nothing: only a purge does
  const wire::ReplicaScope older{PartitionId{3}, ConfigurationNumber{5}, Generation{1}};
  CHECK(refusal(&copy, older, Use::write) == std::nullopt);
  copy.raise_purged(Generation{2});
  const auto refused = check_scope(&copy, older, Use::write);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::stale_configuration);
  CHECK(refused.error().generation == 2);
  CHECK(refusal(&copy, scope, Use::write) == std::nullopt);
  CHECK(refusal(&copy, older, Use::read) == std::nullopt);
  copy.raise_generation(Generation{3});
  CHECK(copy.purged() == Generation{2});
  copy.raise_purged(Generation{5});
  CHECK(copy.generation() == Generation{5});

  copy.raise_configuration(ConfigurationNumber{6});
  CHECK(refusal(&copy, scope, Use::read) == ErrorCode::stale_configuration);
}

TEST_CASE("a copy in doubt shows nothing of interval buckets, and takes writes") {
  PartitionCopy copy(PartitionId{3}, ActorId{7}, ConfigurationNumber{5}, Generation{2});
  const wire::ReplicaScope scope{PartitionId{3}, ConfigurationNumber{5}, Generation{2}};
  copy.set_doubt(true);
  CHECK(copy.may_lack_data());
  CHECK(check_scope(&copy, scope, Use::read, Durability::interval).error().code ==
        ErrorCode::unsure);
  CHECK(check_scope(&copy, scope, Use::read, Durability::commit));
  CHECK(check_scope(&copy, scope, Use::write, Durability::interval));
  CHECK(check_scope(&copy, scope, Use::mint, Durability::interval));
  copy.set_doubt(false);
  CHECK_FALSE(copy.may_lack_data());
  CHECK(check_scope(&copy, scope, Use::read, Durability::interval));
}

TEST_CASE("an unsure copy answers nobody, but keeps what it may") {
  PartitionCopy copy(PartitionId{3}, ActorId{7}, ConfigurationNumber{5}, Generation{2},
                     CopyState::unsure);
  const wire::ReplicaScope scope{PartitionId{3}, ConfigurationNumber{5}, Generation{2}};
  for (const Use use : {Use::mint, Use::write, Use::read}) {
    CHECK(refusal(&copy, scope, use) == ErrorCode::unsure);
  }
  CHECK(may_keep(copy, scope));
  CHECK_FALSE(may_keep(copy, {PartitionId{3}, ConfigurationNumber{4}, Generation{2}}));
  CHECK_FALSE(may_keep(copy, {PartitionId{3}, ConfigurationNumber{6}, Generation{2}}));
  copy.raise_purged(Generation{2});
  CHECK_FALSE(may_keep(copy, {PartitionId{3}, ConfigurationNumber{5}, Generation{1}}));
  copy.set_state(CopyState::full);
  CHECK(refusal(&copy, scope, Use::read) == std::nullopt);
}
