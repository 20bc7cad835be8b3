#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/env/posix_file.h"
#include "base/env/system.h"
#include "base/env/uv_loop.h"
#include "base/env/uv_worker.h"
#include "base/hash.h"
#include "base/random.h"
#include "storage/key.h"
#include "storage/lmdb_table.h"
#include "storage/log_store.h"
#include "storage/record.h"

// What one shard's store does on a real directory:
//   store_bench DIRECTORY [RECORDS] [VALUE_BYTES]
// DIRECTORY must exist and should be empty.

namespace coterie {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t batch = 100;
constexpr std::uint32_t partitions = 1024;

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

/// Tells what commits take.
class TimedTable final : public Table {
 public:
  TimedTable(Table& table, const Clock& clock) : table_(table), clock_(clock) {}

  Result<void> commit(std::span<const Entry> entries,
                      std::optional<LogPosition> position) override {
    const auto begin = clock_.now();
    auto done = table_.commit(entries, position);
    const auto took = clock_.now() - begin;
    commits += 1;
    committed += entries.size();
    total += took;
    longest = std::max(longest, took);
    return done;
  }
  Result<LogPosition> position() const override { return table_.position(); }
  Result<std::optional<Bytes>> get(Space space, BytesView key) const override {
    return table_.get(space, key);
  }
  Result<void> scan(Space space, BytesView from, BytesView to,
                    const Store::Visitor& visit) const override {
    return table_.scan(space, from, to, visit);
  }
  void end_read() override { table_.end_read(); }
  std::uint64_t used_bytes() const override { return table_.used_bytes(); }
  std::uint64_t free_bytes() const override { return table_.free_bytes(); }
  std::uint64_t entries(Space space) const override { return table_.entries(space); }

  // by the checkpoint thread; read when it rests
  std::uint64_t commits = 0;
  std::uint64_t committed = 0;
  Duration total{};
  Duration longest{};

 private:
  Table& table_;
  const Clock& clock_;
};

class Bench {
 public:
  Bench(FileSystem& files, Table& table, std::uint64_t records, std::size_t value_bytes)
      : table_(table, loop_.clock()),
        commit_(loop_),
        checkpoint_(loop_),
        files_(files),
        records_(records),
        value_(value_bytes, 'v') {}

  Result<void> run() {
    auto opened = LogStore::open({.files = files_,
                                  .table = table_,
                                  .commit = commit_,
                                  .checkpoint = checkpoint_,
                                  .clock = loop_.clock(),
                                  .timers = loop_.timers()},
                                 {.partitions = partitions, .new_log_id = random_bits()});
    if (!opened) return std::unexpected(std::move(opened).error());
    store_ = std::move(*opened);
    loop_.at_turn_end(UvLoop::TurnEnd::flush, [this]() { store_->flush(); });
    puts("puts, 100 under way", batch);
    puts("puts, 1,000 under way", 10 * batch);
    turns();
    gets();
    close();
    return {};
  }

 private:
  struct Put {
    Bytes key;
    Bytes value;
    std::uint64_t hash = 0;
  };

  [[nodiscard]] Put make(std::uint64_t number, std::uint64_t version) const {
    const auto name = "key " + std::to_string(number);
    Put put{.key = *encode_key({.token = Token{hash64(name)},
                                .bucket = BucketId{1},
                                .partition_key = name,
                                .sort_key = {}})};
    const Dot dot{.actor = ActorId{7}, .sequence = version};
    Record record;
    record.context.add(dot);
    record.siblings.push_back({.dot = dot, .value = value_});
    put.value = encode_record(put.key, record);
    put.hash = leaf_hash(put.key, digest(record));
    return put;
  }

  /// Random keys, each put an append of its own; `window` puts wait for their sync at most.
  void puts(const char* what, std::uint64_t window) {
    Random random(window);
    std::vector<Put> made;
    made.reserve(records_);
    for (std::uint64_t i = 0; i < records_; ++i)
      made.push_back(make(random.below(records_), i + 1));
    table_.commits = table_.committed = 0;
    table_.total = table_.longest = {};
    const auto begin = loop_.clock().now();
    const auto cpu = cpu_seconds();
    const auto syncs = store_->status().syncs;
    auto longest_turn = Duration::zero();
    std::uint64_t next = 0;
    const auto first = store_->last().value;
    while (store_->synced().value < first + records_) {
      const auto turn = loop_.clock().now();
      while (next < records_ && store_->last().value - store_->synced().value < window) {
        append(made[next++]);
      }
      store_->request_sync();
      longest_turn = std::max(longest_turn, loop_.clock().now() - turn);
      loop_.turn(1s);
    }
    const auto took = seconds(loop_.clock().now() - begin);
    const auto count = static_cast<double>(records_);
    std::printf("%-22s %9.0f/s  %5.2f us of CPU each  %6.1f a sync  longest append turn %.1f ms\n",
                what, count / took, (cpu_seconds() - cpu) / count * 1e6,
                count / static_cast<double>(store_->status().syncs - syncs),
                seconds(longest_turn) * 1e3);
    report_checkpoints();
  }

