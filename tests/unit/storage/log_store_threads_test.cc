#include <doctest/doctest.h>

#include <chrono>

#include "base/env/posix_file.h"
#include "base/env/uv_loop.h"
#include "base/env/uv_worker.h"
#include "base/random.h"
#include "storage/lmdb_table.h"
#include "storage/log_store.h"
#include "tests/unit/storage/rig.h"
#include "tests/unit/storage/temporary_directory.h"

// The store with its real threads, files and table; what a thread sanitizer looks at.

namespace coterie::log_store_threads_test {

namespace {

constexpr std::uint64_t keys = 300;
constexpr std::uint64_t puts = 4000;

/// One run of a store in a directory.
class Run {
 public:
  explicit Run(const std::string& directory) {
    auto files = PosixFileSystem::open(directory);
    REQUIRE(files);
    files_ = std::move(*files);
    auto table = LmdbTable::open({.directory = directory + "/table", .map_bytes = 64 << 20});
    REQUIRE(table);
    table_ = std::move(*table);
    commit_ = std::make_unique<UvWorker>(loop);
    checkpoint_ = std::make_unique<UvWorker>(loop);
    auto options = Rig::small_options();
    options.overlay_records = 200;
    options.segment_bytes = 1 << 16;
    auto opened = LogStore::open({.files = *files_,
                                  .table = *table_,
                                  .commit = *commit_,
                                  .checkpoint = *checkpoint_,
                                  .clock = loop.clock(),
                                  .timers = loop.timers()},
                                 options);
    REQUIRE(opened);
    store = std::move(*opened);
  }

  void turn() { loop.turn(std::chrono::milliseconds(1)); }

  void close() {
    bool closed = false;
    store->close([&]() { closed = true; });
    while (!closed) turn();
  }

  UvLoop loop;

 private:
  std::unique_ptr<PosixFileSystem> files_;
  std::unique_ptr<LmdbTable> table_;
  std::unique_ptr<UvWorker> commit_;
  std::unique_ptr<UvWorker> checkpoint_;

 public:
  std::unique_ptr<LogStore> store;
};

}  // namespace

TEST_CASE("with real threads a store reads its own writes while checkpoints run") {
  const TemporaryDirectory directory;
  Random random(5);
  std::map<Bytes, Bytes> model;
  std::uint64_t checkpoints = 0;
  for (const bool closes : {false, true}) {
    Run run(directory.path);
    CHECK(everything(*run.store, Space::records) == model);
    std::uint64_t next = 0;
    while (next < puts || run.store->synced() < run.store->last()) {
      for (int i = 0; i < 20 && next < puts; ++i, ++next) {
        const auto number = random.below(keys);
        auto write =
            record_write(*run.store, number, std::pair(next + 1, std::to_string(random.next())));
        model[write.key] = *write.value;
        REQUIRE(run.store->append({&write, 1}));
        const auto key = record_key(random.below(keys));
        const auto there = run.store->get(Space::records, key);
        REQUIRE(there);
        const auto expected = model.find(key);
        REQUIRE(there->has_value() == (expected != model.end()));
        if (*there) REQUIRE(**there == expected->second);
      }
      // now and then only: else nothing would be written while a sync is under way
      if (next == puts || random.chance(0.3)) run.store->request_sync();
      run.store->flush();
      do {
        run.turn();
      } while (run.store->backlog() != Backlog::none);
    }
    checkpoints += run.store->status().checkpoints;
    CHECK(everything(*run.store, Space::records) == model);
    if (closes) run.close();
  }
  CHECK(checkpoints > 5);
  Run run(directory.path);
  CHECK(everything(*run.store, Space::records) == model);
  CHECK(run.store->status().damaged.empty());
  check_trees(*run.store);
}

}  // namespace coterie::log_store_threads_test
