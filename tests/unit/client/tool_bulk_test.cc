#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/tool/export.h"
#include "client/tool/import.h"
#include "client/tool/progress.h"
#include "client/tool/summary.h"

using namespace coterie;
using namespace coterie::tool;
using namespace std::chrono_literals;

namespace {

/// A store in memory that fails as it is told; it answers when the test says so.
class FakeStore final : public RecordCalls {
 public:
  std::map<Bytes, std::vector<Bytes>> data;
  /// What the next calls come to; empty: all is well. A write that fails with unknown_outcome is
  /// done where `is_done` says so.
  struct Fate {
    std::optional<ErrorCode> code;
    bool is_done = false;
  };
  std::deque<Fate> fates;
  std::size_t gets = 0;
  std::size_t writes = 0;
  std::size_t blind_writes = 0;

  void get(client::Key key, client::Callback<client::GetResult> done) override {
    ++gets;
    calls_.push_back([this, key, done = std::move(done), fate = next()]() mutable {
      if (fate.code) return done(fail(*fate.code, "said by the test"));
      client::GetResult result{.context = client::Context::from_bytes("seen")};
      for (const auto& value : data[key.partition_key]) result.siblings.push_back({.value = value});
      done(std::move(result));
    });
  }
  void write(client::Write write, client::Callback<client::PutResult> done) override {
    ++writes;
    if (write.context.is_empty()) ++blind_writes;
    calls_.push_back(
        [this, write = std::move(write), done = std::move(done), fate = next()]() mutable {
          if (!fate.code || fate.is_done) {
            auto& values = data[write.key.partition_key];
            if (!write.context.is_empty()) values.clear();
            values.push_back(write.value);
          }
          if (fate.code) return done(fail(*fate.code, "said by the test"));
          done(client::PutResult{.siblings = 1});
        });
  }
  [[nodiscard]] std::size_t waiting() const { return calls_.size(); }
  void answer_all() {
    auto calls = std::exchange(calls_, {});
    for (auto& call : calls) call();
  }

 private:
  Fate next() {
    if (fates.empty()) return {};
    const Fate fate = fates.front();
    fates.pop_front();
    return fate;
  }
  std::vector<std::move_only_function<void()>> calls_;
};

struct Fixture {
  FakeStore store;
  Instant now{1h};
  std::vector<FileRecord> records;
  std::size_t next = 0;
  std::size_t most = 0;

  std::function<Result<std::optional<FileRecord>>()> source() {
    return [this]() -> Result<std::optional<FileRecord>> {
      if (next == records.size()) return std::nullopt;
      return records[next++];
    };
  }
  std::function<Instant()> clock() {
    return [this] { return now; };
  }
  void run(RecordFlow& flow) {
    for (int turns = 0; turns < 100000; ++turns) {
      REQUIRE(flow.step());
      if (flow.is_done()) return;
      most = std::max(most, store.waiting());
      store.answer_all();
      now += 20ms;
    }
    FAIL("the flow does not end");
  }
  void add(int count) {
    for (int i = 0; i < count; ++i) {
      records.push_back(
          {.key = "k" + std::to_string(i), .sort_key = {}, .value = "v" + std::to_string(i)});
    }
  }
};

}  // namespace

TEST_CASE("import writes every record blindly, a bounded number at once") {
  Fixture fixture;
  fixture.add(1000);
  Import import({.flow = {.in_flight = 32}}, fixture.store, fixture.source(), fixture.clock());
  fixture.run(import.flow());
  CHECK(import.flow().tally().good == 1000);
  CHECK(import.flow().tally().ended() == 1000);
  CHECK(fixture.most == 32);
  CHECK(fixture.store.blind_writes == 1000);
  CHECK(fixture.store.gets == 0);
}

TEST_CASE("a write of unknown outcome is settled by reading") {
  Fixture fixture;
  fixture.add(1);
  Import import({}, fixture.store, fixture.source(), fixture.clock());
  SUBCASE("it had been done") {
    fixture.store.fates = {{ErrorCode::unknown_outcome, true}};
    fixture.run(import.flow());
    CHECK(fixture.store.writes == 1);
  }
  SUBCASE("it had not") {
    fixture.store.fates = {{ErrorCode::unknown_outcome, false}};
    fixture.run(import.flow());
    CHECK(fixture.store.writes == 2);
    CHECK(fixture.store.blind_writes == 1);  // the second replaces what was read
  }
  SUBCASE("nor could it be read at first, nor written") {
    fixture.store.fates = {{ErrorCode::unknown_outcome, false},
                           {ErrorCode::unavailable},
                           {},
                           {ErrorCode::unknown_outcome, true}};
    fixture.run(import.flow());
    CHECK(fixture.store.writes == 2);
  }
  CHECK(fixture.store.data["k0"] == std::vector<Bytes>{"v0"});
  CHECK(import.flow().tally().good == 1);
  CHECK(import.flow().tally().settled == 1);
}

