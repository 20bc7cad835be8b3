#include "tests/unit/client/fake_cluster.h"

#include <algorithm>

#include "ring/birth.h"
#include "ring/epoch_codec.h"

namespace coterie::client_tests {
namespace {

std::shared_ptr<const Epoch> make_epoch(std::uint64_t cluster) {
  BirthInput input{.cluster = {.high = cluster, .low = 1},
                   .hash_seed = 7,
                   .partitions = 64,
                   .replicas = 2,
                   .members = {},
                   .buckets = {{.id = {}, .name = "words", .r = 2, .w = 2}}};
  for (std::size_t i = 0; i < FakeCluster::nodes; ++i) {
    input.members.push_back({.id = {.high = 5, .low = i + 1}, .address = "10.0.0.1:1"});
  }
  return std::make_shared<const Epoch>(*first_epoch(std::move(input)));
}

std::vector<Address> parse(const std::vector<std::string>& texts) {
  std::vector<Address> out;
  for (const auto& text : texts) out.push_back(*Address::parse(text));
  return out;
}

}  // namespace

FakeCluster::FakeCluster(FakeTime& time) : epoch(make_epoch(1)), time_(time) {
  answer = [](const Request& request) {
    return request.header.kind == wire::Kind::put
               ? Answer::of(wire::PutReply{.context = "c", .siblings = 1})
               : Answer::of(wire::GetReply{});
  };
}

std::string FakeCluster::address(std::size_t node) {
  return "10.0.0." + std::to_string(node + 1) + ":7400";
}

ConnectionId FakeCluster::dial(const Address& to, const wire::Hello& ours) {
  const ConnectionId id{++last_};
  dials.emplace_back(to, ours);
  std::optional<std::size_t> node;
  for (std::size_t i = 0; i < nodes; ++i) {
    if (to.text() == address(i) && is_up[i]) node = i;
  }
  connections_[id] = {.node = node.value_or(0), .shard = ours.shard, .waiting = {}};
  (void)time_.start(latency, [this, id, node] {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    if (!node || !is_up[*node]) {
      connections_.erase(found);
      handler_->on_closed(id, {.code = ErrorCode::io, .message = "connection refused"});
      return;
    }
    if (is_deaf[*node]) return;
    found->second.is_open = true;
    const auto& theirs = *node == 0 && other_cluster ? other_cluster : epoch;
    handler_->on_open(id, {.role = wire::Role::client,
                           .cluster = theirs->cluster(),
                           .node = this->id(*node),
                           .run = runs[*node],
                           .shards = 2});
    if (!connections_.contains(id)) return;
    for (auto& frame : std::exchange(connections_[id].waiting, {})) arrive(id, std::move(frame));
  });
  return id;
}

bool FakeCluster::send(ConnectionId connection, Bytes frame) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return false;
  if (found->second.is_open) {
    arrive(connection, std::move(frame));
  } else {
    found->second.waiting.push_back(std::move(frame));
  }
  return true;
}

void FakeCluster::arrive(ConnectionId id, Bytes frame) {
  (void)time_.start(latency, [this, id, frame = std::move(frame)] {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    const Connection& connection = found->second;
    const auto header = *wire::decode_header(frame);
    Request request{.node = connection.node,
                    .shard = connection.shard,
                    .header = header,
                    .body = frame.substr(wire::header_bytes)};
    if (header.kind == wire::Kind::ring) {
      ++ring_requests;
      if (is_deaf[connection.node]) return;
      const auto ring = *wire::decode<wire::RingRequest>(request.body);
      return deliver(id, ring_reply(ring, connection.node), header.request_id);
    }
    requests.push_back(request);
    Answer what = answer(request);
    if (what.kind == Answer::Kind::silence) return;
    if (what.kind == Answer::Kind::reply) {
      return deliver(id, std::move(what.frame), header.request_id);
    }
    connections_.erase(id);
    handler_->on_closed(id, {.code = ErrorCode::closed, .message = "lost it"});
  });
}

