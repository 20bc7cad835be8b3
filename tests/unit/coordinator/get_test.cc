#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/coordinator/cluster.h"

namespace coterie::get_test {

using namespace coterie::test;
using coordinator::Reach;
using namespace std::chrono_literals;

namespace {

const Bytes key = Cluster::key("k");

auto to(std::size_t node) {
  return [node](const Message& message) { return message.to == node; };
}

auto from(std::size_t node) {
  return [node](const Message& message) { return message.from == node; };
}

/// A put that only `owners` have heard of.
Bytes put_at(Cluster& cluster, const std::vector<std::size_t>& owners, BytesView value,
             const Bytes& context = {}) {
  const std::uint64_t client = cluster.put(owners[0], key, value, {.context = context, .w = 1});
  for (const std::size_t owner : owners) cluster.deliver(to(owner));
  cluster.queue.clear();
  cluster.nodes[owners[0]]->coordinator().on_peer_lost(cluster.id_of(0), cluster.now);
  return cluster.answer(client).context;
}

std::size_t requests(const Cluster& cluster) {
  return static_cast<std::size_t>(std::ranges::count_if(cluster.queue, &Message::is_request));
}

}  // namespace

TEST_CASE("a get is answered by the R-th owner for every N and R, one record and R-1 digests") {
  for (const std::size_t n : {1U, 2U, 3U, 5U, 7U}) {
    for (std::uint32_t r = 1; r <= n; ++r) {
      CAPTURE(n);
      CAPTURE(r);
      Cluster cluster(n, r, 1);
      cluster.put_now(0, key, "v");
      const std::uint64_t client = cluster.get(1 % n, key);
      CHECK(requests(cluster) == r - 1);
      for (const Message& message : cluster.queue) CHECK(message.as<ReadMessage>()->digest_only);
      std::size_t answered = 1;
      while (answered < r) {
        CHECK(cluster.answer(client).times == 0);
        CHECK(cluster.deliver([](const Message& m) { return m.is_request(); }));
        CHECK(cluster.deliver([](const Message& m) { return !m.is_request(); }));
        ++answered;
      }
      CHECK(cluster.answer(client).values == std::vector<Bytes>{"v"});
      CHECK(cluster.nodes[1 % n]->coordinator().operations() == 0);
      CHECK(cluster.nodes[1 % n]->coordinator().counters().repairs == 0);
    }
  }
}

TEST_CASE("absent takes R owners as well") {
  Cluster cluster(3, 2, 2);
  const std::uint64_t client = cluster.get(0, key);
  CHECK(cluster.answer(client).times == 0);
  cluster.deliver_all();
  CHECK(cluster.answer(client).is_ok());
  CHECK(cluster.answer(client).values.empty());
  CHECK(cluster.answer(client).context.empty());
}

TEST_CASE("owners that differ are merged and repaired before the answer, the others after") {
  Cluster cluster(3, 2, 2);
  put_at(cluster, {2}, "v");
  cluster.owners[1].reach = Reach::doubtful;  // so that node 2 is asked
  const std::uint64_t client = cluster.get(0, key, {.want_evidence = true});
  CHECK(cluster.deliver(to(2)));  // the digest
  CHECK(cluster.deliver(to(0)));
  CHECK(cluster.deliver(to(2)));  // the record
  cluster.nodes[0]->is_durable_at_once = false;
  CHECK(cluster.deliver(to(0)));
  CHECK(cluster.nodes[0]->records == cluster.nodes[2]->records);
  CHECK(cluster.answer(client).times == 0);  // not durable here yet
  cluster.nodes[0]->sync();
  const ClientAnswer& answer = cluster.answer(client);
  CHECK(answer.values == std::vector<Bytes>{"v"});
  CHECK(answer.evidence.answered == std::vector{cluster.id_of(0), cluster.id_of(2)});
  CHECK_FALSE(answer.evidence.agreed);
  CHECK(answer.evidence.repaired == 1);
  CHECK(cluster.nodes[1]->records.empty());
  cluster.deliver_all();
  CHECK(cluster.nodes[1]->records == cluster.nodes[2]->records);
  CHECK(cluster.nodes[0]->coordinator().operations() == 0);
}

TEST_CASE("a remote owner that is behind is repaired before the answer") {
  Cluster cluster(2, 2, 1);
  put_at(cluster, {0}, "v");
  const std::uint64_t client = cluster.get(0, key);
  CHECK(cluster.deliver(to(1)));
  CHECK(cluster.deliver(to(0)));
  CHECK(cluster.answer(client).times == 0);
  CHECK(cluster.queue.at(0).as<WriteMessage>()->is_repair);
  CHECK(cluster.deliver(to(1)));
  CHECK(cluster.answer(client).times == 0);
  CHECK(cluster.deliver(to(0)));
  CHECK(cluster.answer(client).values == std::vector<Bytes>{"v"});
  CHECK(cluster.nodes[1]->records == cluster.nodes[0]->records);
}

TEST_CASE("three versions are merged; one record is fetched for each of them") {
  Cluster cluster(5, 5, 1);
  put_at(cluster, {0}, "a");
  put_at(cluster, {1, 2}, "b");
  put_at(cluster, {3, 4}, "c");
  const std::uint64_t client = cluster.get(0, key);
  std::size_t fetched = 0;
  while (!cluster.queue.empty()) {
    const auto* read = cluster.queue.front().as<ReadMessage>();
    if (read != nullptr && !read->digest_only) ++fetched;
    CHECK(cluster.deliver([](const Message&) { return true; }));
  }
  CHECK(fetched == 2);
  CHECK(cluster.answer(client).values.size() == 3);
  for (const auto& node : cluster.nodes) CHECK(node->records == cluster.nodes[0]->records);
}

TEST_CASE("a read does not bring back what was overwritten") {
  Cluster cluster(3, 2, 2);
  const ClientAnswer old = cluster.put_now(0, key, "old");
  const auto before = cluster.nodes[2]->records;
  cluster.put_now(1, key, "new", {.context = old.context});
  cluster.nodes[2]->records = before;
  for (std::size_t at = 0; at < 3; ++at) {
    CHECK(cluster.get_now(at, key, {.r = 3}).values == std::vector<Bytes>{"new"});
  }
}

TEST_CASE("an owner that fails, here or there, is replaced by a further one") {
  Cluster cluster(3, 2, 2);
  cluster.put_now(0, key, "v");
  SUBCASE("a peer that is unsure") {
    cluster.nodes[1]->replica_error = Error{.code = ErrorCode::unsure, .message = "unsure"};
  }
  SUBCASE("a peer that cannot be sent to") {
    cluster.nodes[0]->cut_from = {1};
  }
  SUBCASE("this node's copy") {
    cluster.nodes[0]->copy.set_state(replica::CopyState::unsure);
  }
  bool is_repaired = false;
  SUBCASE("a peer whose record is damaged") {
    cluster.nodes[1]->records[key] = "nonsense";
    is_repaired = true;
  }
  CHECK(cluster.get_now(0, key).values == std::vector<Bytes>{"v"});
  cluster.nodes[2]->replica_error = Error{.code = ErrorCode::unsure, .message = "unsure"};
  const ClientAnswer answer = cluster.get_now(0, key);
  if (is_repaired) {
    CHECK(answer.values == std::vector<Bytes>{"v"});
  } else {
    CHECK(answer.code() == ErrorCode::unavailable);
    CHECK(executed(ErrorCode::unavailable) == Executed::no);
    CHECK(answer.error->message == "1 of 3 owners answer, R=2: unsure");
  }
}

TEST_CASE("a lost connection is replaced by a further owner") {
  Cluster cluster(3, 2, 2);
  cluster.put_now(0, key, "v");
  const std::uint64_t client = cluster.get(0, key);
  const Message lost = *cluster.take([](const Message&) { return true; });
  cluster.nodes[0]->coordinator().on_peer_lost(cluster.id_of(lost.to), cluster.now);
  cluster.deliver_all();
  CHECK(cluster.answer(client).values == std::vector<Bytes>{"v"});
}

TEST_CASE("a damaged record is repaired from a quorum of the others") {
  Cluster cluster(3, 2, 2);
  cluster.put_now(0, key, "v");
  for (const std::size_t damaged : {0U, 1U, 2U}) {
    cluster.nodes[damaged]->records[key].back() ^= 1;
    cluster.owners[1].reach = damaged == 1 ? Reach::good : Reach::doubtful;
    CHECK(cluster.get_now(0, key).values == std::vector<Bytes>{"v"});
    CHECK(cluster.nodes[damaged]->records == cluster.nodes[(damaged + 1) % 3]->records);
  }
}

TEST_CASE("a damaged record is not replaced by what too few of the others hold") {
  Cluster cluster(3, 2, 2);
  cluster.put_now(0, key, "v");
  Bytes& record = cluster.nodes[0]->records[key];
  record.back() ^= 1;
  const Bytes rotten = record;
  CHECK(cluster.get_now(0, key, {.r = 1}).values == std::vector<Bytes>{"v"});
  CHECK(record == rotten);
  CHECK(cluster.get_now(0, key).values == std::vector<Bytes>{"v"});
  CHECK(record == cluster.nodes[1]->records[key]);
}

TEST_CASE("reads prefer owners that are in reach and have little to do") {
  Cluster cluster(5, 2, 2);
  cluster.owners[1].reach = Reach::none;
  cluster.owners[2].reach = Reach::doubtful;
  cluster.get(0, key);
  cluster.get(0, key);
  cluster.get(0, key);
  CHECK(cluster.queue.at(0).to == 3);
  CHECK(cluster.queue.at(1).to == 4);
  CHECK(cluster.queue.at(2).to == 3);
}

TEST_CASE("a slow owner is hedged once, within the budget and not under pressure") {
  Cluster cluster(3, 2, 2);
  cluster.put_now(0, key, "v");
  for (int i = 0; i < 40; ++i) cluster.get_now(0, key);
  auto& node = cluster.nodes[0]->coordinator();
  const std::uint64_t client = cluster.get(0, key);
  const Message slow = *cluster.take([](const Message&) { return true; });
  node.set_under_pressure(true);
  cluster.pass(coordinator::LatencyTracker::unknown + 2ms);
  CHECK(node.counters().hedges == 0);
  node.set_under_pressure(false);
  CHECK(cluster.answer(client).times == 0);

  const std::uint64_t hedged = cluster.get(0, key);
  cluster.queue.clear();
  cluster.pass(coordinator::LatencyTracker::unknown + 2ms);
  CHECK(node.counters().hedges == 1);
  CHECK(requests(cluster) == 1);
  cluster.deliver_all();
  CHECK(cluster.answer(hedged).values == std::vector<Bytes>{"v"});

  // 42 reads pay for two hedges
  for (int i = 0; i < 5; ++i) cluster.get(0, key);
  cluster.queue.clear();
  cluster.pass(coordinator::LatencyTracker::unknown + 2ms);
  CHECK(node.counters().hedges == 2);
  cluster.deliver(slow);
  cluster.deliver_all();
  CHECK(cluster.answer(client).times == 1);
}

TEST_CASE("a slow first record does not hold up a read whose digests are there") {
  Cluster cluster(5, 2, 2);
  cluster.put_now(0, key, "v");
  for (int i = 0; i < 40; ++i) cluster.get_now(0, key);
  cluster.nodes[0]->local_error = Error{.code = ErrorCode::unsure, .message = "unsure"};
  const std::uint64_t client = cluster.get(0, key);
  CHECK(requests(cluster) == 2);
  CHECK(cluster.take([](const Message& m) { return !m.as<ReadMessage>()->digest_only; }));
  cluster.deliver_all();
  CHECK(cluster.answer(client).times == 0);
  cluster.pass(coordinator::LatencyTracker::unknown + 2ms);
  cluster.deliver_all();
  CHECK(cluster.answer(client).values == std::vector<Bytes>{"v"});
}

TEST_CASE("at its deadline a read is expired; what comes later is ignored") {
  Cluster cluster(3, 2, 2);
  CHECK(cluster.get_now(0, key, {.deadline = 0ms}).code() == ErrorCode::expired);
  const std::uint64_t client = cluster.get(0, key, {.deadline = 10ms});
  CHECK(cluster.deliver([](const Message& m) { return m.is_request(); }));
  cluster.pass(11ms);
  CHECK(cluster.answer(client).code() == ErrorCode::expired);
  cluster.deliver_all();
  CHECK(cluster.answer(client).times == 1);
  CHECK(cluster.nodes[0]->coordinator().operations() == 0);
}

TEST_CASE("answers that come twice, or from another owner, do not make a quorum") {
  Cluster cluster(3, 3, 1);
  const std::uint64_t client = cluster.get(0, key);
  CHECK(cluster.deliver(to(1)));
  const Message answer = *cluster.take(from(1));
  for (int i = 0; i < 3; ++i) cluster.deliver(answer);
  Message forged = answer;
  forged.tag = cluster.take(to(2))->tag;
  cluster.deliver(forged);
  CHECK(cluster.answer(client).times == 0);
  forged.from = 2;
  cluster.deliver(forged);
  CHECK(cluster.answer(client).is_ok());
}

TEST_CASE("where a repair is refused another owner takes it, else the answer goes out as it is") {
  Cluster cluster(3, 2, 2);
  put_at(cluster, {0}, "v");
  const std::uint64_t client = cluster.get(0, key, {.want_evidence = true});
  CHECK(cluster.deliver([](const Message& m) { return m.is_request(); }));
  const std::size_t asked = cluster.queue.at(0).from;
  CHECK(cluster.deliver(from(asked)));
  cluster.nodes[asked]->replica_error = Error{.code = ErrorCode::read_only, .message = "full"};
  const std::size_t other = 3 - asked;
  SUBCASE("another takes it") {}
  SUBCASE("none does") {
    cluster.nodes[other]->replica_error = cluster.nodes[asked]->replica_error;
  }
  CHECK(cluster.deliver(to(asked)));
  CHECK(cluster.deliver(from(asked)));
  CHECK(cluster.answer(client).times == 0);
  cluster.deliver_all();
  CHECK(cluster.answer(client).values == std::vector<Bytes>{"v"});
  CHECK_FALSE(cluster.answer(client).evidence.agreed);
  CHECK(cluster.nodes[other]->records.empty() == cluster.nodes[other]->replica_error.has_value());
}

TEST_CASE("R of 1 reads here alone; less than the bucket's R is weak") {
  Cluster cluster(3, 2, 2);
  put_at(cluster, {1}, "elsewhere");
  const ClientAnswer weak = cluster.get_now(0, key, {.r = 1});
  CHECK(weak.values.empty());
  CHECK(weak.is_weak);
  CHECK_FALSE(cluster.get_now(0, key, {.r = 3}).is_weak);
}

TEST_CASE("a local answer counts once what it rests on is durable") {
  Cluster cluster(3, 1, 1);
  cluster.put_now(0, key, "v");
  cluster.nodes[0]->is_durable_at_once = false;
  const std::uint64_t client = cluster.get(0, key);
  CHECK(cluster.answer(client).times == 0);
  cluster.nodes[0]->sync();
  CHECK(cluster.answer(client).values == std::vector<Bytes>{"v"});
}

TEST_CASE("an expired value reads as absent, and stays in the records") {
  Cluster cluster(3, 2, 2);
  cluster.put_now(0, key, "v", {.time_to_live_ms = 1000});
  cluster.pass(999ms);
  CHECK(cluster.get_now(1, key).values == std::vector<Bytes>{"v"});
  const auto before = cluster.nodes[1]->records;
  cluster.pass(1ms);
  const ClientAnswer gone = cluster.get_now(1, key);
  CHECK(gone.values.empty());
  CHECK_FALSE(gone.context.empty());
  CHECK(cluster.nodes[1]->records == before);
}

TEST_CASE("a bucket's time to live holds where a put names none, and a century at most") {
  Cluster cluster(1, 1, 1);
  cluster.bucket.default_ttl = 10ms;
  cluster.put_now(0, key, "v");
  cluster.put_now(0, Cluster::key("l"), "v", {.time_to_live_ms = UINT64_MAX});
  cluster.pass(10ms);
  CHECK(cluster.get_now(0, key).values.empty());
  CHECK(cluster.get_now(0, Cluster::key("l")).values.size() == 1);
}

TEST_CASE("in an lww bucket the last put wins everywhere, a delete and an expiry too") {
  Cluster cluster(3, 2, 2, Resolver::lww);
  cluster.put_now(0, key, "1");
  cluster.now.wall -= 1h;  // another node's clock may be behind: what it saw counts
  cluster.put_now(1, key, "2");
  for (std::size_t at = 0; at < 3; ++at) {
    CHECK(cluster.get_now(at, key).values == std::vector<Bytes>{"2"});
  }
  cluster.put_now(2, key, {}, {.is_delete = true});
  CHECK(cluster.get_now(0, key).values.empty());
  cluster.put_now(0, key, "3", {.time_to_live_ms = 5});
  CHECK(cluster.get_now(1, key).values == std::vector<Bytes>{"3"});
  cluster.pass(5ms);
  CHECK(cluster.get_now(1, key).values.empty());
}

TEST_CASE("unfinished reads hold so much of records and no more") {
  Cluster cluster(3, 2, 2);
  const Bytes large(1000, 'v');
  cluster.put_now(0, key, large);
  cluster.nodes[0]->set_options({.held_bytes = 2000});
  const std::uint64_t first = cluster.get(0, key);
  const std::uint64_t second = cluster.get(0, key);
  const ClientAnswer refused = cluster.answer(cluster.get(0, key));
  CHECK(refused.code() == ErrorCode::overloaded);
  CHECK(refused.error->retry_after_ms > 0);
  const wire::Scan scan{.bucket = BucketId{1}, .partition = partition};
  const KeyRange range{.from = Cluster::key("a"), .to = Cluster::key("z")};
  CHECK(cluster.answer(cluster.scan(0, scan, range)).code() == ErrorCode::overloaded);
  cluster.deliver_all();
  CHECK(cluster.answer(first).values == std::vector<Bytes>{large});
  CHECK(cluster.answer(second).values == std::vector<Bytes>{large});
  // what a scan holds is given back too
  for (int i = 0; i < 10; ++i) {
    const std::uint64_t client = cluster.scan(0, scan, range);
    cluster.deliver_all();
    CHECK(cluster.answer(client).is_ok());
  }
  CHECK(cluster.get_now(0, key).is_ok());
}

}  // namespace coterie::get_test
