#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/log_store.h"
#include "storage/memory_table.h"
#include "tests/unit/storage/by_hand.h"
#include "tests/unit/storage/forgetful_disk.h"

namespace coterie {

inline constexpr std::uint32_t rig_partitions = 16;

/// A key of Space::records with this number as its partition key.
[[nodiscard]] Bytes record_key(std::uint64_t number);
/// A record with one sibling; the version names its dot.
[[nodiscard]] Bytes record_bytes(BytesView key, std::uint64_t version, BytesView value);
/// A write of a record with its leaf hashes, over what the store has; no value: an erasure.
[[nodiscard]] Write record_write(const Store& store, std::uint64_t number,
                                 std::optional<std::pair<std::uint64_t, std::string>> record);

/// All keys and values of a space.
[[nodiscard]] std::map<Bytes, Bytes> everything(const Store& store, Space space);
/// What the trees of a store must be, made anew from its records.
void check_trees(const Store& store);

/// Makes `to`, which is empty, equal to `from`.
void copy_table(const Table& from, Table& to);

/// A LogStore with everything it stands on under a test's hand.
struct Rig {
  ForgetfulDisk disk;
  MemoryTable memory_table;
  Table* table = &memory_table;
  WorkerByHand commit;
  WorkerByHand checkpoint;
  TimersByHand timers;
  LogStoreOptions options = small_options();
  std::unique_ptr<LogStore> store;

  [[nodiscard]] static LogStoreOptions small_options();
  [[nodiscard]] Result<void> try_open();
  void open();
  /// Ends the process: what was written stays.
  void kill();
  /// Ends the machine.
  void lose_power(Random& random, double kept);
  /// Lets everything under way end, at this instant.
  void settle();
  void close();
  LogPosition put(std::uint64_t number, std::uint64_t version, std::string value = "value");
  LogPosition erase(std::uint64_t number);
  /// put(), then a sync, settled.
  LogPosition put_synced(std::uint64_t number, std::uint64_t version, std::string value = "value");
};

}  // namespace coterie