  /// What the loop waits for its writes to the log where nobody wants a sync: turns of a few puts.
  void turns() {
    constexpr std::uint64_t puts_a_turn = 10;
    constexpr std::uint64_t pauses = 50;  // turns between those in which the loop looks around
    Random random(3);
    std::vector<Duration> took;
    took.reserve(records_ / puts_a_turn + 1);
    for (std::uint64_t next = 0; next < records_;) {
      for (std::uint64_t i = 0; i < puts_a_turn && next < records_; ++i, ++next) {
        auto put = make(random.below(records_), 3 * records_ + next);
        append(put);
      }
      const auto begin = loop_.clock().now();
      store_->flush();
      took.push_back(loop_.clock().now() - begin);
      if (took.size() % pauses == 0) loop_.turn(Duration::zero());
      while (store_->backlog() != Backlog::none) loop_.turn(1ms);
    }
    std::ranges::sort(took);
    const auto at = [&](double part) {
      const auto place = static_cast<std::size_t>(part * static_cast<double>(took.size() - 1));
      return seconds(took[place]) * 1e6;
    };
    std::printf(
        "turns of %llu puts        the log's write: p50 %.1f us, p99 %.1f, p99.9 %.1f, longest "
        "%.1f\n",
        static_cast<unsigned long long>(puts_a_turn), at(0.5), at(0.99), at(0.999), at(1));
  }

  void append(Put& put) {
    Write write{.space = Space::records,
                .key = std::move(put.key),
                .value = std::move(put.value),
                .new_leaf_hash = put.hash};
    const auto old = store_->get(Space::records, write.key);
    if (old && *old) write.old_leaf_hash = stored_leaf_hash(write.key, *old);
    if (auto position = store_->append({&write, 1}); !position) {
      std::fprintf(stderr, "append: %s\n", position.error().message.c_str());
      std::exit(1);
    }
  }

  void report_checkpoints() const {
    if (table_.commits == 0) return;
    std::printf(
        "  checkpoints          %llu of %.0f entries, %.2f s in all, longest %.2f s, %.2f us an "
        "entry\n",
        static_cast<unsigned long long>(table_.commits),
        static_cast<double>(table_.committed) / static_cast<double>(table_.commits),
        seconds(table_.total), seconds(table_.longest),
        seconds(table_.total) / static_cast<double>(table_.committed) * 1e6);
  }

  void gets() {
    settle();
    read("gets from LMDB", records_);
    for (std::uint64_t i = 0; i < 50000; ++i) {
      auto put = make(i, i);
      append(put);
    }
    read("gets from the overlay", 50000);
  }

  void read(const char* what, std::uint64_t keys) {
    Random random(9);
    std::vector<Bytes> wanted;
    for (int i = 0; i < 300000; ++i) wanted.push_back(make(random.below(keys), 1).key);
    const auto begin = loop_.clock().now();
    std::uint64_t found = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto value = store_->get(Space::records, wanted[i]);
      if (value && *value) found += 1;
      if (i % 100 == 99) store_->flush();  // a turn
    }
    const auto took = seconds(loop_.clock().now() - begin);
    std::printf("%-22s %9.0f ns each (%.0f %% found)\n", what,
                took / static_cast<double>(wanted.size()) * 1e9,
                100.0 * static_cast<double>(found) / static_cast<double>(wanted.size()));
  }

  /// Until everything is in the table.
  void settle() {
    const auto until = loop_.clock().now() + 60s;
    while (store_->status().overlay_records > 0 && loop_.clock().now() < until) loop_.turn(10ms);
  }

  void close() {
    const auto begin = loop_.clock().now();
    bool closed = false;
    store_->close([&]() { closed = true; });
    while (!closed) loop_.turn(1s);
    const auto status = store_->status();
    std::printf("close %.2f s; map %.1f MB, log %.1f MB, %llu records\n",
                seconds(loop_.clock().now() - begin), static_cast<double>(status.map_bytes) / 1e6,
                static_cast<double>(status.log_bytes) / 1e6,
                static_cast<unsigned long long>(status.records));
  }

  UvLoop loop_;
  TimedTable table_;
  UvWorker commit_;
  UvWorker checkpoint_;
  FileSystem& files_;
  const std::uint64_t records_;
  const Bytes value_;
  std::unique_ptr<LogStore> store_;
};

int run(const std::string& directory, std::uint64_t records, std::size_t value_bytes) {
  auto files = PosixFileSystem::open(directory);
  if (!files) {
    std::fprintf(stderr, "%s\n", files.error().message.c_str());
    return 1;
  }
  auto table = LmdbTable::open({.directory = directory + "/table", .map_bytes = 64ULL << 30});
  if (!table) {
    std::fprintf(stderr, "%s\n", table.error().message.c_str());
    return 1;
  }
  if (auto done = Bench(**files, **table, records, value_bytes).run(); !done) {
    std::fprintf(stderr, "%s\n", done.error().message.c_str());
    return 1;
  }
  return 0;
}

std::uint64_t number(const char* text, std::uint64_t otherwise) {
  std::uint64_t value = otherwise;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), value);
  return value;
}

}  // namespace

}  // namespace coterie

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: store_bench DIRECTORY [RECORDS] [VALUE_BYTES]\n");
    return 2;
  }
  return coterie::run(argv[1], coterie::number(argc > 2 ? argv[2] : nullptr, 1000000),
                      coterie::number(argc > 3 ? argv[3] : nullptr, 100));
}