TEST_CASE("what passes is tried again for a time, what does not is not") {
  Fixture fixture;
  fixture.add(1);
  SUBCASE("unavailable for a while") {
    Import import({}, fixture.store, fixture.source(), fixture.clock());
    for (int i = 0; i < 20; ++i) fixture.store.fates.push_back({ErrorCode::unavailable});
    fixture.run(import.flow());
    CHECK(import.flow().tally().good == 1);
    CHECK(fixture.store.writes == 21);
  }
  SUBCASE("unavailable for too long") {
    Import import({.flow = {.retry_for = 5s}}, fixture.store, fixture.source(), fixture.clock());
    for (int i = 0; i < 1000; ++i) fixture.store.fates.push_back({ErrorCode::overloaded});
    const Instant begun = fixture.now;
    fixture.run(import.flow());
    CHECK(import.flow().tally().failed == 1);
    CHECK(fixture.now - begun < 7s);
    CHECK(import.flow().tally().complaints.size() == 1);
  }
  SUBCASE("in doubt for too long") {
    Import import({.flow = {.retry_for = 5s}}, fixture.store, fixture.source(), fixture.clock());
    fixture.store.fates.push_back({ErrorCode::unknown_outcome, false});
    for (int i = 0; i < 1000; ++i) fixture.store.fates.push_back({ErrorCode::unavailable});
    fixture.run(import.flow());
    CHECK(import.flow().tally().unknown == 1);
    CHECK(import.flow().tally().failed == 0);
  }
  SUBCASE("refused for good") {
    Import import({}, fixture.store, fixture.source(), fixture.clock());
    fixture.store.fates = {{ErrorCode::too_large}};
    fixture.run(import.flow());
    CHECK(import.flow().tally().failed == 1);
    CHECK(fixture.store.writes == 1);
  }
}

TEST_CASE("import --overwrite replaces what is there") {
  Fixture fixture;
  fixture.add(3);
  fixture.store.data["k1"] = {"old", "older"};
  Import import({.overwrite = true}, fixture.store, fixture.source(), fixture.clock());
  fixture.run(import.flow());
  CHECK(fixture.store.gets == 3);
  CHECK(fixture.store.blind_writes == 0);
  CHECK(fixture.store.data["k1"] == std::vector<Bytes>{"v1"});
}

TEST_CASE("a source that fails stops the import, and what is under way ends") {
  Fixture fixture;
  int given = 0;
  Import import(
      {}, fixture.store,
      [&given]() -> Result<std::optional<FileRecord>> {
        if (given == 5) return fail(ErrorCode::io, "cannot be read");
        return FileRecord{.key = "k" + std::to_string(given++), .sort_key = {}, .value = {}};
      },
      fixture.clock());
  CHECK_FALSE(import.flow().step());
  CHECK_FALSE(import.flow().is_done());
  fixture.store.answer_all();
  CHECK(import.flow().step());
  CHECK(import.flow().is_done());
  CHECK(import.flow().tally().good == 5);
}

TEST_CASE("lines that are no records do not take the others with them") {
  Fixture fixture;
  int line = 0;
  Import import(
      {.bucket = "words", .overwrite = false, .flow = {}}, fixture.store,
      [&line]() -> Result<std::optional<FileRecord>> {
        if (++line > 40) return std::nullopt;
        if (line % 2 == 0) return fail(ErrorCode::invalid_argument, "line " + std::to_string(line));
        return FileRecord{.key = "k" + std::to_string(line), .sort_key = {}, .value = "v"};
      },
      fixture.clock());
  fixture.run(import.flow());
  const Tally& tally = import.flow().tally();
  CHECK(tally.read == 20);
  CHECK(tally.good == 20);
  CHECK(tally.bad_lines == 20);
  CHECK(tally.complaints.front() == "line 2");
  CHECK(tally.complaints.size() + tally.complaints_left_out == 20);
  CHECK(fixture.store.data.contains("k39"));
}

