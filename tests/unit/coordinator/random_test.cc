#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "storage/versions.h"
#include "tests/unit/coordinator/cluster.h"

/// Random schedules of puts, deletes, gets and retries over a cluster whose messages are lost, late
/// and doubled, whose links are cut, whose nodes crash and forget what was not durable, checked
/// against what clients were told. COTERIE_SEED=n runs one seed only, COTERIE_SEEDS=n that many; a
/// failure prints its own.

using namespace coterie;
using namespace coterie::test;
using namespace std::chrono_literals;

namespace {

/// One put or delete as its client knows it, and the dot that it was seen to be given.
struct Written {
  std::uint64_t number = 0;
  std::vector<std::uint64_t> clients;  // its tries
  Bytes key;
  Bytes value;
  bool is_delete = false;
  bool is_strict = true;
  VersionVector seen;  // what its client had seen
  PutOptions options;
  std::size_t at = 0;
  std::uint64_t run = 0;  // of the coordinator
  std::vector<Dot> dots;
  Timestamp timestamp;
  std::uint64_t acknowledged = 0;  // step; 0 not
};

struct Reading {
  std::uint64_t client = 0;
  Bytes key;
  std::uint64_t begun = 0;
  bool is_strict = true;
  bool is_checked = false;
};

class Schedule {
 public:
  explicit Schedule(std::uint64_t seed) : random_(seed) {
    const std::size_t n = std::vector<std::size_t>{1, 2, 3, 3, 3, 5}[random_.below(6)];
    const auto w = static_cast<std::uint32_t>(1 + random_.below(n));
    const auto least_r = static_cast<std::uint32_t>(n) - w + 1;
    const auto r = least_r + static_cast<std::uint32_t>(random_.below(w));
    const Resolver resolver = random_.chance(0.3) ? Resolver::lww : Resolver::siblings;
    cluster_ = std::make_unique<Cluster>(n, r, w, resolver);
    runs_.resize(n);
    trouble_ = random_.chance(0.2) ? 0 : random_.unit();
    for (auto& node : cluster_->nodes) node->is_durable_at_once = random_.chance(0.3);
    cluster_->on_mint = [this](std::size_t, const Dot& dot, Timestamp timestamp,
                               const wire::Put& put) {
      Written& written = writes_.at(put.id.low);
      written.dots.push_back(dot);
      written.timestamp = timestamp;
    };
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      ++step_;
      act();
      note_answers();
    }
    heal();
  }

 private:
  void act() {
    const std::uint64_t draw = random_.below(100);
    if (draw < 14) return put();
    if (draw < 24) return get();
    if (draw < 27) return try_again();
    if (draw < 80) return deliver();
    if (draw < 88) return sync(random_.below(cluster_->nodes.size()));
    if (draw < 92) return cluster_->pass(std::chrono::milliseconds(random_.below(60)));
    if (random_.chance(trouble_)) make_trouble();
  }

  Bytes some_key() {
    return Cluster::key(std::string(1, static_cast<char>('a' + random_.below(3))));
  }
  std::size_t some_node() { return random_.below(cluster_->nodes.size()); }

  void put() {
    const std::uint64_t number = ++last_write_;
    Written written{.number = number, .key = some_key(), .at = some_node()};
    written.run = runs_[written.at];
    written.value = "value " + std::to_string(number);
    written.is_delete = random_.chance(0.15);
    const auto context = contexts_.find(written.key);
    if (context != contexts_.end() && random_.chance(0.7)) {
      written.options.context = context->second[random_.below(context->second.size())];
    }
    written.seen = decode_context(written.key, written.options.context)->seen;
    written.is_strict = !random_.chance(0.1);
    written.options.w = written.is_strict ? 0 : 1;
    written.is_strict = written.is_strict || cluster_->bucket.w == 1;
    written.options.is_delete = written.is_delete;
    written.options.id = RequestId{.high = 1, .low = number};
    written.options.deadline = std::chrono::milliseconds(20 + random_.below(400));
    writes_[number] = written;
    const std::uint64_t client =
        cluster_->put(written.at, written.key, written.value, written.options);
    writes_[number].clients.push_back(asked(client, written.at));
  }

  /// As the SDK does: at the same coordinator, and only while it is the same run.
  void try_again() {
    if (writes_.empty()) return;
    Written& written = writes_.at(1 + random_.below(last_write_));
    if (runs_[written.at] != written.run) return;
    const std::uint64_t client =
        cluster_->put(written.at, written.key, written.value, written.options);
    written.clients.push_back(asked(client, written.at));
  }

  void get() {
    Reading reading{.key = some_key(), .begun = step_, .is_strict = !random_.chance(0.1)};
    const std::uint8_t r = reading.is_strict ? 0 : 1;
    reading.is_strict = reading.is_strict || cluster_->bucket.r == 1;
    const std::size_t at = some_node();
    const auto deadline = std::chrono::milliseconds(20 + random_.below(400));
    reading.client = asked(cluster_->get(at, reading.key, {.r = r, .deadline = deadline}), at);
    readings_.push_back(reading);
  }

