#include "storage/checkpointer.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/check.h"

namespace coterie {

namespace {

/// A leaf as bytes, kept while a commit runs.
struct LeafBytes {
  Bytes key;
  std::optional<Bytes> value;
  std::size_t order = 0;  // in which it was taken
};

std::vector<LeafBytes> encode_leaves(const std::vector<StoredLeaf>& leaves) {
  std::vector<LeafBytes> encoded;
  encoded.reserve(leaves.size());
  for (const auto& leaf : leaves) {
    auto value = leaf.cell.records == 0 ? std::nullopt : std::optional(leaf.value());
    encoded.push_back({.key = leaf.key(), .value = std::move(value), .order = encoded.size()});
  }
  std::sort(encoded.begin(), encoded.end(), [](const LeafBytes& a, const LeafBytes& b) {
    return std::tie(a.key, a.order) < std::tie(b.key, b.order);
  });
  // of a leaf that was taken twice the later stands
  std::vector<LeafBytes> last;
  last.reserve(encoded.size());
  for (auto& leaf : encoded) {
    if (!last.empty() && last.back().key == leaf.key) last.pop_back();
    last.push_back(std::move(leaf));
  }
  return last;
}

/// On the checkpoint thread.
Result<void> commit(Table& table, const Frozen& frozen) {
  const auto leaves = encode_leaves(frozen.leaves);
  std::vector<Table::Entry> entries;
  entries.reserve(frozen.overlay.records() + leaves.size());
  for (const auto space :
       {Space::records, Space::trees, Space::hints, Space::acceptors, Space::meta}) {
    if (space == Space::trees) {
      for (const auto& leaf : leaves) {
        entries.push_back({.space = space, .key = leaf.key, .value = leaf.value});
      }
      continue;
    }
    for (const auto& [key, entry] : frozen.overlay.map(space)) {
      entries.push_back({.space = space, .key = key.bytes(), .value = entry.value});
    }
  }
  return table.commit(entries, frozen.position);
}

}  // namespace

Checkpointer::Checkpointer(Table& table, Worker& worker, Timers& timers, Duration full_retry,
                           Handler on_progress)
    : table_(table),
      worker_(worker),
      timers_(timers),
      full_retry_(full_retry),
      on_progress_(std::move(on_progress)),
      alive_(std::make_shared<bool>(true)) {}

Checkpointer::~Checkpointer() {
  *alive_ = false;
  if (retry_timer_) timers_.cancel(*retry_timer_);
}

void Checkpointer::freeze(Frozen frozen) {
  check(!frozen_ || can_join(), "one checkpoint at a time");
  if (!frozen_) {
    frozen_ = std::make_shared<Frozen>(std::move(frozen));
    return;
  }
  frozen_->overlay.merge(std::move(frozen.overlay));
  frozen_->leaves.insert(frozen_->leaves.end(), frozen.leaves.begin(), frozen.leaves.end());
  frozen_->position = frozen.position;
}

void Checkpointer::log_synced(LogPosition synced) {
  synced_ = synced;
  if (frozen_ && !in_flight_ && !retry_timer_ && !failure_ && frozen_->position <= synced_) {
    submit();
  }
}

void Checkpointer::submit() {
  in_flight_ = true;
  auto result = std::make_shared<Result<void>>();
  worker_.submit(
      [&table = table_, frozen = frozen_, result]() mutable {
        *result = commit(table, *frozen);
        frozen.reset();
      },
      [this, alive = alive_, result]() {
        if (*alive) finish(*result);
      });
}

void Checkpointer::finish(const Result<void>& result) {
  in_flight_ = false;
  if (result) {
    committed_ = frozen_->position;
    checkpoints_ += 1;
    full_.reset();
    // freeing a hundred thousand entries would hold up the loop
    worker_.submit([done = std::move(frozen_)]() mutable { done.reset(); }, []() {});
  } else if (result.error().code == ErrorCode::read_only) {
    full_ = result.error();
    retry_timer_ = timers_.start(full_retry_, [this]() {
      retry_timer_.reset();
      log_synced(synced_);
    });
  } else {
    failure_ = result.error();
  }
  on_progress_();
}

}  // namespace coterie
