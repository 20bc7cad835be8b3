// What the coordinator does when a purge comes between a record's being read and its being taken.

#include <doctest/doctest.h>

#include "tests/unit/coordinator/cluster.h"

namespace coterie::purge_test {

using namespace coterie::test;
using namespace std::chrono_literals;

namespace {

const Bytes key = Cluster::key("k");
constexpr Generation purge{7};

bool is_write(const Message& message) {
  return message.as<WriteMessage>() != nullptr;
}

/// All owners have reached the purge's generation, and those in `purged` have applied it.
void raise(Cluster& cluster) {
  for (const auto& node : cluster.nodes) node->copy.raise_generation(purge);
}

/// Owners 1 and 2 hold nothing any more; owner 0's record was purged there.
void purge_at(Cluster& cluster, std::size_t node) {
  cluster.nodes[node]->copy.raise_purged(purge);
  cluster.nodes[node]->records.erase(key);
}

/// A round has been gone through at all.
void purge_everywhere(Cluster& cluster) {
  raise(cluster);
  for (std::size_t node = 0; node < cluster.nodes.size(); ++node) purge_at(cluster, node);
}

}  // namespace

TEST_CASE("a put that crosses a purge is sent again as it is here, not minted again") {
  Cluster cluster(3, 2, 3);
  std::size_t minted = 0;
  cluster.on_mint = [&](std::size_t, const Dot&, Timestamp, const wire::Put&) { ++minted; };
  const std::uint64_t client = cluster.put(0, key, "v");
  raise(cluster);
  purge_at(cluster, 1);
  purge_at(cluster, 2);
  cluster.deliver_all();
  CHECK(cluster.answer(client).is_ok());
  CHECK(minted == 1);
  CHECK(cluster.nodes[0]->coordinator().counters().resends == 2);
  CHECK(cluster.nodes[1]->records == cluster.nodes[0]->records);
  CHECK(cluster.nodes[2]->records == cluster.nodes[0]->records);
  CHECK(cluster.nodes[0]->coordinator().operations() == 0);
}

TEST_CASE("a put is sent again a few times only, and late refusals do no harm") {
  Cluster cluster(3, 2, 3);
  const std::uint64_t client = cluster.put(0, key, "v");
  raise(cluster);
  purge_at(cluster, 1);
  for (std::uint64_t more = 1; more < 10; ++more) {
    const auto to_1 = cluster.take([](const Message& m) { return is_write(m) && m.to == 1; });
    if (!to_1) break;
    cluster.deliver(*to_1);
    // each time a purge has come in between
    const Generation next{purge.value + more};
    cluster.nodes[1]->copy.raise_purged(next);
    const auto refusal = cluster.take([](const Message& m) { return m.as<Error>() != nullptr; });
    REQUIRE(refusal);
    cluster.nodes[0]->copy.raise_generation(Generation{refusal->as<Error>()->generation});
    cluster.deliver(*refusal);
  }
  CHECK(cluster.nodes[0]->coordinator().counters().resends == limits::resends_a_put);
  cluster.deliver_all();
  CHECK(cluster.answer(client).code() == ErrorCode::unknown_outcome);
  CHECK(cluster.nodes[0]->coordinator().operations() == 0);
}

TEST_CASE("a coordinator that is behind a purge has been restored, and resends nothing") {
  Cluster cluster(3, 2, 2);
  const std::uint64_t client = cluster.put(0, key, "v");
  purge_at(cluster, 1);
  purge_at(cluster, 2);
  cluster.deliver_all();
  CHECK(cluster.answer(client).code() == ErrorCode::unknown_outcome);
  CHECK(cluster.nodes[0]->heard_of == purge);
  CHECK(cluster.nodes[1]->records.empty());
}

TEST_CASE("a read does not merge what it read before a purge with what it reads after it") {
  Cluster cluster(3, 2, 2);
  REQUIRE(cluster.put_now(0, key, "old").is_ok());
  const std::uint64_t client = cluster.get(0, key);  // has read "old" here
  // it is deleted, the tombstone reaches all, and is purged everywhere
  purge_everywhere(cluster);
  cluster.deliver_all();
  CHECK(cluster.answer(client).times == 1);
  CHECK(cluster.answer(client).is_ok());
  CHECK(cluster.answer(client).values.empty());
  CHECK(cluster.nodes[0]->coordinator().operations() == 0);
  for (const auto& node : cluster.nodes) CHECK(node->records.empty());
}

TEST_CASE("what a restored owner shows is left out of reads") {
  Cluster cluster(3, 2, 2);
  REQUIRE(cluster.put_now(0, key, "old").is_ok());
  purge_at(cluster, 0);
  purge_at(cluster, 2);  // owner 1 holds "old", and never heard of the purge
  for (const std::size_t at : {0U, 2U}) {
    const ClientAnswer answer = cluster.get_now(at, key, {.r = 2});
    CHECK(answer.is_ok());
    CHECK(answer.values.empty());
  }
  const ClientAnswer answer = cluster.get_now(1, key, {.r = 2});
  CHECK(answer.is_ok());
  CHECK(answer.values.empty());
  CHECK(cluster.nodes[1]->heard_of == purge);
  CHECK(cluster.get_now(0, key, {.r = 3}).code() == ErrorCode::unavailable);
  CHECK(cluster.nodes[0]->records.empty());
}

TEST_CASE("a read's repair that crosses a purge reads again") {
  Cluster cluster(3, 3, 2);
  REQUIRE(cluster.put_now(0, key, "v").is_ok());
  cluster.nodes[2]->records.clear();
  const std::uint64_t client = cluster.get(0, key);
  while (cluster.deliver([](const Message& m) { return !is_write(m); })) {
  }
  REQUIRE(cluster.answer(client).times == 0);
  raise(cluster);
  cluster.nodes[2]->copy.raise_purged(purge);
  // what a quorum says together may stand in for a damaged record, also the second time
  bool is_repair = false;
  while (auto next = cluster.take([](const Message&) { return true; })) {
    if (const auto* write = next->as<WriteMessage>()) is_repair = write->is_repair;
    cluster.deliver(*next);
  }
  CHECK(is_repair);
  CHECK(cluster.answer(client).is_ok());
  CHECK(cluster.answer(client).values == std::vector<Bytes>{"v"});
  CHECK(cluster.nodes[2]->records == cluster.nodes[0]->records);
  CHECK(cluster.nodes[0]->coordinator().counters().resends == 1);
}

TEST_CASE("a scan asks again for a page from before a purge") {
  Cluster cluster(3, 2, 2);
  REQUIRE(cluster.put_now(0, key, "old").is_ok());
  const wire::Scan scan{.bucket = BucketId{1}, .partition = partition, .partition_key = "k"};
  const std::uint64_t client =
      cluster.scan(0, scan, range_of(Token{42}, BucketId{1}, "k"));  // has read a page here
  purge_everywhere(cluster);
  cluster.deliver_all();
  CHECK(cluster.answer(client).times == 1);
  CHECK(cluster.answer(client).is_ok());
  CHECK(cluster.answer(client).rows.empty());
  CHECK(cluster.nodes[0]->coordinator().operations() == 0);
}

TEST_CASE("a scan leaves out an owner that was restored") {
  Cluster cluster(3, 2, 2);
  REQUIRE(cluster.put_now(0, key, "old").is_ok());
  purge_at(cluster, 0);
  purge_at(cluster, 2);
  const wire::Scan scan{.bucket = BucketId{1}, .partition = partition, .partition_key = "k"};
  const std::uint64_t client = cluster.scan(1, scan, range_of(Token{42}, BucketId{1}, "k"));
  cluster.deliver_all();
  CHECK(cluster.answer(client).is_ok());
  CHECK(cluster.answer(client).rows.empty());
  CHECK(cluster.nodes[1]->heard_of == purge);
}

}  // namespace coterie::purge_test
