#include "node/admin/asker.h"

#include <optional>
#include <utility>

#include "base/limits.h"

namespace coterie::admin {

/// An answer to come. Whoever promises it holds a shared pointer: when that is dropped unanswered
/// (a task that never ran), nobody waits any longer.
template <class T>
struct Asker::Slot {
  std::shared_ptr<Waiting> waiting;
  std::optional<T> value;
  bool is_dropped = false;

  struct Promise {
    std::shared_ptr<Slot> slot;
    explicit Promise(std::shared_ptr<Slot> to) : slot(std::move(to)) {}
    Promise(const Promise&) = delete;
    Promise& operator=(const Promise&) = delete;
    ~Promise() {
      const std::scoped_lock lock(slot->waiting->mutex);
      slot->is_dropped = true;
      slot->waiting->changed.notify_all();
    }
    void set(T answer) {
      const std::scoped_lock lock(slot->waiting->mutex);
      slot->value = std::move(answer);
      slot->waiting->changed.notify_all();
    }
  };
};

Asker::Asker(Node& node) : node_(node), waiting_(std::make_shared<Waiting>()) {}

Asker::~Asker() {
  stop();
}

void Asker::stop() {
  const std::scoped_lock lock(waiting_->mutex);
  waiting_->is_stopping = true;
  waiting_->changed.notify_all();
}

Source Asker::source() {
  return {.status = [this] { return status(); },
          .inspect = [this](PartitionId partition,
                            Bytes key) { return inspect(partition, std::move(key)); },
          .on_all_shards = [this](const ShardTask& task) { return on_all_shards(task); },
          .order = [this](const topology::Order& what) { return order(what); },
          .stop = [this] { node_.stop(); }};
}

template <class T>
Result<T> Asker::wait_for(const std::shared_ptr<Slot<T>>& slot, Duration patience) {
  std::unique_lock lock(waiting_->mutex);
  const bool is_settled = waiting_->changed.wait_for(lock, patience, [&] {
    return slot->value.has_value() || slot->is_dropped || waiting_->is_stopping;
  });
  if (slot->value) return *std::move(slot->value);
  if (waiting_->is_stopping) return fail(ErrorCode::unavailable, "the node is stopping");
  if (is_settled)
    return fail(ErrorCode::unavailable, "the node is starting or too busy; ask again");
  return fail(ErrorCode::unavailable, "the node's event loops did not answer in time; ask again");
}

Result<NodeStatus> Asker::status() {
  auto slot = std::make_shared<Slot<NodeStatus>>(Slot<NodeStatus>{.waiting = waiting_});
  {
    auto promise = std::make_shared<Slot<NodeStatus>::Promise>(slot);
    (void)node_.ask_status([promise](NodeStatus status) { promise->set(std::move(status)); });
  }
  return wait_for(slot);
}

Result<std::vector<Inspection>> Asker::inspect(PartitionId partition, Bytes key) {
  using Answers = std::vector<Inspection>;
  auto slot = std::make_shared<Slot<Answers>>(Slot<Answers>{.waiting = waiting_});
  {
    auto promise = std::make_shared<Slot<Answers>::Promise>(slot);
    (void)node_.post_to(partition, [promise, key = std::move(key)](Shard& shard) {
      shard.inspect(key, [promise](Answers answers) { promise->set(std::move(answers)); });
    });
  }
  return wait_for(slot);
}

Result<topology::Answer> Asker::order(const topology::Order& what) {
  using Answer = Result<topology::Answer>;
  auto slot = std::make_shared<Slot<Answer>>(Slot<Answer>{.waiting = waiting_});
  {
    auto promise = std::make_shared<Slot<Answer>::Promise>(slot);
    (void)node_.order(what, [promise](Answer answer) { promise->set(std::move(answer)); });
  }
  auto answer = wait_for(slot, limits::admin_order_patience);
  return answer ? *std::move(answer) : std::unexpected(std::move(answer.error()));
}

Result<std::vector<Result<std::uint64_t>>> Asker::on_all_shards(const ShardTask& task) {
  using Outcome = Result<std::uint64_t>;
  const auto known = status();
  if (!known) return std::unexpected(known.error());
  if (known->view == nullptr) return fail(ErrorCode::unavailable, "the cluster is forming");
  std::vector<std::shared_ptr<Slot<Outcome>>> slots;
  for (std::size_t shard = 0; shard < known->shards_total; ++shard) {
    slots.push_back(std::make_shared<Slot<Outcome>>(Slot<Outcome>{.waiting = waiting_}));
    auto promise = std::make_shared<Slot<Outcome>::Promise>(slots.back());
    // Partition s lies in shard s.
    (void)node_.post_to(PartitionId{static_cast<std::uint32_t>(shard)},
                        [promise, task](Shard& there) { promise->set(task(there)); });
  }
  std::vector<Outcome> out;
  for (const auto& slot : slots) {
    auto outcome = wait_for(slot);
    if (!outcome) return std::unexpected(outcome.error());
    out.push_back(*std::move(outcome));
  }
  return out;
}

}  // namespace coterie::admin
