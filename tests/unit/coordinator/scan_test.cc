#include <doctest/doctest.h>

#include "node/coordinator/scan_range.h"
#include "ring/token.h"
#include "storage/key.h"
#include "tests/unit/coordinator/cluster.h"

using namespace coterie;
using namespace coterie::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t partitions = 16;
constexpr Token token{42};  // Cluster::key's, in partition 0

wire::Scan scan_of(BytesView partition_key) {
  return {.bucket = BucketId{1}, .partition = partition, .partition_key = partition_key};
}

/// All pages of a scan, each merged from R owners.
std::vector<ScanRow> scan_all(Cluster& cluster, std::size_t at, wire::Scan scan,
                              std::size_t* pages = nullptr) {
  const KeyRange range = coordinator::scan_range(scan, token, partitions).value();
  std::vector<ScanRow> rows;
  Bytes cursor;
  do {
    scan.cursor = cursor;
    const std::uint64_t client = cluster.scan(at, scan, range);
    cluster.deliver_all();
    const ClientAnswer& page = cluster.answer(client);
    REQUIRE(page.times == 1);
    REQUIRE(page.is_ok());
    if (scan.limit_records != 0) CHECK(page.rows.size() <= scan.limit_records);
    rows.insert(rows.end(), page.rows.begin(), page.rows.end());
    cursor = page.cursor;
    if (pages != nullptr) ++*pages;
  } while (!cursor.empty());
  return rows;
}

std::vector<Bytes> sort_keys(const std::vector<ScanRow>& rows) {
  std::vector<Bytes> keys;
  for (const ScanRow& row : rows) keys.push_back(row.sort_key);
  return keys;
}

void fill(Cluster& cluster) {
  for (const char* sort_key : {"a", "b", "c", "d", "e"}) {
    cluster.put_now(0, Cluster::key("k", sort_key), sort_key);
  }
  cluster.put_now(0, Cluster::key("l", "z"), "another partition key");
}

}  // namespace

TEST_CASE("a scan gives a partition key's records in order, whatever the pages") {
  Cluster cluster(3, 2, 2);
  fill(cluster);
  for (std::uint32_t limit = 0; limit <= 6; ++limit) {
    wire::Scan scan = scan_of("k");
    scan.limit_records = limit;
    const std::vector<ScanRow> rows = scan_all(cluster, 1, scan);
    CHECK(sort_keys(rows) == std::vector<Bytes>{"a", "b", "c", "d", "e"});
    CHECK(rows.at(2).values == std::vector<Bytes>{"c"});
    CHECK(rows.at(2).partition_key == "k");
  }
  wire::Scan part = scan_of("k");
  part.sort_key_from = "b";
  part.sort_key_to = "d";
  CHECK(sort_keys(scan_all(cluster, 2, part)) == std::vector<Bytes>{"b", "c"});
  CHECK(scan_all(cluster, 2, scan_of("nobody")).empty());
}

TEST_CASE("a bucket's scan passes over other buckets' records") {
  Cluster cluster(3, 2, 2);
  fill(cluster);
  const Bytes other =
      encode_key({.token = token, .bucket = BucketId{2}, .partition_key = "k", .sort_key = "s"})
          .value();
  cluster.put_now(0, other, "v");
  CHECK(scan_all(cluster, 0, scan_of({})).size() == 6);
}

TEST_CASE("pages are merged from R owners, as far as the shortest reaches") {
  Cluster cluster(3, 2, 2);
  fill(cluster);
  // node 1 lacks b and d, has an x of its own: it reads further than the others in one page
  cluster.nodes[1]->records.erase(Cluster::key("k", "b"));
  cluster.nodes[1]->records.erase(Cluster::key("k", "d"));
  const std::uint64_t put = cluster.put(1, Cluster::key("k", "x"), "x", {.w = 1});
  cluster.queue.clear();
  CHECK(cluster.answer(put).is_ok());
  cluster.owners[2].reach = coordinator::Reach::none;
  for (std::uint32_t limit = 1; limit <= 7; ++limit) {
    wire::Scan scan = scan_of("k");
    scan.limit_records = limit;
    CHECK(sort_keys(scan_all(cluster, 0, scan)) ==
          std::vector<Bytes>{"a", "b", "c", "d", "e", "x"});
  }
}