  void deliver() {
    if (cluster_->queue.empty()) return;
    const std::size_t index = random_.below(cluster_->queue.size());
    const Message message = cluster_->queue[index];
    const bool is_lost = random_.chance(0.05 * trouble_);
    const bool stays = random_.chance(0.05 * trouble_);
    if (!stays) cluster_->queue.erase(cluster_->queue.begin() + static_cast<std::ptrdiff_t>(index));
    if (!is_lost) cluster_->deliver(message);
  }

  void sync(std::size_t node) { cluster_->nodes[node]->sync(); }

  void make_trouble() {
    Node& node = *cluster_->nodes[some_node()];
    const std::size_t other = some_node();
    switch (random_.below(6)) {
      case 0:
        return crash(some_node());
      case 1:
        node.cut_from.insert(other);
        return;
      case 2:
        node.cut_from.clear();
        return;
      case 3:
        node.replica_error =
            Error{.code = random_.chance(0.5) ? ErrorCode::unsure : ErrorCode::read_only};
        return;
      case 4:
        node.replica_error.reset();
        return;
      default:
        cluster_->owners[other].reach = static_cast<coordinator::Reach>(random_.below(3));
        node.coordinator().set_under_pressure(random_.chance(0.2));
        return;
    }
  }

  void crash(std::size_t crashed) {
    cluster_->nodes[crashed]->crash(ActorId{random_.next()});
    ++runs_[crashed];
    std::erase_if(cluster_->queue, [&](const Message& message) {
      return message.from == crashed || message.to == crashed;
    });
    for (auto& peer : cluster_->nodes) {
      peer->forget_answers_to(crashed);
      if (!random_.chance(0.8)) continue;  // the others may not notice before the deadline
      peer->coordinator().on_peer_lost(cluster_->id_of(crashed), cluster_->now);
    }
  }

  void note_answers() {
    for (auto& [number, written] : writes_) {
      for (const std::uint64_t client : written.clients) {
        const ClientAnswer& answer = cluster_->answer(client);
        REQUIRE(answer.times <= 1);
        if (!answer.is_ok()) continue;
        if (written.acknowledged == 0) written.acknowledged = step_;
        check_context_of_put(written, answer.context);
        remember_context(written.key, answer.context);
      }
    }
    for (Reading& reading : readings_) {
      const ClientAnswer& answer = cluster_->answer(reading.client);
      REQUIRE(answer.times <= 1);
      if (reading.is_checked || !answer.is_ok()) continue;
      reading.is_checked = true;
      remember_context(reading.key, answer.context);
      check_read(reading, answer);
    }
  }

  void remember_context(const Bytes& key, const Bytes& context) {
    std::vector<Bytes>& known = contexts_[key];
    if (known.empty() || known.back() != context) known.push_back(context);
    if (known.size() > 4) known.erase(known.begin());
  }

  [[nodiscard]] bool is_refused(const Written& written) {
    return std::ranges::all_of(written.clients, [&](std::uint64_t client) {
      const ClientAnswer& answer = cluster_->answer(client);
      return answer.error && executed(answer.error->code) == Executed::no;
    });
  }

  /// Some client that had seen `dot` wrote since.
  [[nodiscard]] bool is_overwritten(const Bytes& key, const Dot& dot, std::uint64_t by) {
    return std::ranges::any_of(writes_, [&](const auto& entry) {
      const Written& other = entry.second;
      return other.key == key && !other.dots.empty() && other.seen.covers(dot) &&
             (by == 0 || (other.is_strict && other.acknowledged != 0 && other.acknowledged < by));
    });
  }

  void check_read(const Reading& reading, const ClientAnswer& answer) {
    const Result<ClientContext> context = decode_context(reading.key, answer.context);
    REQUIRE(context.has_value());
    for (const Bytes& value : answer.values) check_is_no_invention(reading, value);
    if (!reading.is_strict) return;
    Timestamp last;
    for (const auto& [number, written] : writes_) {
      if (written.key != reading.key || !written.is_strict) continue;
      if (written.acknowledged == 0 || written.acknowledged >= reading.begun) continue;
      CAPTURE(number);
      REQUIRE(written.dots.size() == 1);
      REQUIRE(context->seen.covers(written.dots[0]));
      last = std::max(last, written.timestamp);
      if (cluster_->bucket.resolver == Resolver::lww || written.is_delete) continue;
      const bool is_there = std::ranges::count(answer.values, written.value) == 1;
      REQUIRE((is_there || is_overwritten(reading.key, written.dots[0], 0)));
    }
    if (cluster_->bucket.resolver == Resolver::lww) REQUIRE(context->greatest >= last);
  }