void FakeCluster::deliver(ConnectionId id, Bytes frame, std::uint64_t request_id) {
  (void)time_.start(latency, [this, id, frame = std::move(frame), request_id] {
    if (!connections_.contains(id)) return;
    auto header = *wire::decode_header(frame);
    header.request_id = request_id;
    handler_->on_frame(id, header, Bytes(frame.substr(wire::header_bytes)));
  });
}

Bytes FakeCluster::ring_reply(const wire::RingRequest& request, std::size_t node) const {
  const auto& known = node == 0 && other_cluster ? other_cluster : epoch;
  Bytes bytes = encode_epoch(*known);
  wire::RingReply reply{.number = known->number(), .self = id(node)};
  if (request.have != known->number()) reply.epoch = bytes;
  std::vector<std::string> addresses;
  for (std::size_t i = 0; i < nodes; ++i) addresses.push_back(address(i));
  for (std::size_t i = 0; i < nodes; ++i) {
    reply.members.push_back({.node = id(i),
                             .liveness = liveness[i],
                             .shards = 2,
                             .client_address = addresses[i],
                             .peer_address = {}});
  }
  return wire::encode(reply, {});
}

void FakeCluster::cut(std::size_t node) {
  std::vector<ConnectionId> lost;
  for (const auto& [id, connection] : connections_) {
    if (connection.node == node) lost.push_back(id);
  }
  for (const auto id : lost) {
    if (connections_.erase(id) == 0) continue;
    handler_->on_closed(id, {.code = ErrorCode::closed, .message = "lost it"});
  }
}

void FakeCluster::say(std::size_t node, const Bytes& frame) {
  std::vector<ConnectionId> open;
  for (const auto& [id, connection] : connections_) {
    if (connection.node == node && connection.is_open) open.push_back(id);
  }
  const auto header = *wire::decode_header(frame);
  for (const auto id : open) handler_->on_frame(id, header, frame.substr(wire::header_bytes));
}

Bench::Bench(client::Options options, std::vector<std::string> seeds)
    : cluster(time),
      core({.clock = time, .timers = time}, std::move(options),
           parse(seeds.empty() ? std::vector{FakeCluster::address(0)} : seeds), Random(3)) {
  cluster.attach(core);
  core.attach(cluster);
}

Result<client::GetResult> Bench::get(const std::string& key, const client::GetOptions& options) {
  std::optional<Result<client::GetResult>> out;
  core.get(key_of(key), options, [&out](auto result) { out = std::move(result); });
  if (!time.run_until([&out] { return out.has_value(); })) {
    return fail(ErrorCode::internal, "no callback");
  }
  return std::move(*out);
}

Result<client::PutResult> Bench::put(const std::string& key, const Bytes& value,
                                     const client::PutOptions& options) {
  std::optional<Result<client::PutResult>> out;
  core.write(client::Write::put_blind(key_of(key), value), options,
             [&out](auto result) { out = std::move(result); });
  if (!time.run_until([&out] { return out.has_value(); })) {
    return fail(ErrorCode::internal, "no callback");
  }
  return std::move(*out);
}

Result<client::ScanPage> Bench::scan(const client::Range& range, const client::Cursor& cursor) {
  std::optional<Result<client::ScanPage>> out;
  core.scan(range, cursor, {}, [&out](auto result) { out = std::move(result); });
  if (!time.run_until([&out] { return out.has_value(); })) {
    return fail(ErrorCode::internal, "no callback");
  }
  return std::move(*out);
}

Result<std::shared_ptr<const Epoch>> Bench::ready() {
  std::optional<Result<std::shared_ptr<const Epoch>>> out;
  core.when_ready([&out](auto result) { out = std::move(result); });
  if (!time.run_until([&out] { return out.has_value(); })) {
    return fail(ErrorCode::internal, "no callback");
  }
  return std::move(*out);
}

std::vector<std::size_t> Bench::owners(const std::string& key) const {
  const auto& epoch = *cluster.epoch;
  const auto partition = epoch.partition(epoch.token(epoch.bucket("words")->id, key));
  std::vector<std::size_t> out;
  for (const auto owner : epoch.owners(partition)) out.push_back(cluster.node_of(owner));
  return out;
}

client::Key key_of(const std::string& key) {
  return {.bucket = "words", .partition_key = key};
}

}  // namespace coterie::client_tests
