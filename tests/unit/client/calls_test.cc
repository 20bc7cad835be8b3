#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "client/batch.h"
#include "tests/unit/client/fake_cluster.h"

using namespace coterie;
using namespace coterie::client_tests;
using namespace std::chrono_literals;

TEST_CASE("what is asked travels whole, and so does the answer") {
  Bench bench;
  bench.cluster.answer = [](const Request& request) {
    if (request.header.kind == wire::Kind::put) {
      return Answer::of(wire::PutReply{.context = "after", .siblings = 3, .weak = true});
    }
    return Answer::of(wire::GetReply{
        .context = "before",
        .siblings = {{.value = "one", .timestamp = {5U << 16}, .expires_ms = 77}, {.value = "two"}},
        .weak = true});
  };
  const auto read = bench.get("k", {.r = client::Quorum{client::Quorum::all}});
  REQUIRE(read);
  CHECK(bench.cluster.requests.back().get().r.count == client::Quorum::all);
  CHECK(read->context.bytes() == "before");
  CHECK(read->is_weak);
  CHECK(read->value() == nullptr);
  REQUIRE(read->siblings.size() == 2);
  CHECK(read->siblings[0] ==
        client::Sibling{.value = "one", .timestamp = {5U << 16}, .expires_ms = 77});

  std::optional<Result<client::PutResult>> written;
  bench.core.write(
      client::Write::put({.bucket = "words", .partition_key = "k", .sort_key = "s"}, "value",
                         read->context),
      {.w = client::Quorum{2}, .durability = client::Durability::interval, .time_to_live = 9s},
      [&written](auto result) { written = std::move(result); });
  bench.time.pass(1ms);
  REQUIRE(written);
  REQUIRE(*written);
  CHECK((*written)->siblings == 3);
  CHECK((*written)->is_weak);
  CHECK((*written)->context.bytes() == "after");
  const auto put = bench.cluster.requests.back().put();
  CHECK(put.key.sort_key == "s");
  CHECK(put.context == "before");
  CHECK(put.value == "value");
  CHECK(put.w.count == 2);
  CHECK(put.durability == wire::Durability::interval);
  CHECK(put.time_to_live_ms == 9000);
  CHECK_FALSE(put.id.is_zero());
  CHECK_FALSE(put.is_delete);

  bench.core.write(client::Write::remove(key_of("k"), read->context), {}, [](auto) {});
  bench.time.pass(1ms);
  CHECK(bench.cluster.requests.back().put().is_delete);
  CHECK(bench.cluster.requests.back().put().id != put.id);
}

TEST_CASE("a resolver merges siblings and writes back with the context read") {
  Bench bench;
  std::optional<ErrorCode> put_fails;
  bench.cluster.answer = [&](const Request& request) {
    if (request.header.kind == wire::Kind::get) {
      return Answer::of(
          wire::GetReply{.context = "seen", .siblings = {{.value = "b"}, {.value = "a"}}});
    }
    if (put_fails) return Answer::error(*put_fails);
    return Answer::of(wire::PutReply{.context = "merged", .siblings = 1});
  };
  const client::Resolver join = [](std::span<const client::Sibling> siblings) {
    std::vector<Bytes> values;
    for (const auto& sibling : siblings) values.push_back(sibling.value);
    std::ranges::sort(values);
    Bytes out;
    for (const auto& value : values) out += value;
    return std::optional(out);
  };
  SUBCASE("it is put back") {
    const auto read = bench.get("k", {.resolver = join});
    REQUIRE(read);
    REQUIRE(read->value() != nullptr);
    CHECK(*read->value() == "ab");
    CHECK(read->context.bytes() == "merged");
    CHECK(bench.cluster.requests.back().put().value == "ab");
    CHECK(bench.cluster.requests.back().put().context == "seen");
  }
  SUBCASE("nothing stands for a delete") {
    const auto read = bench.get("k", {.resolver = [](auto) { return std::nullopt; }});
    REQUIRE(read);
    CHECK_FALSE(read->is_found());
    CHECK(bench.cluster.requests.back().put().is_delete);
  }
  SUBCASE("where it cannot be put back, the read still says what it found") {
    put_fails = ErrorCode::too_large;
    const auto read = bench.get("k", {.resolver = join});
    REQUIRE(read);
    CHECK(*read->value() == "ab");
    CHECK(read->context.bytes() == "seen");
  }
}

TEST_CASE("a batch has a result for each key, in order, some of them failures") {
  Bench bench;
  bench.cluster.answer = [](const Request& request) {
    const std::string key(request.get().key.partition_key);
    if (key.ends_with("7")) return Answer::error(ErrorCode::too_many_siblings);
    return Answer::of(wire::GetReply{.context = {}, .siblings = {{.value = key}}});
  };
  constexpr std::size_t count = 3000;
  std::vector<client::Key> keys;
  for (std::size_t i = 0; i < count; ++i) keys.push_back(key_of("k" + std::to_string(i)));
  keys[5].partition_key.clear();
  std::optional<std::vector<Result<client::GetResult>>> all;
  std::size_t most = 0;
  using Run = client::Batch<client::Key, client::GetResult>;
  std::make_shared<Run>(
      keys,
      [&](client::Key key, client::Callback<client::GetResult> done) {
        bench.core.get(std::move(key), {}, std::move(done));
        most = std::max(most, bench.core.pending());
      },
      [&all](auto results) { all = std::move(results); })
      ->run();
  CHECK_FALSE(all);
  bench.time.run_until([&all] { return all.has_value(); });
  REQUIRE(all);
  REQUIRE(all->size() == count);
  CHECK(most <= limits::client_batch_window);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& result = (*all)[i];
    if (i == 5) {
      CHECK(result.error().code == ErrorCode::invalid_argument);
    } else if (i % 10 == 7) {
      CHECK(result.error().code == ErrorCode::too_many_siblings);
    } else {
      REQUIRE(result);
      CHECK(*result->value() == "k" + std::to_string(i));
    }
  }
}

