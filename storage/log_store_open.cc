#include <algorithm>
#include <utility>

#include "base/codec.h"
#include "storage/log_store.h"

// How a LogStore comes up: who the log is, replay, damage, the new run.

namespace coterie {

namespace {

constexpr BytesView identity_key = "store/log";
constexpr BytesView damage_prefix = "store/damaged/";
constexpr BytesView damage_end = "store/damaged0";  // '0' follows '/'
constexpr std::uint16_t identity_format = 1;

/// Which log belongs to a table, and what its keys mean.
struct Identity {
  std::uint64_t log_id = 0;
  std::uint32_t partitions = 0;
  std::uint16_t shard = 0;
  std::uint16_t shards = 0;

  [[nodiscard]] Bytes encode() const {
    Bytes bytes;
    ByteWriter writer(bytes);
    writer.u16(identity_format);
    writer.u64(log_id);
    writer.u32(partitions);
    writer.u16(shard);
    writer.u16(shards);
    return bytes;
  }

  static Result<Identity> decode(BytesView bytes) {
    ByteReader reader(bytes);
    const auto format = reader.u16();
    if (reader.ok() && format > identity_format) {
      return fail(ErrorCode::unsupported_version,
                  "the data were written by a newer build (store format " + std::to_string(format) +
                      "; this one knows " + std::to_string(identity_format) +
                      "): start that build");
    }
    Identity identity{.log_id = reader.u64(),
                      .partitions = reader.u32(),
                      .shard = reader.u16(),
                      .shards = reader.u16()};
    if (!reader.finished())
      return fail(ErrorCode::corrupt, "the table's note of its log is malformed");
    return identity;
  }
};

Bytes damage_key(PartitionId partition) {
  Bytes key(damage_prefix);
  ByteWriter(key).u32_sorted(partition.value);
  return key;
}

Result<void> check_identity(const Identity& identity, const LogStoreOptions& options) {
  const bool same = identity.partitions == options.partitions &&
                    identity.shard == options.shard.value && identity.shards == options.shards;
  if (same) return {};
  return fail(ErrorCode::invalid_argument,
              "the data are of shard " + std::to_string(identity.shard) + " of " +
                  std::to_string(identity.shards) + " with " + std::to_string(identity.partitions) +
                  " partitions, not of shard " + std::to_string(options.shard.value) + " of " +
                  std::to_string(options.shards) + " with " + std::to_string(options.partitions) +
                  ": both are fixed when a data directory is made");
}

/// With its parents, durably.
Result<void> make_directories(FileSystem& files, const std::string& path) {
  std::string parent;
  for (std::size_t from = 0; from <= path.size();) {
    const auto end = std::min(path.find('/', from), path.size());
    const auto directory = path.substr(0, end);
    if (auto done = files.make_directory(directory); !done) return done;
    if (auto done = files.sync_directory(parent); !done) return done;
    parent = directory;
    from = end + 1;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<LogStore>> LogStore::open(const LogStoreParts& parts,
                                                 const LogStoreOptions& options) {
  std::unique_ptr<LogStore> store(new LogStore(parts, options));
  store->checkpointer_ = std::make_unique<Checkpointer>(
      parts.table, parts.checkpoint, parts.timers,
      Checkpointer::Options{
          .full_retry = options.full_retry,
          .parts = {.partitions = options.partitions, .part_entries = options.checkpoint_part}},
      [s = store.get()]() { s->on_progress(); });
  auto known = parts.table.get(Space::meta, identity_key);
  if (!known) return std::unexpected(std::move(known).error());
  if (*known) {
    auto identity = Identity::decode(**known);
    if (!identity) return std::unexpected(std::move(identity).error());
    if (auto same = check_identity(*identity, options); !same) {
      return std::unexpected(std::move(same).error());
    }
    if (auto done = store->recover(identity->log_id); !done) {
      return std::unexpected(std::move(done).error());
    }
  } else if (auto done = store->create(); !done) {
    return std::unexpected(std::move(done).error());
  }
  store->begin_service();
  return store;
}

/// The table learns of the log when the log is there: a table that knows one has lost it if it is
/// not.
Result<void> LogStore::create() {
  auto position = parts_.table.position();
  if (!position) return std::unexpected(std::move(position).error());
  if (position->value != 0) return fail(ErrorCode::corrupt, "the table knows no log of its own");
  if (auto done = make_directories(parts_.files, options_.directory); !done) return done;
  // of files that an earlier attempt may have left
  auto replay =
      replay_log(parts_.files, {.directory = options_.directory, .log_id = options_.new_log_id},
                 [](LogPosition, const std::vector<Write>&) -> Result<void> { return {}; });
  if (!replay) return std::unexpected(std::move(replay).error());
  if (auto done = begin_run(std::move(replay->end)); !done) return done;
  const auto identity = Identity{.log_id = options_.new_log_id,
                                 .partitions = options_.partitions,
                                 .shard = options_.shard.value,
                                 .shards = options_.shards}
                            .encode();
  std::vector<Bytes> keys;
  for (std::uint32_t p = options_.shard.value; options_.has_lost_all && p < options_.partitions;
       p += options_.shards) {
    keys.push_back(damage_key(PartitionId{p}));
    damaged_.insert(PartitionId{p});
  }
  std::vector<Table::Entry> entries;
  entries.reserve(keys.size() + 1);
  for (const auto& key : keys) {
    entries.push_back({.space = Space::meta, .key = key, .value = "the node began anew"});
  }
  entries.push_back({.space = Space::meta, .key = identity_key, .value = identity});
  return parts_.table.commit(entries, LogPosition{});
}

Result<void> LogStore::recover(std::uint64_t log_id) {
  auto table = parts_.table.position();
  if (!table) return std::unexpected(std::move(table).error());
  if (auto done = trees_.load(parts_.table); !done) return done;
  if (auto done = make_directories(parts_.files, options_.directory); !done) return done;
  auto replayed = replay_log(
      parts_.files, {.directory = options_.directory, .log_id = log_id, .table = *table},
      [this](LogPosition at, const std::vector<Write>& writes) { return replay(at, writes); });
  if (!replayed) return std::unexpected(std::move(replayed).error());
  if (replayed->is_damaged) {
    if (auto done = record_damage(*replayed, *table); !done) return done;
  }
  if (auto done = load_damage(); !done) return done;
  return begin_run(std::move(replayed->end));
}

Result<void> LogStore::replay(LogPosition position, const std::vector<Write>& writes) {
  for (const auto& write : writes) {
    if (write.space != Space::records) {
      active_->apply(position, write.space, write.key, write.value);
      continue;
    }
    auto old = get(write.space, write.key);
    if (!old) return std::unexpected(std::move(old).error());
    const auto old_hash = stored_leaf_hash(write.key, *old);
    // The leaf of what was damaged may count what it was before.
    const bool is_damaged = old->has_value() && old_hash == 0;
    if (!is_damaged) trees_.change(write.key, old_hash, stored_leaf_hash(write.key, write.value));
    active_->apply(position, write.space, write.key, write.value);
    if (is_damaged) recount(write.key);
  }
  return {};
}

/// In the table, not in the log: the new run must not begin before the damage is known for good.
Result<void> LogStore::record_damage(const LogReplay& replay, LogPosition table) {
  auto partitions = replay.damaged.value_or(std::vector<std::uint32_t>());
  if (!replay.damaged) {
    for (std::uint32_t p = options_.shard.value; p < options_.partitions; p += options_.shards) {
      partitions.push_back(p);
    }
  }
  std::vector<Bytes> keys;
  keys.reserve(partitions.size());
  for (const auto partition : partitions) keys.push_back(damage_key(PartitionId{partition}));
  std::vector<Table::Entry> entries;
  entries.reserve(keys.size());
  for (const auto& key : keys) {
    entries.push_back({.space = Space::meta, .key = key, .value = replay.what_happened});
  }
  recovery_note_ =
      replay.what_happened + "; " + std::to_string(keys.size()) + " partitions must be refilled";
  // with nothing replayed the log goes on behind what was lost, and so does the table
  return parts_.table.commit(entries, active_->is_empty() ? replay.end.last : table);
}

Result<void> LogStore::load_damage() {
  return scan(Space::meta, damage_prefix, damage_end, [this](BytesView key, BytesView) {
    ByteReader reader(key.substr(damage_prefix.size()));
    damaged_.insert(PartitionId{reader.u32_sorted()});
    return true;
  });
}

Result<LogPosition> LogStore::clear_damage(PartitionId partition) {
  if (is_closing_ || state_ == StoreState::stopped) {
    return fail(ErrorCode::closed, "the store has stopped");
  }
  damaged_.erase(partition);
  Write write{.space = Space::meta, .key = damage_key(partition)};
  return take({&write, 1});
}

Result<void> LogStore::begin_run(LogEnd end) {
  const auto last = end.last;
  log_id_ = end.log_id;
  auto table = parts_.table.position();
  if (!table) return std::unexpected(std::move(table).error());
  auto writer = std::make_unique<LogWriter>(
      parts_.files,
      LogWriter::Options{.directory = options_.directory, .segment_bytes = options_.segment_bytes},
      std::move(end));
  if (auto done = writer->start(*table); !done) return done;
  committer_ =
      std::make_unique<Committer>(std::move(writer), parts_.commit, parts_.clock, parts_.timers,
                                  Committer::Options{.batch_writes = options_.batch_writes,
                                                     .batch_bytes = options_.batch_bytes,
                                                     .interval_sync = options_.interval_sync,
                                                     .full_retry = options_.full_retry,
                                                     .slow_write = options_.slow_write,
                                                     .slow_pause = options_.slow_pause,
                                                     .partitions = options_.partitions},
                                  last, [this]() { on_progress(); });
  return {};
}

void LogStore::begin_service() {
  told_written_ = written();
  told_synced_ = synced();
  checkpointer_->log_synced(synced());
  update_state();
  // what was replayed goes to the table at once, so that restarts do not pile up segments
  freeze();
  arm_deepening();
  arm_turn_end();
}

}  // namespace coterie
