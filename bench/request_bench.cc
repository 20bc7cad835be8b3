/// What a put and a get cost in Coterie's own code, from the SDK's call to its callback: the SDK,
/// the wire codec both ways, the shards of three nodes (N=3, W=R=2), their coordinators, copies and
/// gates. No socket, no log: frames are bytes that are passed on within the process, the store is
/// MemoryStore, which is counted apart. Prints allocations a request, by where they were made.
/// bench/instructions has callgrind count instructions in the same way.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "base/env/uv_loop.h"
#include "base/log.h"
#include "base/random.h"
#include "bench/wire_between.h"
#include "client/core.h"
#include "node/shard.h"
#include "ring/birth.h"
#include "storage/memory_store.h"

namespace {

/// Whose code runs.
enum class Part : std::uint8_t { rest, client, shard, store };
constexpr std::array<const char*, 4> part_names{"rest", "client", "shards", "store"};

Part running = Part::rest;
std::array<std::uint64_t, 4> allocations{};

/// For as long as it lives, `part` runs.
class Running {
 public:
  explicit Running(Part part) : before_(running) { running = part; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { running = before_; }

 private:
  Part before_;
};

}  // namespace

void* operator new(std::size_t size) {
  ++allocations[static_cast<std::size_t>(running)];
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace coterie::bench {
namespace {

constexpr std::size_t nodes = 3;
constexpr std::size_t keys = 10'000;
constexpr std::size_t in_progress = 16;
constexpr std::size_t turns_a_timer = 64;  // deliveries before timers are looked at
constexpr std::uint16_t client_port = 7100;
constexpr std::uint16_t peer_port = 7200;

NodeId node_id(std::uint64_t number) {
  return {.high = 7, .low = number};
}

std::shared_ptr<const Epoch> make_epoch() {
  BirthInput input{
      .cluster = {.high = 1, .low = 2}, .hash_seed = 3, .partitions = 1024, .replicas = 3};
  for (std::uint64_t i = 1; i <= nodes; ++i) {
    input.members.push_back({.id = node_id(i), .address = "127.0.0.1:" + std::to_string(7300 + i)});
  }
  input.buckets = {
      {.id = BucketId{1}, .name = "bench", .r = 2, .w = 2, .durability = Durability::interval}};
  return std::make_shared<const Epoch>(*first_epoch(std::move(input)));
}

std::shared_ptr<const RingView> make_view(std::shared_ptr<const Epoch> epoch) {
  auto view = std::make_shared<RingView>();
  view->epoch = std::move(epoch);
  for (std::uint64_t i = 1; i <= nodes; ++i) {
    PeerView peer{.node = node_id(i), .liveness = wire::Liveness::alive};
    const auto number = static_cast<std::uint16_t>(i);
    peer.meta.client = {.host = "127.0.0.1",
                        .port = static_cast<std::uint16_t>(client_port + number)};
    peer.meta.peer = {.host = "127.0.0.1", .port = static_cast<std::uint16_t>(peer_port + number)};
    peer.meta.shards = 1;
    view->peers.push_back(peer);
  }
  return view;
}

/// MemoryStore, counted as a part of its own.
class CountedStore final : public Store {
 public:
  Result<Stored> read(Space space, BytesView key) const override {
    const Running part(Part::store);
    return store_.read(space, key);
  }
  Result<LogPosition> append(std::span<Write> writes) override {
    const Running part(Part::store);
    return store_.append(writes);
  }
  LogPosition last() const override { return store_.last(); }
  LogPosition written() const override { return store_.written(); }
  LogPosition synced() const override { return store_.synced(); }
  void request_sync() override { store_.request_sync(); }
  void set_progress_handler(std::function<void()> handler) override {
    store_.set_progress_handler(std::move(handler));
  }
  Result<void> scan(Space space, BytesView from, BytesView to,
                    const Visitor& visit) const override {
    return store_.scan(space, from, to, visit);
  }
  const PartitionTree* tree(PartitionId partition) const override { return store_.tree(partition); }
  bool mend_leaf(PartitionId partition, unsigned depth, std::size_t leaf,
                 const TreeCell& cell) override {
    return store_.mend_leaf(partition, depth, leaf, cell);
  }
  StoreStatus status() const override { return store_.status(); }
  Backlog backlog() const override { return store_.backlog(); }
  Result<LogPosition> clear_damage(PartitionId partition) override {
    return store_.clear_damage(partition);
  }
  void close(std::move_only_function<void()> done) override { store_.close(std::move(done)); }

  /// What was appended is written.
  void write() { store_.write(); }

 private:
  MemoryStore store_{1024, MemoryStore::Durability::by_hand};
};

/// Counts what a handler does as a part of its own.
class CountedHandler final : public TransportHandler {
 public:
  CountedHandler(TransportHandler& handler, Part part) : handler_(handler), part_(part) {}
  void on_open(ConnectionId connection, const wire::Hello& theirs) override {
    const Running part(part_);
    handler_.on_open(connection, theirs);
  }
  void on_frame(ConnectionId connection, const wire::FrameHeader& header, BytesView body) override {
    const Running part(part_);
    handler_.on_frame(connection, header, body);
  }
  void on_closed(ConnectionId connection, const Error& why) override {
    handler_.on_closed(connection, why);
  }

 private:
  TransportHandler& handler_;
  Part part_;
};

class NoMesh final : public Mesh {
 public:
  bool pass_on(ShardIndex, PassedFrame) override { return false; }
  void answer(ShardIndex, coordinator::ClientHandle, Bytes) override {}
  void seek_epoch(NodeId) override {}
};

struct Peer {
  Peer(UvLoop& loop, Wires& wires, std::uint64_t number, std::shared_ptr<const RingView> view)
      : shard({.clock = loop.clock(),
               .timers = loop.timers(),
               .turns = loop.turns(),
               .store = store,
               .mesh = mesh,
               .log = log},
              {.node = node_id(number),
               .run = RunId{number},
               .purge = {.is_enabled = false},
               .anti_entropy = {.enabled = false},
               .scrub = {.interval = Duration::zero()}},
              Random(number), std::move(view)),
        handler(shard, Part::shard),
        transport(wires, handler, [this] { return shard.hello(ShardIndex{0}); }) {
    wires.listen(static_cast<std::uint16_t>(client_port + number), transport);
    wires.listen(static_cast<std::uint16_t>(peer_port + number), transport);
    shard.attach(transport);
  }

  CountedStore store;
  NoMesh mesh;
  NoLog log;
  Shard shard;
  CountedHandler handler;
  WireTransport transport;
};

class Bench {
 public:
  Bench() {
    const auto view = make_view(make_epoch());
    for (std::uint64_t i = 1; i <= nodes; ++i) {
      peers_.push_back(std::make_unique<Peer>(loop_, wires_, i, view));
    }
    core_.attach(transport_);
  }
  ~Bench() { core_.close(); }

  bool run(bool are_puts, std::size_t count) {
    are_puts_ = are_puts;
    left_ = count;
    answered_ = failed_ = 0;
    for (std::size_t i = 0; i < in_progress; ++i) begin_next();
    while (answered_ < count) turn();
    return failed_ == 0;
  }

 private:
  void begin_next() {
    if (left_ == 0) return;
    --left_;
    const Running part(Part::rest);
    const std::size_t place = next_++ * 7919 % keys;
    client::Key key{.bucket = "bench", .partition_key = "user" + std::to_string(1'000'000 + place)};
    if (are_puts_) {
      auto write = client::Write::put(std::move(key), Bytes(100, 'v'), contexts_[place]);
      const Running calls(Part::client);
      core_.write(std::move(write), {}, [this, place](Result<client::PutResult> result) {
        const Running done(Part::rest);
        if (result) contexts_[place] = std::move(result->context);
        on_answer(result.has_value());
      });
    } else {
      const Running calls(Part::client);
      core_.get(std::move(key), {}, [this](Result<client::GetResult> result) {
        const Running done(Part::rest);
        on_answer(result && result->value() != nullptr);
      });
    }
  }

  void on_answer(bool is_good) {
    ++answered_;
    if (!is_good) ++failed_;
    begin_next();
  }

  void turn() {
    {
      const Running part(Part::shard);
      for (const auto& peer : peers_) peer->store.write();
    }
    const bool is_idle = !wires_.deliver();
    if (!is_idle && ++turns_ % turns_a_timer != 0) return;
    const Running part(Part::shard);
    loop_.turn(Duration::zero());
  }

  UvLoop loop_;
  Wires wires_;
  std::vector<std::unique_ptr<Peer>> peers_;
  client::ClientCore core_{{.clock = loop_.clock(), .timers = loop_.timers()},
                           {.ring_refresh = std::chrono::hours(1)},
                           {{.host = "127.0.0.1", .port = client_port + 1}},
                           Random(5)};
  CountedHandler handler_{core_, Part::client};
  WireTransport transport_{wires_, handler_, [] { return wire::Hello{}; }};
  std::vector<client::Context> contexts_{keys};
  bool are_puts_ = false;
  std::size_t left_ = 0;
  std::size_t next_ = 0;
  std::size_t answered_ = 0;
  std::size_t failed_ = 0;
  std::size_t turns_ = 0;
};

/// Named in bench/instructions.
[[gnu::noinline]] bool measured(Bench& bench, bool are_puts, std::size_t count) {
  return bench.run(are_puts, count);
}

}  // namespace

bool run(bool are_puts, std::size_t count) {
  Bench bench;
  if (!bench.run(true, 2 * keys)) return false;  // every key is written, twice
  allocations.fill(0);
  if (!measured(bench, are_puts, count)) return false;
  std::printf("%s: allocations a request:", are_puts ? "put" : "get");
  const auto counted = allocations;
  for (std::size_t part = 0; part < counted.size(); ++part) {
    std::printf(" %s %.2f", part_names[part],
                static_cast<double>(counted[part]) / static_cast<double>(count));
  }
  std::printf("\n");
  return true;
}

}  // namespace coterie::bench

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const std::size_t count = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0;
  if ((what != "put" && what != "get") || count == 0) {
    std::fprintf(stderr, "usage: request_bench put|get COUNT\n");
    return 2;
  }
  if (coterie::bench::run(what == "put", count)) return 0;
  std::fprintf(stderr, "requests failed\n");
  return 1;
}