TEST_CASE("compare tells equal, different, missing and unreadable apart") {
  Fixture fixture;
  fixture.add(6);
  auto& data = fixture.store.data;
  data["k0"] = {"v0"};
  data["k1"] = {"v1 "};          // a trailing blank more
  data["k3"] = {"v3", "v3"};     // siblings that say the same
  data["k4"] = {"v4", "other"};  // and that do not
  fixture.store.fates = {{}, {}, {}, {}, {}, {ErrorCode::corrupt}};
  Compare compare("words", {}, fixture.store, fixture.source(), fixture.clock());
  fixture.run(compare.flow());
  const Tally& tally = compare.flow().tally();
  CHECK(tally.good == 2);
  CHECK(tally.different == 2);
  CHECK(tally.missing == 1);
  CHECK(tally.failed == 1);
  CHECK(tally.complaints.size() == 4);
}

TEST_CASE("a bucket is read partition by partition, in spite of what passes") {
  std::vector<std::move_only_function<void()>> calls;
  std::map<std::uint32_t, int> asked;
  std::size_t most = 0;
  bool is_hopeless = false;
  std::vector<Bytes> seen;
  BucketReader reader(
      {.bucket = "words", .partitions = 40, .in_flight = 4, .tries = 3},
      [&](client::Range range, const client::Cursor& cursor,
          client::Callback<client::ScanPage> done) {
        const auto partition = range.partition->value;
        calls.push_back([&, partition, cursor, done = std::move(done)]() mutable {
          if (is_hopeless || (++asked[partition] == 1 && partition % 3 == 0)) {
            return done(fail(ErrorCode::unavailable, "said by the test"));
          }
          client::ScanPage page{.next = {"second"}, .is_last = !cursor.bytes.empty()};
          page.records.push_back({.partition_key = std::to_string(partition) + cursor.bytes});
          done(std::move(page));
        });
        most = std::max(most, calls.size());
      },
      [&seen](client::ScanRecord record) { seen.push_back(record.partition_key); });
  const auto run = [&] {
    for (int turns = 0; turns < 10000 && (reader.start(), !reader.is_done()); ++turns) {
      auto now = std::exchange(calls, {});
      for (auto& call : now) call();
    }
    CHECK(reader.is_done());
  };
  SUBCASE("to its end") {
    run();
    CHECK_FALSE(reader.failure());
    CHECK(seen.size() == 80);
    CHECK(reader.partitions_done() == 40);
    CHECK(most <= 4);
  }
  SUBCASE("not for ever") {
    is_hopeless = true;
    run();
    REQUIRE(reader.failure());
    CHECK(reader.failure()->code == ErrorCode::unavailable);
    CHECK(seen.empty());
  }
}

TEST_CASE("progress as lines, as a bar, and the last words") {
  const Instant begun{1h};
  Progress progress(ProgressMode::none, "acknowledged", begun);
  const Progress::State state{.done = 40123, .failed = 2, .total = 117659, .read = 50000};
  CHECK(progress.line(state, begun + 2s) == "acknowledged 40123 of 117659, 2 failed, 20062/s");
  CHECK(progress.bar(state, begun + 2s) ==
        "[##########....................] 34%  acknowledged 40,123 of 117,659  0:03 left  20,062/s"
        "  2 failed");
  CHECK(progress.line({.done = 5, .read = 9}, begun) == "acknowledged 5 of 9, 0 failed, 0/s");
  CHECK(progress.bar({.done = 5, .total = 0, .read = 5}, begun + 1s).find("100%") !=
        std::string::npos);

  Tally tally;
  tally.read = 1234567;
  tally.good = 1234560;
  tally.failed = 4;
  tally.unknown = 3;
  CHECK(Summary::of_import().text(tally, 2s) ==
        "1,234,567 records in 2.00 s (617,280/s): 1,234,560 acknowledged, 4 failed, 3 of unknown "
        "outcome");
  CHECK(Summary::of_compare().json(tally, 2s) ==
        R"({"records":1234567,"equal":1234560,"different":0,"missing":0,"failed":4,)"
        R"("bad_lines":0,"seconds":2.000,"operations_per_second":617280})");
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
}