  /// A put tells its client of nothing but the put itself: with its context the client may replace
  /// what it had seen before and its own write, and what somebody has replaced already.
  void check_context_of_put(const Written& written, const Bytes& bytes) {
    const Result<ClientContext> context = decode_context(written.key, bytes);
    REQUIRE(context.has_value());
    if (cluster_->bucket.resolver == Resolver::lww) return;
    for (const auto& [number, other] : writes_) {
      if (other.key != written.key || other.number == written.number || other.is_delete) continue;
      for (const Dot& dot : other.dots) {
        if (!context->seen.covers(dot) || written.seen.covers(dot)) continue;
        CAPTURE(number);
        REQUIRE(is_overwritten(written.key, dot, 0));
      }
    }
  }

  void check_is_no_invention(const Reading& reading, const Bytes& value) {
    const auto found = std::ranges::find_if(
        writes_, [&](const auto& entry) { return entry.second.value == value; });
    REQUIRE(found != writes_.end());
    const Written& written = found->second;
    REQUIRE(written.key == reading.key);
    REQUIRE_FALSE(written.is_delete);
    REQUIRE(written.dots.size() == 1);
    REQUIRE_FALSE(is_refused(written));
    if (reading.is_strict) {
      REQUIRE_FALSE(is_overwritten(reading.key, written.dots[0], reading.begun));
    }
  }

  /// All links and nodes work again: every request has had its answer, a read of all owners makes
  /// them equal, and what was acknowledged is there.
  void heal() {
    for (auto& node : cluster_->nodes) {
      node->cut_from.clear();
      node->replica_error.reset();
    }
    for (auto& owner : cluster_->owners) owner.reach = coordinator::Reach::good;
    settle();
    cluster_->pass(1s);
    settle();
    for (const auto& [client, answer] : cluster_->answers) {
      if (!is_of_a_dead_run(client)) REQUIRE(answer.times == 1);
    }
    for (const auto& node : cluster_->nodes) REQUIRE(node->coordinator().operations() == 0);
    ++step_;
    const auto n = static_cast<std::uint8_t>(cluster_->nodes.size());
    for (const char name : {'a', 'b', 'c'}) {
      Reading reading{.key = Cluster::key(std::string(1, name)), .begun = step_};
      const std::size_t at = some_node();
      reading.client = asked(cluster_->get(at, reading.key, {.r = n}), at);
      settle();
      const ClientAnswer& answer = cluster_->answer(reading.client);
      INFO((answer.error ? answer.error->message : "not answered"));
      REQUIRE(answer.is_ok());
      check_read(reading, answer);
    }
    for (const auto& node : cluster_->nodes) {
      REQUIRE(node->records == cluster_->nodes[0]->records);
    }
    for (const auto& [number, written] : writes_) {
      CAPTURE(number);
      REQUIRE(written.dots.size() <= 1);  // however often it was tried
      if (is_refused(written)) REQUIRE(written.dots.empty());
    }
  }

  void settle() {
    const auto waits = [](const auto& node) { return node->waits_for_sync(); };
    do {
      cluster_->deliver_all();
      for (auto& node : cluster_->nodes) node->sync();
    } while (!cluster_->queue.empty() || std::ranges::any_of(cluster_->nodes, waits));
    note_answers();
  }

  /// Nobody is left to answer requests of a coordinator that crashed.
  [[nodiscard]] bool is_of_a_dead_run(std::uint64_t client) const {
    const auto& [node, run] = asked_.at(client);
    return runs_[node] != run;
  }

  std::uint64_t asked(std::uint64_t client, std::size_t node) {
    asked_[client] = {node, runs_[node]};
    return client;
  }

  Random random_;
  std::unique_ptr<Cluster> cluster_;
  double trouble_ = 0;
  std::uint64_t step_ = 0;
  std::uint64_t last_write_ = 0;
  std::map<std::uint64_t, Written> writes_;
  std::vector<Reading> readings_;
  std::map<Bytes, std::vector<Bytes>> contexts_;
  std::vector<std::uint64_t> runs_;
  std::map<std::uint64_t, std::pair<std::size_t, std::uint64_t>> asked_;  // of each client
};

}  // namespace

TEST_CASE("random schedules: nothing acknowledged is lost, nothing is invented or comes back") {
  const auto number = [](const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
  };
  const std::uint64_t first = number("COTERIE_SEED", 1);
  const char* scale = std::getenv("COTERIE_TEST_SCALE");
  const std::uint64_t all = scale != nullptr && std::string_view(scale) == "small" ? 200 : 2000;
  const std::uint64_t count = number("COTERIE_SEEDS", first == 1 ? all : 1);
  const std::uint64_t last = first + count - 1;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    INFO("replay with COTERIE_SEED=", seed, " unit_coordinator -tc='random schedules*'");
    Schedule(seed).run(300);
  }
}
