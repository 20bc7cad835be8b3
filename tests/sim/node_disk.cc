// What becomes of a simulated node's data directory.

#include <chrono>

#include "base/check.h"
#include "node/recover_as.h"
#include "node/run_note.h"
#include "tests/sim/node.h"

namespace coterie::sim {

void SimNode::crash(Crash how) {
  check(running_ != nullptr, "only what runs can crash");
  log_.info("node", how == Crash::process ? "is killed" : "loses power");
  if (how != Crash::process) ++boot_;
  world_.crash(index_, how);
  end_run();
}

std::string SimNode::run_note_path(std::size_t shard) {
  return "run-" + std::to_string(shard);
}

Result<std::uint64_t> SimNode::note_begin(ShardIndex shard) {
  const auto position = tables_[shard.value]->position();
  if (!position) return std::unexpected(position.error());
  return coterie::begin_run(disk_, run_note_path(shard.value),
                            {.boot = "boot " + std::to_string(boot_),
                             .has_data = position->value > 0,
                             .fresh_doubt = random_.next() | 1});
}

SimNode::Copy SimNode::copy() const {
  Copy out{.disk = disk_.snapshot(), .tables = {}};
  for (const auto& table : tables_) out.tables.push_back(table->snapshot());
  return out;
}

void SimNode::restore(const Copy& copy) {
  check(running_ == nullptr, "only what is down is restored");
  disk_.restore(*copy.disk);
  for (std::size_t i = 0; i < tables_.size(); ++i) tables_[i]->restore(copy.tables[i]);
}

void SimNode::wipe() {
  check(running_ == nullptr, "only what is down is wiped");
  disk_.restore({});
  for (const auto& table : tables_) table->clear();
  is_gone_ = true;
}

Result<void> SimNode::begin_anew(NodeId as) {
  check(running_ == nullptr, "only what is down begins anew");
  log_.info("node", "begins anew as " + short_name(as));
  disk_.restore({});
  for (const auto& table : tables_) table->clear();
  is_gone_ = false;
  const auto begun = coterie::begin_anew(disk_, {.node = as, .shards = settings_.shards});
  if (!begun) return std::unexpected(begun.error());
  is_restored_ = false;
  ++begun_anew_;
  return {};
}

/// People read what it said.
void SimNode::start_later() {
  world_.schedule(world_.life(NodeIndex{0}), std::chrono::milliseconds(500), "begin anew", [this] {
    if (running_ != nullptr || !is_restored_) return;
    if (const auto started = start(); !started) log_.error("node", started.error().message);
  });
}

}  // namespace coterie::sim
