// Nodes that are behind with epochs: this one, and those that ask it.

#include <algorithm>
#include <utility>

#include "node/shard.h"

namespace coterie {

void Shard::seek_epoch(NodeId from, EpochNumber epoch) {
  // It may be on its way from the control loop.
  if (epoch == EpochNumber{} || epoch > view_->epoch->number()) env_.mesh.seek_epoch(from);
}

/// Whether the request waits until this node has heard of the configuration that it names.
bool Shard::wait_for_epoch(ConnectionId connection, const wire::FrameHeader& header, BytesView body,
                           const wire::ReplicaScope& scope) {
  const auto& epoch = *view_->epoch;
  const bool is_behind = scope.partition.value < epoch.partitions() &&
                         scope.configuration > epoch.configuration(scope.partition);
  if (!is_behind) return false;
  env_.mesh.seek_epoch(connections_.at(connection).node);
  return waiting_.add({.connection = connection,
                       .header = header,
                       .body = Bytes(body),
                       .came = env_.turns.began()});
}

void Shard::on_epoch() {
  for (auto& request : waiting_.take()) {
    if (request.header.deadline_ms != 0) {
      const auto passed =
          std::chrono::ceil<std::chrono::milliseconds>(env_.turns.began() - request.came).count();
      if (passed >= request.header.deadline_ms) {
        ++counts_.expired;
        continue;
      }
      request.header.deadline_ms -= static_cast<std::uint32_t>(passed);
    }
    serve_replica(request.connection, request.header, request.body);
  }
  coordinator_.on_ring(now());
}

}  // namespace coterie