TEST_CASE("a batch of a closed client ends, however long it is") {
  Bench bench;
  bench.core.close();
  std::size_t failed = 0;
  using Run = client::Batch<client::Key, client::GetResult>;
  std::make_shared<Run>(
      std::vector<client::Key>(200000, key_of("k")),
      [&](client::Key key, client::Callback<client::GetResult> done) {
        bench.core.get(std::move(key), {}, std::move(done));
      },
      [&failed](const auto& results) {
        for (const auto& result : results) failed += result ? 0U : 1U;
      })
      ->run();
  CHECK(failed == 200000);
}

TEST_CASE("a scan of a bucket goes through all partitions, page by page") {
  Bench bench;
  // Partition 3 has two pages, partition 9 one, the others are empty.
  bench.cluster.answer = [](const Request& request) {
    const auto scan = request.scan();
    wire::ScanReply reply;
    if (scan.partition.value == 3 && scan.cursor.empty()) {
      reply.entries.push_back(
          {.partition_key = "a", .sort_key = "1", .context = "x", .siblings = {{.value = "va"}}});
      reply.cursor = "more";
    } else if (scan.partition.value == 3 && scan.cursor == "more") {
      reply.entries.push_back({.partition_key = "b", .siblings = {{.value = "vb"}}});
    } else if (scan.partition.value == 9) {
      reply.entries.push_back({.partition_key = "c", .siblings = {{.value = "vc"}}});
    }
    return Answer::of(reply);
  };
  std::string seen;
  client::Cursor cursor;
  std::size_t pages = 0;
  for (;;) {
    const auto page = bench.scan({.bucket = "words"}, cursor);
    REQUIRE(page);
    ++pages;
    for (const auto& record : page->records) seen += record.partition_key + record.sort_key;
    if (page->is_last) break;
    CHECK_FALSE(page->next == cursor);
    cursor = page->next;
  }
  CHECK(seen == "a1bc");
  CHECK(pages == 65);
  // Each request went to an owner of its partition.
  for (const auto& request : bench.cluster.requests) {
    const auto id = bench.cluster.id(request.node);
    CHECK(bench.cluster.epoch->owns(id, request.scan().partition));
  }
  const auto one = bench.scan({.bucket = "words", .partition = PartitionId{9}});
  REQUIRE(one);
  CHECK(one->is_last);
  CHECK(one->records.size() == 1);
}

TEST_CASE("a scan of a partition key names its sort keys and stays in its partition") {
  Bench bench;
  bench.cluster.answer = [](const Request&) { return Answer::of(wire::ScanReply{}); };
  const auto page = bench.scan(
      {.bucket = "words", .partition_key = "user", .sort_key_from = "a", .sort_key_to = "m"});
  REQUIRE(page);
  CHECK(page->is_last);
  const auto scan = bench.cluster.requests.back().scan();
  CHECK(scan.partition_key == "user");
  CHECK(scan.sort_key_from == "a");
  CHECK(scan.sort_key_to == "m");
  const auto owners = bench.owners("user");
  CHECK(std::ranges::find(owners, bench.cluster.requests.back().node) != owners.end());
}

TEST_CASE("what is no cursor, or not of this scan, is refused") {
  Bench bench;
  REQUIRE(bench.ready());
  const auto code = [&](const client::Range& range, const Bytes& cursor) {
    return bench.scan(range, {cursor}).error().code;
  };
  CHECK(code({.bucket = "words"}, "x") == ErrorCode::invalid_argument);
  CHECK(code({.bucket = "words"}, Bytes(2000, '\1')) == ErrorCode::invalid_argument);
  const auto place = client::encode_place({.partition = PartitionId{4}, .cursor = "c"});
  CHECK(code({.bucket = "words", .partition = PartitionId{5}}, place.bytes) ==
        ErrorCode::invalid_argument);
  const auto beyond = client::encode_place({.partition = PartitionId{64}, .cursor = {}});
  CHECK(code({.bucket = "words"}, beyond.bytes) == ErrorCode::invalid_argument);
  CHECK(code({.bucket = "words", .sort_key_from = "a"}, {}) == ErrorCode::invalid_argument);
  CHECK(bench.cluster.requests.empty());
}

TEST_CASE("idle is when no call is in progress") {
  Bench bench;
  bool is_idle = false;
  int ended = 0;
  for (int i = 0; i < 5; ++i) bench.core.get(key_of("k"), {}, [&ended](auto) { ++ended; });
  bench.core.when_idle([&] { is_idle = ended == 5; });
  bench.time.pass(10ms);
  CHECK(is_idle);
}
