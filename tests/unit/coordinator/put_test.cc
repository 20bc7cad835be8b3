#include <doctest/doctest.h>

#include <algorithm>

#include "node/coordinator/parts.h"
#include "tests/unit/coordinator/cluster.h"

namespace coterie::put_test {

using namespace coterie::test;
using coordinator::Reach;
using namespace std::chrono_literals;

namespace {

const Bytes key = Cluster::key("k");

auto request_to(std::size_t node) {
  return [node](const Message& message) { return message.is_request() && message.to == node; };
}

auto answer_from(std::size_t node) {
  return [node](const Message& message) { return !message.is_request() && message.from == node; };
}

}  // namespace

TEST_CASE("a put is answered by the W-th owner, whichever they are, and not before") {
  for (const std::size_t n : {1U, 2U, 3U, 5U, 7U}) {
    for (std::uint32_t w = 1; w <= n; ++w) {
      CAPTURE(n);
      CAPTURE(w);
      Cluster cluster(n, 1, w);
      cluster.nodes[0]->is_durable_at_once = false;
      const std::uint64_t client = cluster.put(0, key, "v");
      CHECK(cluster.queue.size() == n - 1);
      // the others answer from the last to the first, this node's own log is the last
      for (std::size_t votes = 0; votes < n; ++votes) {
        CHECK(cluster.answer(client).times == (votes >= w ? 1 : 0));
        if (votes == n - 1) {
          cluster.nodes[0]->sync();
        } else {
          CHECK(cluster.deliver(request_to(n - 1 - votes)));
          CHECK(cluster.deliver(answer_from(n - 1 - votes)));
        }
      }
      CHECK(cluster.answer(client).times == 1);
      CHECK(cluster.answer(client).is_ok());
      CHECK(cluster.answer(client).siblings == 1);
      CHECK_FALSE(cluster.answer(client).is_weak);
      CHECK(cluster.nodes[0]->coordinator().operations() == 0);
      CHECK(cluster.nodes[0]->hints().empty());
      for (std::size_t i = 1; i < n; ++i)
        CHECK(cluster.nodes[i]->records == cluster.nodes[0]->records);
    }
  }
}

TEST_CASE("an owner counts once, however often it answers, and only for itself") {
  Cluster cluster(3, 1, 3);
  const std::uint64_t client = cluster.put(0, key, "v");
  CHECK(cluster.deliver(request_to(1)));
  const Message answer = *cluster.take(answer_from(1));
  for (int i = 0; i < 3; ++i) cluster.deliver(answer);
  Message forged = answer;  // node 1 answers with the tag that node 2 was given
  forged.tag = cluster.take(request_to(2))->tag;
  cluster.deliver(forged);
  Message own = answer;  // and with this node's own
  own.tag.value = (answer.tag.value >> 8) << 8;
  cluster.deliver(own);
  CHECK(cluster.answer(client).times == 0);
  Message theirs = forged;
  theirs.from = 2;
  cluster.deliver(theirs);
  CHECK(cluster.answer(client).times == 1);
}

TEST_CASE("too few owners in reach: refused before anything is written") {
  Cluster cluster(3, 1, 2);
  cluster.owners[1].reach = Reach::none;
  cluster.owners[2].reach = Reach::none;
  const ClientAnswer& refused = cluster.put_now(0, key, "v");
  CHECK(refused.code() == ErrorCode::unavailable);
  CHECK(executed(*refused.code()) == Executed::no);
  CHECK(refused.error->retry_after_ms > 0);
  CHECK(refused.error->message.starts_with("1 of 3 owners can be reached, W=2;"));
  CHECK(cluster.nodes[0]->records.empty());
  CHECK(cluster.nodes[0]->coordinator().operations() == 0);

  // one of them may answer after all: that is enough to try
  cluster.owners[2].reach = Reach::doubtful;
  CHECK(cluster.put_now(0, key, "v").is_ok());
  // and an owner thought dead that is not still gets the record
  CHECK(cluster.nodes[1]->records == cluster.nodes[0]->records);
}

TEST_CASE("once minted, too few owners make the outcome unknown, as soon as that is sure") {
  Cluster cluster(3, 1, 2);
  const std::uint64_t client = cluster.put(0, key, "v");
  cluster.nodes[1]->replica_error = Error{.code = ErrorCode::read_only, .message = "full"};
  cluster.nodes[2]->replica_error = Error{.code = ErrorCode::unsure, .message = "unsure"};
  CHECK(cluster.deliver(request_to(1)));
  CHECK(cluster.deliver(answer_from(1)));
  CHECK(cluster.answer(client).times == 0);
  CHECK(cluster.deliver(request_to(2)));
  CHECK(cluster.deliver(answer_from(2)));
  CHECK(cluster.answer(client).code() == ErrorCode::unknown_outcome);
  CHECK(cluster.nodes[0]->hints().size() == 2);
  CHECK(cluster.nodes[0]->coordinator().operations() == 0);
}

TEST_CASE("sends that are refused count at once and leave hints") {
  Cluster cluster(3, 1, 2);
  cluster.nodes[0]->cut_from = {1};
  const ClientAnswer& one = cluster.put_now(0, key, "v", {.want_evidence = true});
  CHECK(one.is_ok());
  CHECK(one.evidence.answered == std::vector{cluster.id_of(0), cluster.id_of(2)});
  CHECK_FALSE(one.evidence.agreed);
  CHECK(one.evidence.hints == 1);
  CHECK(cluster.nodes[0]->hints() == std::vector{std::pair{key, std::size_t{1}}});
  cluster.nodes[0]->cut_from = {1, 2};
  CHECK(cluster.put_now(0, key, "w").code() == ErrorCode::unknown_outcome);
}

TEST_CASE("at the deadline an unfinished put is unknown, a finished one leaves hints") {
  Cluster cluster(3, 1, 2);
  const std::uint64_t unfinished = cluster.put(0, key, "v", {.deadline = 50ms});
  cluster.queue.clear();
  const std::uint64_t finished = cluster.put(0, key, "w", {.deadline = 100ms});
  CHECK(cluster.deliver(request_to(1)));
  CHECK(cluster.deliver(answer_from(1)));
  CHECK(cluster.answer(finished).is_ok());
  cluster.pass(49ms);
  CHECK(cluster.answer(unfinished).times == 0);
  cluster.pass(2ms);
  CHECK(cluster.answer(unfinished).code() == ErrorCode::unknown_outcome);
  CHECK(cluster.nodes[0]->hints().size() == 2);
  cluster.pass(50ms);
  CHECK(cluster.nodes[0]->hints().size() == 3);
  CHECK(cluster.nodes[0]->hints().back().second == 2);
  CHECK(cluster.nodes[0]->coordinator().operations() == 0);
  // what comes late changes nothing
  cluster.deliver_all();
  CHECK(cluster.answer(finished).times == 1);
  CHECK(cluster.answer(unfinished).times == 1);
}

TEST_CASE("a put past its deadline is not begun") {
  Cluster cluster(3, 1, 2);
  const ClientAnswer& late = cluster.put_now(0, key, "v", {.deadline = 0ms});
  CHECK(late.code() == ErrorCode::expired);
  CHECK(cluster.nodes[0]->records.empty());
}

TEST_CASE("a lost connection is the refusal of all that was asked over it") {
  Cluster cluster(3, 2, 3);
  const std::uint64_t put = cluster.put(0, key, "v");
  cluster.nodes[0]->coordinator().on_peer_lost(cluster.id_of(2), cluster.now);
  CHECK(cluster.answer(put).code() == ErrorCode::unknown_outcome);
  CHECK(cluster.nodes[0]->hints() == std::vector{std::pair{key, std::size_t{2}}});
}

TEST_CASE("only an owner coordinates; a quorum above N, or a damaged local copy, is refused") {
  Cluster cluster(3, 2, 2);
  CHECK(cluster.put_now(0, key, "v", {.w = 4}).code() == ErrorCode::invalid_argument);
  cluster.nodes[0]->copy.set_state(replica::CopyState::unsure);
  CHECK(cluster.put_now(0, key, "v").code() == ErrorCode::unsure);
  cluster.owners.erase(cluster.owners.begin());
  CHECK(cluster.put_now(0, key, "v").code() == ErrorCode::not_owner);
  CHECK(cluster.get_now(0, key).code() == ErrorCode::not_owner);
  for (const auto& node : cluster.nodes) CHECK(node->records.empty());
}

TEST_CASE("less than the bucket's W is weak and says so; names of quorums count owners") {
  Cluster cluster(5, 3, 3);
  CHECK(cluster.put_now(0, key, "v", {.w = 1}).is_weak);
  CHECK_FALSE(cluster.put_now(0, key, "v", {.w = wire::Quorum::quorum}).is_weak);
  cluster.nodes[0]->cut_from = {4};
  CHECK(cluster.put_now(0, key, "v", {.w = wire::Quorum::all}).code() ==
        ErrorCode::unknown_outcome);
  CHECK(cluster.nodes[0]->coordinator().counters().weak == 1);
}

TEST_CASE("concurrent and blind puts are siblings until a put with their context resolves them") {
  Cluster cluster(3, 2, 2);
  const std::uint64_t left = cluster.put(0, key, "left");
  const std::uint64_t right = cluster.put(1, key, "right");
  cluster.deliver_all();
  CHECK(cluster.answer(left).is_ok());
  CHECK(cluster.answer(right).is_ok());
  const ClientAnswer both = cluster.get_now(2, key);
  CHECK(both.values.size() == 2);
  CHECK(cluster.put_now(2, key, "blind").siblings == 3);

  const ClientAnswer resolved = cluster.put_now(1, key, "resolved", {.context = both.context});
  CHECK(resolved.siblings == 2);  // the blind one was not in the context
  std::vector<Bytes> values = cluster.get_now(0, key).values;
  std::ranges::sort(values);
  CHECK(values == std::vector<Bytes>{"blind", "resolved"});
  CHECK(cluster.put_now(0, key, "x", {.context = "nonsense"}).code() ==
        ErrorCode::invalid_argument);
  CHECK(cluster.put_now(0, Cluster::key("other"), "x", {.context = both.context}).code() ==
        ErrorCode::wrong_context);
}

TEST_CASE("a put's own context lets the next put replace it, and nothing the client did not see") {
  Cluster cluster(3, 2, 2);
  const ClientAnswer first = cluster.put_now(0, key, "1");
  const ClientAnswer second = cluster.put_now(0, key, "2", {.context = first.context});
  CHECK(cluster.get_now(1, key).values == std::vector<Bytes>{"2"});
  const ClientAnswer blind = cluster.put_now(0, key, "blind");
  CHECK(blind.siblings == 2);
  cluster.put_now(0, key, "after blind", {.context = blind.context});
  const std::vector<Bytes> values = cluster.get_now(1, key).values;
  CHECK(std::ranges::count(values, "2") == 1);
  CHECK(cluster.put_now(0, key, "3", {.context = second.context}).siblings == values.size());
}

TEST_CASE("a delete with a context leaves nothing to read and nothing to come back") {
  Cluster cluster(3, 2, 2);
  const ClientAnswer put = cluster.put_now(0, key, "v");
  const Bytes old = cluster.nodes[2]->records.at(key);
  const ClientAnswer gone =
      cluster.put_now(1, key, {}, {.context = put.context, .is_delete = true});
  CHECK(gone.is_ok());
  CHECK(gone.siblings == 0);
  cluster.nodes[2]->records[key] = old;  // as if the delete had missed it
  for (std::size_t at = 0; at < 3; ++at) {
    const ClientAnswer got = cluster.get_now(at, key);
    CHECK(got.is_ok());
    CHECK(got.values.empty());
    CHECK_FALSE(got.context.empty());
  }
}

TEST_CASE("a key takes 64 siblings and no more, until they are resolved") {
  Cluster cluster(3, 2, 2);
  for (std::size_t i = 0; i < limits::siblings_most; ++i) {
    CHECK(cluster.put_now(i % 3, key, std::to_string(i)).siblings == i + 1);
  }
  const ClientAnswer refused = cluster.put_now(1, key, "one more");
  CHECK(refused.code() == ErrorCode::too_many_siblings);
  CHECK(executed(*refused.code()) == Executed::no);
  const ClientAnswer all = cluster.get_now(2, key);
  CHECK(all.values.size() == limits::siblings_most);
  CHECK(cluster.put_now(1, key, "resolved", {.context = all.context}).siblings == 1);
  CHECK(cluster.get_now(0, key).values == std::vector<Bytes>{"resolved"});
}

TEST_CASE("replicas that stay silent do not let answered puts pile up") {
  Cluster cluster(3, 1, 2);
  cluster.nodes[0]->set_options({.waiting_puts = 4});
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t client = cluster.put(0, Cluster::key(std::to_string(i)), "v");
    CHECK(cluster.deliver(request_to(1)));
    CHECK(cluster.deliver(answer_from(1)));
    CHECK(cluster.answer(client).is_ok());
    CHECK(cluster.nodes[0]->coordinator().operations() <= 4);
  }
  CHECK(cluster.nodes[0]->hints().size() == 16);
  cluster.deliver_all();
  CHECK(cluster.nodes[0]->coordinator().operations() == 0);
}

