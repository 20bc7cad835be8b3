#include "node/replica/partition_copy.h"

#include <algorithm>

#include "base/check.h"
#include "ring/transition/configuration.h"

namespace coterie::replica {

PartitionCopy::PartitionCopy(PartitionId partition, ActorId actor,
                             ConfigurationNumber configuration, Generation generation,
                             CopyState state)
    : partition_(partition),
      actor_(actor),
      configuration_(configuration),
      generation_(generation),
      state_(state) {}

void PartitionCopy::redraw(ActorId fresh) {
  check(fresh != actor_, "a redrawn actor is another one");
  actor_ = fresh;
  last_sequence_ = 0;
}

void PartitionCopy::raise_configuration(ConfigurationNumber configuration) {
  check(configuration >= configuration_, "a fence never falls");
  configuration_ = configuration;
}

void PartitionCopy::raise_generation(Generation generation) {
  check(generation >= generation_, "a generation never falls");
  generation_ = generation;
}

void PartitionCopy::raise_purged(Generation generation) {
  check(generation >= purged_, "a generation never falls");
  purged_ = generation;
  generation_ = std::max(generation_, generation);
}

namespace {

Result<void> check_but_state(const PartitionCopy* copy, const wire::ReplicaScope& scope,
                             [[maybe_unused]] Use use) {
  if (copy == nullptr) {
    return fail(ErrorCode::not_owner, "this node does not own partition " +
                                          std::to_string(scope.partition.value) +
                                          "; fetch the ring");
  }
  check(copy->partition() == scope.partition, "the copy is of the scope's partition");
#ifndef COTERIE_PLANT_UNFENCED_REPLICA  // defined only where a test must see it
  if (!transition::passes_fence(copy->configuration(), scope.configuration)) {
    return fail(ErrorCode::stale_configuration,
                "configuration " + std::to_string(scope.configuration.value) +
                    " of the partition has been replaced by " +
                    std::to_string(copy->configuration().value) + "; fetch the ring");
  }
#endif
  if (scope.configuration > copy->configuration()) {
    return fail(ErrorCode::unsure, "this node has not heard of the partition's configuration " +
                                       std::to_string(scope.configuration.value) + " yet");
  }
#ifndef COTERIE_PLANT_PURGE_UNGENERATED  // defined only where a test must see it
  if (use == Use::write && scope.generation < copy->purged()) {
    return std::unexpected(
        Error{.code = ErrorCode::stale_configuration,
              .message = "the record was read before a purge; read it again and resend",
              .generation = copy->purged().value});
  }
#endif
  return {};
}

}  // namespace

Result<void> check_scope(const PartitionCopy* copy, const wire::ReplicaScope& scope, Use use,
                         Durability of) {
  if (const Result<void> allowed = check_but_state(copy, scope, use); !allowed) return allowed;
  if (copy->state() == CopyState::unsure) {
    return fail(ErrorCode::unsure, "this copy of the partition may lack data until it is repaired");
  }
  if (copy->state() == CopyState::filling && use != Use::write) {
    return fail(ErrorCode::unsure, "this copy of the partition is still being filled");
  }
  if (use == Use::read && of == Durability::interval && copy->is_in_doubt()) {
    return fail(ErrorCode::unsure,
                "this node lost power, and its copy of an interval bucket may lack what was not "
                "synced until it has been compared with the other owners'");
  }
  return {};
}

Result<void> check_listed([[maybe_unused]] const PartitionCopy& copy,
                          [[maybe_unused]] ActorId listed) {
#ifndef COTERIE_PLANT_PURGE_UNLISTED  // defined only where a test must see it
  if (copy.actor() != listed) {
    return fail(ErrorCode::unsure, "this copy began anew since its records were listed");
  }
#endif
  return {};
}

bool may_keep(const PartitionCopy& copy, const wire::ReplicaScope& scope) {
  return check_but_state(&copy, scope, Use::write).has_value();
}

}  // namespace coterie::replica