TEST_CASE("siblings come together, deleted and expired records not at all") {
  Cluster cluster(3, 2, 2);
  fill(cluster);
  const Bytes key = Cluster::key("k", "b");
  cluster.put_now(1, key, "b too");
  const ClientAnswer c = cluster.get_now(0, Cluster::key("k", "c"));
  cluster.put_now(0, Cluster::key("k", "c"), {}, {.context = c.context, .is_delete = true});
  cluster.put_now(0, Cluster::key("k", "f"), "short", {.time_to_live_ms = 1});
  cluster.pass(1ms);
  wire::Scan scan = scan_of("k");
  scan.limit_records = 1;
  const std::vector<ScanRow> rows = scan_all(cluster, 2, scan);
  CHECK(sort_keys(rows) == std::vector<Bytes>{"a", "b", "d", "e"});
  REQUIRE(rows.at(1).values.size() == 2);
  // its context resolves it
  CHECK(cluster.put_now(0, key, "one", {.context = rows.at(1).context}).siblings == 1);
}

TEST_CASE("an owner that fails or lies is replaced; too few are unavailable") {
  Cluster cluster(3, 2, 2);
  fill(cluster);
  const Bytes key = Cluster::key("k", "c");
  cluster.owners[2].reach = coordinator::Reach::doubtful;
  cluster.nodes[1]->records[key].back() ^= 1;
  CHECK(scan_all(cluster, 0, scan_of("k")).size() == 5);
  CHECK(cluster.nodes[0]->coordinator().counters().bad_answers == 1);
  cluster.nodes[2]->cut_from = {};
  cluster.nodes[0]->cut_from = {2};
  const wire::Scan scan = scan_of("k");
  const KeyRange range = coordinator::scan_range(scan, token, partitions).value();
  const std::uint64_t client = cluster.scan(0, scan, range);
  cluster.deliver_all();
  CHECK(cluster.answer(client).code() == ErrorCode::unavailable);
  CHECK(cluster.answer(client).error->message.starts_with("1 of 3 owners answer, R=2: "));
  CHECK(cluster.nodes[0]->coordinator().operations() == 0);
}

TEST_CASE("pages out of order or range are not taken") {
  Cluster cluster(2, 2, 2);
  fill(cluster);
  const wire::Scan scan = scan_of("k");
  const KeyRange range = coordinator::scan_range(scan, token, partitions).value();
  const auto with = [&](const std::function<void(ScanAnswer&)>& spoil) {
    const std::uint64_t client = cluster.scan(0, scan, range);
    CHECK(cluster.deliver([](const Message& m) { return m.is_request(); }));
    Message answer = *cluster.take([](const Message& m) { return !m.is_request(); });
    spoil(std::get<ScanAnswer>(answer.body));
    cluster.deliver(answer);
    return cluster.answer(client).code();
  };
  CHECK(with([](ScanAnswer&) {}) == std::nullopt);
  CHECK(with([](ScanAnswer& page) { std::swap(page.entries[0], page.entries[1]); }) ==
        ErrorCode::unavailable);
  CHECK(with([](ScanAnswer& page) { page.entries[1] = page.entries[0]; }) ==
        ErrorCode::unavailable);
  CHECK(with([](ScanAnswer& page) { page.entries.back().key = Cluster::key("l", "z"); }) ==
        ErrorCode::unavailable);
  CHECK(with([](ScanAnswer& page) { page = {.is_truncated = true}; }) == ErrorCode::unavailable);
}