TEST_CASE("more operations than may run at once are refused, unexecuted") {
  Cluster cluster(3, 2, 2);
  cluster.nodes[0]->set_options({.operations = 2});
  cluster.put(0, key, "1");
  cluster.put(0, key, "2");
  CHECK(cluster.answer(cluster.put(0, key, "3")).code() == ErrorCode::overloaded);
  cluster.deliver_all();
  CHECK(cluster.get_now(0, key).values.size() == 2);
}

TEST_CASE("a refusal of the local log is definite") {
  Cluster cluster(3, 2, 2);
  cluster.nodes[0]->local_error = Error{.code = ErrorCode::read_only, .message = "disk full"};
  CHECK(cluster.put_now(0, key, "v").code() == ErrorCode::read_only);
  CHECK(cluster.queue.empty());
  CHECK(cluster.nodes[0]->coordinator().operations() == 0);
}

TEST_CASE("owners of another configuration do not vote") {
  Cluster cluster(3, 2, 2);
  for (const std::size_t node : {1U, 2U}) {
    cluster.nodes[node]->copy.raise_configuration(ConfigurationNumber{2});
  }
  const auto put = cluster.put(0, key, "v");
  const auto get = cluster.get(0, key);
  cluster.deliver_all();
  CHECK(cluster.nodes[0]->sought() == std::vector<std::size_t>{1, 2, 1});
  CHECK(cluster.nodes[1]->records.empty());
  cluster.pass(2s);
  CHECK(cluster.answer(put).code() == ErrorCode::unknown_outcome);
  CHECK(cluster.answer(get).code() == ErrorCode::expired);
}

TEST_CASE("a put that this node's store does not take was definitely not executed") {
  for (const ErrorCode code : {ErrorCode::closed, ErrorCode::io, ErrorCode::read_only}) {
    CAPTURE(name(code));
    Cluster cluster(3, 2, 2);
    cluster.nodes[0]->local_error = Error{.code = code, .message = "the disk"};
    const std::uint64_t client = cluster.put(0, key, "v");
    REQUIRE(cluster.answer(client).times == 1);
    REQUIRE(cluster.answer(client).code());
    CHECK(executed(*cluster.answer(client).code()) == Executed::no);
    CHECK(retryable(*cluster.answer(client).code()));
    CHECK(cluster.queue.empty());
  }
}

}  // namespace coterie::put_test
