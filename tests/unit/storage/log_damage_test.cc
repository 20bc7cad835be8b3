#include <doctest/doctest.h>

#include <algorithm>

#include "storage/key.h"
#include "storage/log_format.h"
#include "tests/unit/storage/rig.h"

// What a log says of itself after it was cut, damaged, lost or exchanged.

namespace coterie {

namespace {

constexpr std::uint64_t puts = 6;

/// A log of a few synced batches of one put each, not yet checkpointed, and where each ends.
struct Written {
  std::string segment;
  std::map<std::string, Bytes> contents;
  std::uint64_t log_id = 0;
  std::vector<std::size_t> ends;  // ends[0]: of the opening batch

  [[nodiscard]] const Bytes& bytes() const { return contents.at(segment); }
  /// How many puts another content of the segment still has, byte for byte. The list of
  /// partitions matters to damage only, and padding to nobody.
  [[nodiscard]] std::uint64_t whole(BytesView other) const {
    std::uint64_t count = 0;
    for (std::size_t batch = 0; batch < ends.size(); ++batch) {
      const auto from = batch == 0 ? 0 : ends[batch - 1];
      const auto header = log_format::read_header(BytesView(bytes()).substr(from), log_id);
      const auto size = log_format::header_bytes + header->payload_bytes;
      if (other.substr(std::min(from, other.size()), size) !=
          BytesView(bytes()).substr(from, size)) {
        break;
      }
      count = batch;
    }
    return count;
  }
};

/// The batches of a segment, found by their headers.
std::vector<std::size_t> batch_ends(BytesView bytes, std::uint64_t log_id) {
  std::vector<std::size_t> ends;
  std::size_t at = 0;
  while (const auto header = log_format::read_header(bytes.substr(at), log_id)) {
    at += header->batch_bytes();
    ends.push_back(at);
  }
  return ends;
}

Written write_log(Rig& rig) {
  rig.open();
  for (std::uint64_t i = 1; i <= puts; ++i) rig.put_synced(i % 4, i);
  rig.kill();
  Written written{.contents = rig.disk.contents(), .log_id = rig.options.new_log_id};
  for (const auto& [name, bytes] : written.contents) {
    auto ends = batch_ends(bytes, rig.options.new_log_id);
    if (ends.empty()) continue;
    written.segment = name;
    written.ends = std::move(ends);
  }
  REQUIRE(written.ends.size() == puts + 1);
  return written;
}

/// What is there after the first `count` puts.
std::map<Bytes, Bytes> after(std::uint64_t count) {
  std::map<Bytes, Bytes> expected;
  for (std::uint64_t i = 1; i <= count; ++i) {
    const auto key = record_key(i % 4);
    expected[key] = record_bytes(key, i, "value");
  }
  return expected;
}

PartitionId partition_of(std::uint64_t number) {
  const auto token = decode_key(record_key(number))->token;
  return PartitionId{static_cast<std::uint32_t>(token.value >> 60)};
}

bool is_damaged(const Store& store, PartitionId partition) {
  const auto damaged = store.status().damaged;
  return std::find(damaged.begin(), damaged.end(), partition) != damaged.end();
}

}  // namespace

TEST_CASE("a log cut at any byte holds exactly the batches before the cut") {
  Rig rig;
  const auto written = write_log(rig);
  for (std::size_t cut = 0; cut <= written.ends.back(); ++cut) {
    CAPTURE(cut);
    // either the rest was never written, or the file ends there
    for (const bool is_shorter : {false, true}) {
      auto contents = written.contents;
      auto& bytes = contents.at(written.segment);
      bytes.resize(cut);
      if (!is_shorter) bytes.resize(rig.options.segment_bytes, '\0');
      rig.disk.set_contents(contents);
      MemoryTable table;
      copy_table(rig.memory_table, table);
      rig.table = &table;
      rig.open();
      const auto whole = written.whole(contents.at(written.segment));
      CHECK(everything(*rig.store, Space::records) == after(whole));
      CHECK(rig.store->last().value == whole);
      check_trees(*rig.store);
      // a cut is what a crash leaves, but for the batch that every log begins with
      CHECK(rig.store->status().damaged.empty() == (cut >= log_format::header_bytes));
      rig.put_synced(9, 99);
      rig.kill();
      rig.open();
      CHECK(everything(*rig.store, Space::records).size() == after(whole).size() + 1);
      rig.kill();
    }
  }
  rig.table = &rig.memory_table;
}

TEST_CASE("no flipped bit replaces anything silently; damage is told where the log went on") {
  Rig rig;
  const auto written = write_log(rig);
  for (std::size_t at = 0; at < written.ends.back(); ++at) {
    const auto batch = static_cast<std::uint64_t>(
        std::upper_bound(written.ends.begin(), written.ends.end(), at) - written.ends.begin());
    for (int bit = 0; bit < 8; ++bit) {
      CAPTURE(at);
      CAPTURE(bit);
      auto contents = written.contents;
      auto& byte = contents.at(written.segment)[at];
      byte = static_cast<char>(byte ^ (1 << bit));
      rig.disk.set_contents(contents);
      MemoryTable table;
      copy_table(rig.memory_table, table);
      rig.table = &table;
      rig.open();
      const auto there = everything(*rig.store, Space::records);
      if (there == after(puts)) {
        // padding, which nothing reads; or the batch that opens the run and holds nothing
        CHECK(rig.store->status().damaged.empty());
      } else {
        CHECK(there == after(batch == 0 ? 0 : batch - 1));
        if (batch < puts) {
          for (auto lost = std::max<std::uint64_t>(batch, 1); lost <= puts; ++lost) {
            CHECK(is_damaged(*rig.store, partition_of(lost % 4)));
          }
          CHECK(rig.store->last().value == puts);
        } else {
          CHECK(rig.store->status().damaged.empty());
        }
      }
      check_trees(*rig.store);
      rig.kill();
    }
  }
  rig.table = &rig.memory_table;
}

TEST_CASE("damage stays until the partition is refilled, and positions do not fall back") {
  Rig rig;
  const auto written = write_log(rig);
  auto contents = written.contents;
  contents.at(written.segment)[written.ends[2] + 100] ^= 1;  // the payload of the third put
  rig.disk.set_contents(contents);
  rig.open();
  CHECK(!rig.store->recovery_note().empty());
  CHECK(rig.store->last().value == puts);
  const auto damaged = rig.store->status().damaged;
  // its header and those after it are whole and name the partitions they held
  std::set<PartitionId> lost;
  for (std::uint64_t i = 3; i <= puts; ++i) lost.insert(partition_of(i % 4));
  REQUIRE(std::vector(lost.begin(), lost.end()) == damaged);

  const auto position = rig.put_synced(20, 20);
  CHECK(position.value == puts + 1);
  rig.kill();
  rig.open();
  CHECK(rig.store->status().damaged == damaged);
  CHECK(rig.store->recovery_note().empty());
  auto expected = after(2);
  expected[record_key(20)] = record_bytes(record_key(20), 20, "value");
  CHECK(everything(*rig.store, Space::records) == expected);

  REQUIRE(rig.store->clear_damage(damaged.front()));
  CHECK(rig.store->status().damaged.size() == damaged.size() - 1);
  rig.close();
  rig.open();
  CHECK(rig.store->status().damaged.size() == damaged.size() - 1);
  CHECK(!is_damaged(*rig.store, damaged.front()));
}

TEST_CASE("lost hints put no copy in doubt, what is lost of other spaces all of them") {
  const auto damaged_by = [](Space space, bool with_records) {
    Rig rig;
    rig.open();
    rig.put_synced(0, 1);
    const auto before = rig.disk.contents();
    for (std::uint64_t version = 2; version < 4; ++version) {
      Write other{.space = space, .key = "what another node lacks", .value = Bytes(version, 'v')};
      REQUIRE(rig.store->append({&other, 1}));
      if (with_records) rig.put(1, version);
      rig.store->request_sync();
      rig.settle();
    }
    rig.kill();
    auto contents = rig.disk.contents();
    for (auto& [name, bytes] : contents) {
      const auto ends = batch_ends(bytes, rig.options.new_log_id);
      if (ends.empty()) continue;
      const auto kept = batch_ends(before.at(name), rig.options.new_log_id);
      bytes[kept.back() + log_format::header_bytes] ^= 1;  // the next batch's payload
    }
    rig.disk.set_contents(contents);
    rig.open();
    CHECK(!rig.store->recovery_note().empty());
    return rig.store->status().damaged;
  };
  CHECK(damaged_by(Space::hints, true) == std::vector{partition_of(1)});
  CHECK(damaged_by(Space::hints, false).empty());
  CHECK(damaged_by(Space::meta, true).size() == rig_partitions);
  CHECK(damaged_by(Space::meta, false).size() == rig_partitions);
}

TEST_CASE("damage below the table's position takes nothing back") {
  for (const bool goes_on : {false, true}) {
    Rig rig;
    rig.options.segment_bytes = 1 << 16;
    const auto written = write_log(rig);
    rig.open();
    rig.timers.advance(rig.options.overlay_age);
    rig.settle();
    CHECK(rig.memory_table.position()->value == puts);
    if (goes_on) rig.put_synced(8, 8);
    rig.kill();
    auto contents = rig.disk.contents();
    contents.at(written.segment)[written.ends[2] + 100] ^= 1;
    // without the later run the chain has nowhere else to begin
    std::erase_if(contents, [&](const auto& file) {
      const auto header = log_format::read_header(file.second, written.log_id);
      return header && header->run == 2 && !goes_on;
    });
    rig.disk.set_contents(contents);
    rig.open();
    auto expected = after(puts);
    if (goes_on) expected[record_key(8)] = record_bytes(record_key(8), 8, "value");
    CHECK(everything(*rig.store, Space::records) == expected);
    CHECK(rig.store->status().damaged.empty());
    CHECK(rig.store->last().value == puts + (goes_on ? 1 : 0));
    check_trees(*rig.store);
  }
}

TEST_CASE("damage below the table's position hides what lies above it") {
  // in a batch's payload, or in the header that begins the segment
  for (const bool at_beginning : {false, true}) {
    Rig rig;
    rig.options.segment_bytes = 1 << 16;
    rig.open();
    for (std::uint64_t i = 1; i <= puts; ++i) rig.put_synced(i % 4, i);
    rig.timers.advance(rig.options.overlay_age);
    rig.settle();
    rig.put_synced(8, 8);
    rig.kill();
    auto contents = rig.disk.contents();
    for (auto& [name, bytes] : contents) {
      const auto ends = batch_ends(bytes, rig.options.new_log_id);
      if (!ends.empty()) bytes[at_beginning ? 20 : ends[2] + 100] ^= 1;
    }
    rig.disk.set_contents(contents);
    rig.open();
    CHECK(everything(*rig.store, Space::records) == after(puts));
    CHECK(rig.store->status().damaged.size() == rig_partitions);
    CHECK(rig.store->last().value == puts + 1);
    rig.put_synced(9, 9);
    rig.kill();
    rig.open();
    CHECK(everything(*rig.store, Space::records).size() == after(puts).size() + 1);
    CHECK(rig.store->recovery_note().empty());
  }
}

TEST_CASE("a log older than its table, or none, is damage of everything") {
  for (const bool is_lost : {false, true}) {
    Rig rig;
    const auto written = write_log(rig);
    rig.open();
    rig.put_synced(1, 50);
    rig.close();  // the table now holds all
    rig.disk.set_contents(is_lost ? std::map<std::string, Bytes>() : written.contents);
    rig.open();
    CHECK(rig.store->status().damaged.size() == rig_partitions);
    CHECK(rig.store->last().value == puts + 1);
    CHECK(everything(*rig.store, Space::records).size() == 4);
    rig.put_synced(30, 30);
    rig.close();
    rig.open();
    CHECK(rig.store->status().damaged.size() == rig_partitions);
    CHECK(everything(*rig.store, Space::records).size() == 5);
  }
}

TEST_CASE("a start that fails midway leaves a log that is known again") {
  for (const std::uint64_t writes : {1U, 20U, 60U, 200U}) {
    Rig rig;
    rig.options.overlay_records = 1000;
    rig.open();
    for (std::uint64_t i = 1; i <= writes; ++i) rig.put_synced(i, i);
    const auto contents = rig.disk.contents();
    rig.close();  // the table now holds all
    // killed between the checkpoint and the recycling of its segments
    rig.disk.set_contents(contents);
    for (int start = 0; start < 3; ++start) {
      rig.disk.set_write_fails(true);
      CHECK(!rig.try_open());
      rig.disk.set_write_fails(false);
    }
    rig.open();
    CHECK(rig.store->status().damaged.empty());
    CHECK(rig.store->last().value == writes);
    CHECK(everything(*rig.store, Space::records).size() == writes);
  }
}

TEST_CASE("a table without its log's note begins a log of its own") {
  Rig rig;
  const auto written = write_log(rig);
  MemoryTable table;
  rig.table = &table;
  rig.options.new_log_id = 0xbeef;
  rig.open();
  CHECK(everything(*rig.store, Space::records).empty());
  rig.put_synced(1, 1);
  rig.kill();
  rig.open();
  CHECK(everything(*rig.store, Space::records).size() == 1);
  rig.kill();
}

TEST_CASE("data of other partitions or shards are refused, and so is a newer format") {
  Rig rig;
  write_log(rig);
  rig.options.partitions = 32;
  CHECK(rig.try_open().error().code == ErrorCode::invalid_argument);
  rig.options.partitions = rig_partitions;
  rig.options.shards = 2;
  CHECK(rig.try_open().error().code == ErrorCode::invalid_argument);
  rig.options.shards = 1;
  rig.open();
  rig.kill();

  auto note = **rig.memory_table.get(Space::meta, "store/log");
  note[0] = 2;
  const Table::Entry newer{.space = Space::meta, .key = "store/log", .value = note};
  REQUIRE(rig.memory_table.commit({&newer, 1}, LogPosition{}));
  CHECK(rig.try_open().error().code == ErrorCode::unsupported_version);
  note.resize(5);
  const Table::Entry torn{.space = Space::meta, .key = "store/log", .value = note};
  REQUIRE(rig.memory_table.commit({&torn, 1}, LogPosition{}));
  CHECK(rig.try_open().error().code == ErrorCode::unsupported_version);
}

TEST_CASE("a batch of a newer format is not taken for the log's end") {
  Rig rig;
  const auto written = write_log(rig);
  log_format::Header header{.version = 2, .log_id = rig.options.new_log_id, .run = 1};
  Bytes batch(log_format::header_bytes, '\0');
  log_format::finish_batch(batch, header, {});
  auto contents = written.contents;
  contents.at(written.segment).replace(written.ends.back(), batch.size(), batch);
  rig.disk.set_contents(contents);
  CHECK(rig.try_open().error().code == ErrorCode::unsupported_version);
}

TEST_CASE("what a recycled segment held before is not replayed") {
  Rig rig;
  rig.options.segment_bytes = 1024;
  rig.open();
  std::uint64_t version = 0;
  const auto fill = [&](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) rig.put_synced(version % 5, version + 1), ++version;
  };
  const auto checkpoint = [&]() {
    rig.timers.advance(rig.options.overlay_age);
    rig.settle();
  };
  fill(40);
  checkpoint();
  const auto files = rig.disk.contents().size();
  for (int round = 0; round < 20; ++round) {
    fill(1 + static_cast<std::uint64_t>(round) % 7);
    if (round % 3 == 0) checkpoint();
    const auto expected = everything(*rig.store, Space::records);
    const auto last = rig.store->last();
    rig.kill();
    rig.open();
    CHECK(everything(*rig.store, Space::records) == expected);
    CHECK(rig.store->last() == last);
    CHECK(rig.store->status().damaged.empty());
    for (const auto& [name, bytes] : rig.disk.contents()) CHECK(bytes.size() == 1024);
  }
  CHECK(rig.disk.contents().size() <= files + 2);
}

TEST_CASE("a log made by one who has lost all begins with all its partitions damaged") {
  Rig rig;
  rig.options.has_lost_all = true;
  rig.options.shard = ShardIndex{1};
  rig.options.shards = 2;
  rig.open();
  const auto id = rig.store->log_id();
  for (int run = 0; run < 2; ++run) {
    const auto damaged = rig.store->status().damaged;
    REQUIRE(damaged.size() == rig_partitions / 2);
    for (const auto partition : damaged) CHECK(partition.value % 2 == 1);
    rig.kill();
    rig.open();
  }
  REQUIRE(rig.store->clear_damage(PartitionId{3}));
  rig.store->request_sync();
  rig.settle();
  rig.kill();
  rig.open();  // and does not lose it once more
  CHECK(rig.store->status().damaged.size() == rig_partitions / 2 - 1);
  CHECK(rig.store->log_id() == id);
}

}  // namespace coterie