TEST_CASE("a scan ends at its deadline or with its connection") {
  Cluster cluster(2, 2, 2);
  const wire::Scan scan = scan_of("k");
  const KeyRange range = coordinator::scan_range(scan, token, partitions).value();
  const std::uint64_t late = cluster.scan(0, scan, range);
  cluster.pass(1001ms);
  CHECK(cluster.answer(late).code() == ErrorCode::expired);
  const std::uint64_t lost = cluster.scan(0, scan, range);
  cluster.nodes[0]->coordinator().on_peer_lost(cluster.id_of(1), cluster.now);
  CHECK(cluster.answer(lost).code() == ErrorCode::unavailable);
  cluster.deliver_all();
  CHECK(cluster.answer(lost).times == 1);
}

TEST_CASE("a large page stops at its bytes, with a cursor") {
  Cluster cluster(1, 1, 1);
  const Bytes value(400'000, 'v');
  for (const char* sort_key : {"a", "b", "c", "d", "e"}) {
    cluster.put_now(0, Cluster::key("k", sort_key), value);
  }
  std::size_t pages = 0;
  CHECK(scan_all(cluster, 0, scan_of("k"), &pages).size() == 5);
  CHECK(pages == 3);  // two of them in each
}

TEST_CASE("siblings count to a page beyond their bytes, and a record of many goes alone") {
  Cluster cluster(1, 1, 1);
  constexpr std::uint64_t siblings = 15'000;
  for (const char* sort_key : {"a", "b", "c"}) {
    Record record;
    for (std::uint64_t i = 1; i <= siblings; ++i) {
      const Dot dot{.actor = ActorId{i}, .sequence = 1};
      record.context.add(dot);
      record.siblings.push_back({.dot = dot, .timestamp = Timestamp{i}, .value = "v"});
    }
    const Bytes key = Cluster::key("k", sort_key);
    cluster.nodes[0]->records[key] = encode_record(key, record);
  }
  std::size_t pages = 0;
  CHECK(scan_all(cluster, 0, scan_of("k"), &pages).size() == 3);
  CHECK(pages == 3);
}

TEST_CASE("ranges of scans") {
  const Bytes from = Cluster::key("k", "b");
  wire::Scan scan = scan_of("k");
  CHECK(coordinator::scan_range(scan, token, partitions)->from == Cluster::key("k"));
  scan.sort_key_from = "b";
  CHECK(coordinator::scan_range(scan, token, partitions)->from == from);
  CHECK(coordinator::scan_range(scan, Token{UINT64_MAX}, partitions).error().code ==
        ErrorCode::invalid_argument);
  scan.partition_key = {};
  CHECK(coordinator::scan_range(scan, token, partitions).error().code ==
        ErrorCode::invalid_argument);
  const Bytes long_key(limits::key_bytes, 'k');
  scan = scan_of(long_key);
  CHECK(coordinator::scan_range(scan, token, partitions).has_value());
  scan.sort_key_to = "x";
  CHECK(coordinator::scan_range(scan, token, partitions).error().code == ErrorCode::too_large);
}

TEST_CASE("cursors belong to their scan and are checked") {
  const KeyRange range{.from = Cluster::key("k"), .to = Cluster::key("l")};
  const Bytes last = Cluster::key("k", "b");
  const Bytes cursor = coordinator::encode_cursor(range, last);
  CHECK(coordinator::decode_cursor(range, {}).value() == range.from);
  CHECK(coordinator::decode_cursor(range, cursor).value() == last + '\0');
  const KeyRange other{.from = range.from, .to = Cluster::key("m")};
  CHECK(coordinator::decode_cursor(other, cursor).error().code == ErrorCode::invalid_argument);
  CHECK(
      coordinator::decode_cursor(range, coordinator::encode_cursor(range, range.to)).error().code ==
      ErrorCode::invalid_argument);
  for (std::size_t size = 1; size < 9; ++size) {
    CHECK_FALSE(coordinator::decode_cursor(range, cursor.substr(0, size)).has_value());
  }
  Bytes newer = cursor;
  newer[0] = 2;
  CHECK(coordinator::decode_cursor(range, newer).error().code == ErrorCode::unsupported_version);
}
