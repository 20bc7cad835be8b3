#include "node/transfer/stream_source.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "ring/transition/sources.h"
#include "storage/key.h"
#include "storage/record.h"

namespace coterie::transfer {

bool StreamSource::takes(wire::Kind kind) {
  return kind == wire::Kind::stream_open || kind == wire::Kind::stream_batch;
}

/// Sessions end with the stage they were opened in.
void StreamSource::on_epoch(std::shared_ptr<const Epoch> epoch) {
  epoch_ = std::move(epoch);
  std::erase_if(sessions_, [this](const auto& entry) {
    const auto now = epoch_->at(entry.first.first);
    return now.stage != Stage::open || now.number != entry.second.opened;
  });
}

Result<Bytes> StreamSource::answer(wire::Kind kind, BytesView body,
                                   const wire::Envelope& envelope) {
  if (kind == wire::Kind::stream_open) {
    const auto message = wire::decode<wire::StreamOpen>(body);
    if (!message) return std::unexpected(message.error());
    return open(*message, envelope);
  }
  const auto message = wire::decode<wire::StreamBatch>(body);
  if (!message) return std::unexpected(message.error());
  return batch(*message, envelope);
}

Result<const replica::PartitionCopy*> StreamSource::copy_for(const wire::ReplicaScope& scope,
                                                             NodeId receiver) const {
  if (epoch_ == nullptr || scope.partition.value >= epoch_->partitions()) {
    return fail(ErrorCode::not_owner, "there is no such partition");
  }
  const auto now = epoch_->at(scope.partition);
  if (scope.configuration < now.number) {
    return fail(ErrorCode::stale_configuration,
                "the change that this stream belongs to has gone on; fetch the ring");
  }
  if (scope.configuration > now.number) {
    return fail(ErrorCode::unsure, "this node has not heard of the change yet");
  }
  const auto gained = now.is_changing() ? transition::gained(now) : std::vector<NodeId>{};
  const bool is_meant = now.stage == Stage::open &&
                        std::ranges::count(now.old_owners, self_) != 0 &&
                        std::ranges::count(gained, receiver) != 0;
  if (!is_meant) {
    return fail(ErrorCode::refused, "this node has nothing to stream to the one that asks");
  }
  if (epoch_->change(scope.partition)->is_paused) {
    return fail(ErrorCode::refused, "the change is paused; resume it");
  }
  const auto* copy = copies_.copy(scope.partition);
  if (copy == nullptr || copy->may_lack_data()) {
    return fail(ErrorCode::unsure, "this copy of the partition may lack data until it is repaired");
  }
  if (!transition::may_serve_stream(fenced_(scope.partition), now.number)) {
    return fail(ErrorCode::unsure, "this node has not durably fenced the change yet");
  }
  return copy;
}

Result<Bytes> StreamSource::open(const wire::StreamOpen& message, const wire::Envelope& to) {
  const auto copy = copy_for(message.scope, message.receiver);
  if (!copy) return std::unexpected(copy.error());
  sessions_[{message.scope.partition, message.receiver}] = {.id = message.session,
                                                            .opened = message.scope.configuration};
  const auto* tree = store_.tree(message.scope.partition);
  return wire::encode(wire::StreamOpenReply{.generation = (*copy)->generation(),
                                            .purged = (*copy)->purged(),
                                            .records = tree == nullptr ? 0 : tree->root().records},
                      to);
}

Result<Bytes> StreamSource::batch(const wire::StreamBatch& message, const wire::Envelope& to) {
  const auto copy = copy_for(message.scope, message.receiver);
  if (!copy) return std::unexpected(copy.error());
  const auto session = sessions_.find({message.scope.partition, message.receiver});
  if (session == sessions_.end() || session->second.id != message.session) {
    return fail(ErrorCode::refused, "this session of the stream has ended; open another one");
  }
  const KeyRange range = range_of(message.scope.partition, epoch_->partitions());
  struct Held {
    Bytes key;
    Bytes record;
  };
  std::vector<Held> held;
  std::size_t bytes = 0;
  wire::StreamBatchReply reply{
      .entries = {}, .reach = {}, .generation = (*copy)->generation(), .purged = (*copy)->purged()};
  Bytes reach;
  bool is_damaged = false;
  const auto visit = [&](BytesView key, BytesView record) {
    is_damaged = !peek_digest(key, record).has_value();
    const bool is_full =
        held.size() == limits::stream_batch_records ||
        (!held.empty() && bytes + key.size() + record.size() > limits::stream_batch_bytes);
    if (is_full || is_damaged) {
      reach = key;
      return false;
    }
    bytes += key.size() + record.size();
    held.push_back({.key = Bytes(key), .record = Bytes(record)});
    return true;
  };
  const BytesView from = std::max<BytesView>(range.from, message.from);
  if (auto scanned = store_.scan(Space::records, from, range.to, visit); !scanned) {
    return std::unexpected(scanned.error());
  }
  // What a damaged record said is not handed out, nor skipped: it is made good first.
  if (is_damaged) copies_.note_damaged(message.scope.partition, reach);
  if (is_damaged && held.empty()) {
    return fail(ErrorCode::unsure, "a record of this copy is damaged, and being repaired");
  }
  for (const auto& one : held) reply.entries.push_back({.key = one.key, .record = one.record});
  reply.reach = reach;
  return wire::encode(reply, to);
}

}  // namespace coterie::transfer
