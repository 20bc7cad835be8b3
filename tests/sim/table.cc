#include "tests/sim/table.h"

#include <utility>

#include "base/check.h"

namespace coterie::sim {
namespace {

constexpr Space spaces[] = {Space::records, Space::trees, Space::hints, Space::acceptors,
                            Space::meta};

std::unique_ptr<MemoryTable> copy_of(const MemoryTable& table) {
  std::vector<std::pair<Space, std::pair<Bytes, Bytes>>> all;
  for (const Space space : spaces) {
    const auto read = table.scan(space, {}, {}, [&](BytesView key, BytesView value) {
      all.emplace_back(space, std::pair(Bytes(key), Bytes(value)));
      return true;
    });
    check(read.has_value(), "memory can be read");
  }
  std::vector<Table::Entry> entries;
  entries.reserve(all.size());
  for (const auto& [space, entry] : all) {
    entries.push_back({.space = space, .key = entry.first, .value = entry.second});
  }
  auto copy = std::make_unique<MemoryTable>();
  check(copy->commit(entries, *table.position()).has_value(), "memory can be written");
  return copy;
}

void set(MemoryTable& table, Space space, BytesView key, std::optional<BytesView> value) {
  const Table::Entry entry{.space = space, .key = key, .value = value};
  check(table.commit({&entry, 1}, *table.position()).has_value(), "memory can be written");
}

}  // namespace

SimTable::SimTable(SimWorld& world, NodeIndex node, SimFileSystem& disk)
    : world_(world),
      disk_(disk),
      random_(world.fork_random()),
      observer_(world.at_crash([this, node](NodeIndex crashed, Crash) {
        if (crashed == node) crash();
      })),
      inner_(std::make_unique<MemoryTable>()) {}

SimTable::~SimTable() {
  world_.remove_at_crash(observer_);
}

Result<void> SimTable::commit(std::span<const Entry> entries, std::optional<LogPosition> position) {
  Pending pending = undo_of(entries);
  if (auto done = inner_->commit(entries, position); !done) return done;
  pending.durable_at = disk_.pass_sync_time();
  pending_ = std::move(pending);
  return {};
}

SimTable::Pending SimTable::undo_of(std::span<const Entry> entries) const {
  Pending out{.position = *inner_->position(), .undo = {}};
  out.undo.reserve(entries.size());
  for (const Entry& entry : entries) {
    out.undo.push_back({.space = entry.space,
                        .key = Bytes(entry.key),
                        .value = *inner_->get(entry.space, entry.key)});
  }
  return out;
}

void SimTable::take_back(MemoryTable& table, const Pending& pending) {
  std::vector<Entry> entries;
  entries.reserve(pending.undo.size());
  for (const Undo& undo : pending.undo) {
    entries.push_back({.space = undo.space, .key = undo.key, .value = undo.value});
  }
  table.set_capacity(UINT64_MAX);
  check(table.commit(entries, pending.position).has_value(), "memory can be written");
}

void SimTable::crash() {
  const auto pending = std::exchange(pending_, std::nullopt);
  if (!pending || pending->durable_at <= world_.now() || random_.chance(0.5)) return;
  const bool was_full = inner_->free_bytes() == 0;
  take_back(*inner_, *pending);
  if (was_full) set_full(true);
}

void SimTable::set_full(bool full) {
  inner_->set_capacity(full ? inner_->used_bytes() : UINT64_MAX);
}

SimTable::Snapshot SimTable::snapshot() const {
  auto copy = copy_of(*inner_);
  if (pending_ && pending_->durable_at > world_.now()) take_back(*copy, *pending_);
  return copy;
}

void SimTable::restore(const Snapshot& snapshot) {
  inner_ = copy_of(*snapshot);
  pending_.reset();
}

void SimTable::clear() {
  inner_ = std::make_unique<MemoryTable>();
  pending_.reset();
}

std::vector<Bytes> SimTable::record_keys() const {
  std::vector<Bytes> keys;
  const auto read = inner_->scan(Space::records, {}, {}, [&keys](BytesView key, BytesView) {
    keys.emplace_back(key);
    return true;
  });
  check(read.has_value(), "memory can be read");
  return keys;
}

void SimTable::lose(BytesView key) {
  set(*inner_, Space::records, key, std::nullopt);
}

void SimTable::flip(BytesView key, std::uint64_t bit) {
  auto value = *inner_->get(Space::records, key);
  check(value && !value->empty(), "a record that is there is flipped");
  auto& byte = (*value)[static_cast<std::size_t>(bit / 8 % value->size())];
  byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << (bit % 8)));
  const Entry entry{.space = Space::records, .key = key, .value = *value};
  check(inner_->commit({&entry, 1}, *inner_->position()).has_value(), "its size has not changed");
}

}  // namespace coterie::sim
