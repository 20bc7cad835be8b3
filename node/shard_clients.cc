#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/wire/codec.h"
#include "node/coordinator/scan_range.h"
#include "node/shard.h"
#include "storage/key.h"

namespace coterie {
namespace {

/// For an answer on its way between two shards, beyond its request's deadline.
constexpr auto answer_grace = std::chrono::milliseconds(100);

Error too_large_to_answer(std::size_t bytes) {
  return {.code = ErrorCode::too_large,
          .message = "the answer has " + std::to_string(bytes) + " bytes; a frame takes at most " +
                     std::to_string(limits::frame_bytes) +
                     "; delete the key, or put it with fewer concurrent values"};
}

Error too_many_to_answer(std::size_t siblings) {
  return {.code = ErrorCode::too_many_siblings,
          .message = "a key has " + std::to_string(siblings) +
                     " concurrent values; an answer takes at most " +
                     std::to_string(limits::siblings_a_frame)};
}

}  // namespace

Instant Shard::deadline_of(const Incoming& in) {
  const Duration asked = std::chrono::milliseconds(in.header.deadline_ms);
  const Duration left = in.header.deadline_ms == 0
                            ? Duration(limits::request_deadline_default)
                            : std::min<Duration>(asked, limits::request_deadline_most);
  return in.arrived.latest + left;
}

void Shard::on_request(const Incoming& in) {
  switch (in.header.kind) {
    case wire::Kind::get:
      on_get(in);
      break;
    case wire::Kind::put:
      on_put(in);
      break;
    case wire::Kind::scan:
      on_scan(in);
      break;
    default:
      on_ring(in);
      break;
  }
}

void Shard::on_get(const Incoming& in) {
  const ClampedClock::Hold hold(clock_);
  const auto get = wire::decode<wire::Get>(in.body);
  if (!get) return refuse(in, get.error());
  const auto& epoch = *view_->epoch;
  const auto* bucket = epoch.bucket(get->key.bucket);
  if (bucket == nullptr) return refuse(in, unknown_bucket());
  const Token token = epoch.token(bucket->id, get->key.partition_key);
  const PartitionId partition = epoch.partition(token);
  const auto sloppy = is_sloppy(*bucket, get->sloppy);
  if (!sloppy) return refuse(in, sloppy.error());
  const Asked asked{.partition = partition, .is_sloppy = *sloppy, .was_forwarded = get->forwarded};
  if (!is_ours(in, asked, *get)) return;
  const auto key = encode_key({.token = token,
                               .bucket = bucket->id,
                               .partition_key = get->key.partition_key,
                               .sort_key = get->key.sort_key});
  if (!key) return refuse(in, key.error());
  const auto client = admit(in);
  if (!client) return;
  ++counts_.gets;
  coordinator_.get({.client = *client,
                    .deadline = deadline_of(in),
                    .bucket = *bucket,
                    .placement = placement_of(asked)},
                   *key, *get, now());
}

void Shard::on_put(const Incoming& in) {
  const ClampedClock::Hold hold(clock_);
  const auto put = wire::decode<wire::Put>(in.body);
  if (!put) return refuse(in, put.error());
  const auto& epoch = *view_->epoch;
  const auto* bucket = epoch.bucket(put->key.bucket);
  if (bucket == nullptr) return refuse(in, unknown_bucket());
  if (put->value.size() > options_.value_bytes) {
    return refuse(in, {.code = ErrorCode::too_large,
                       .message = "the value has " + std::to_string(put->value.size()) +
                                  " bytes; limits.value_bytes allows " +
                                  std::to_string(options_.value_bytes)});
  }
  const Token token = epoch.token(bucket->id, put->key.partition_key);
  const PartitionId partition = epoch.partition(token);
  const auto sloppy = is_sloppy(*bucket, put->sloppy);
  if (!sloppy) return refuse(in, sloppy.error());
  const Asked asked{.partition = partition,
                    .is_sloppy = *sloppy,
                    .is_put = true,
                    .was_forwarded = put->forwarded};
  if (!is_ours(in, asked, *put)) return;
  const auto key = encode_key({.token = token,
                               .bucket = bucket->id,
                               .partition_key = put->key.partition_key,
                               .sort_key = put->key.sort_key});
  if (!key) return refuse(in, key.error());
  if (env_.store.backlog() != Backlog::none) {
    return refuse(in, {.code = ErrorCode::overloaded,
                       .message = "the disk is behind: a checkpoint must end first",
                       .retry_after_ms = 100});
  }
  const auto client = admit(in);
  if (!client) return;
  ++counts_.puts;
  coordinator_.put({.client = *client,
                    .deadline = deadline_of(in),
                    .bucket = *bucket,
                    .placement = placement_of(asked)},
                   *key, *put, now());
}

void Shard::on_scan(const Incoming& in) {
  const auto scan = wire::decode<wire::Scan>(in.body);
  if (!scan) return refuse(in, scan.error());
  const auto& epoch = *view_->epoch;
  const auto* bucket = epoch.bucket(scan->bucket);
  if (bucket == nullptr) return refuse(in, unknown_bucket());
  PartitionId partition = scan->partition;
  const Token token = epoch.token(bucket->id, scan->partition_key);
  if (!scan->partition_key.empty()) partition = epoch.partition(token);
  if (partition.value >= epoch.partitions()) {
    return refuse(
        in, {.code = ErrorCode::invalid_argument,
             .message = "there are partitions 0 to " + std::to_string(epoch.partitions() - 1)});
  }
  const auto sloppy = is_sloppy(*bucket, scan->sloppy);
  if (!sloppy) return refuse(in, sloppy.error());
  const Asked asked{.partition = partition, .is_sloppy = *sloppy, .was_forwarded = scan->forwarded};
  if (!is_ours(in, asked, *scan)) return;
  wire::Scan placed = *scan;
  placed.partition = partition;
  const auto range = coordinator::scan_range(placed, token, epoch.partitions());
  if (!range) return refuse(in, range.error());
  const auto client = admit(in);
  if (!client) return;
  ++counts_.scans;
  coordinator_.scan({.client = *client,
                     .deadline = deadline_of(in),
                     .bucket = *bucket,
                     .placement = placement_of(asked)},
                    *range, placed, now());
}

void Shard::on_ring(const Incoming& in) {
  const auto request = wire::decode<wire::RingRequest>(in.body);
  if (!request) return refuse(in, request.error());
  const auto& epoch = *view_->epoch;
  wire::RingReply reply{.number = epoch.number(), .self = options_.node};
  if (request->have != epoch.number()) reply.epoch = epoch_bytes_;
  std::vector<std::string> texts;
  texts.reserve(2 * view_->peers.size());
  for (const auto& peer : view_->peers) {
    if (epoch.member(peer.node) == nullptr) continue;
    const bool is_known = peer.meta.shards > 0;
    texts.push_back(is_known ? peer.meta.client.text() : std::string());
    texts.push_back(is_known ? peer.meta.peer.text() : std::string());
    reply.members.push_back({.node = peer.node,
                             .liveness = peer.liveness,
                             .shards = peer.meta.shards,
                             .client_address = texts[texts.size() - 2],
                             .peer_address = texts.back()});
  }
  send_to(in.from, wire::encode(reply, {.request_id = in.header.request_id}));
}

Result<bool> Shard::is_sloppy(const Bucket& bucket, wire::Sloppy asked) {
  if (asked == wire::Sloppy::yes && !bucket.sloppy) {
    return coterie::fail(
        ErrorCode::invalid_argument,
        "the bucket is strict: only its owners take its writes and answer its reads");
  }
  return bucket.sloppy && asked != wire::Sloppy::no;
}

Error Shard::unknown_bucket() {
  return {.code = ErrorCode::unknown_bucket,
          .message =
              "there is no such bucket; buckets are stated in the configuration that the "
              "cluster was made with"};
}

/// It is admitted here, where its connection is known, and then there.
void Shard::pass_to(ShardIndex shard, const Incoming& in) {
  const auto client = admit(in);
  if (!client) return;
  ++counts_.passed_between_shards;
  const bool passed = env_.mesh.pass_on(shard, {.from = options_.shard,
                                                .client = *client,
                                                .arrived = in.arrived,
                                                .header = in.header,
                                                .body = Bytes(in.body)});
  if (!passed) {
    return fail(*client, {.code = ErrorCode::overloaded,
                          .message = "the shard that owns the key has a full queue",
                          .retry_after_ms = 10});
  }
  const Duration left = deadline_of(in) - env_.clock.now() + answer_grace;
  clients_.find(client->value)->patience =
      env_.timers.start(left, [this, client, is_put = in.header.kind == wire::Kind::put] {
        fail(*client, {.code = is_put ? ErrorCode::unknown_outcome : ErrorCode::unavailable,
                       .message = "the shard that owns the key did not answer in time"});
      });
}

std::optional<Shard::ClientHandle> Shard::admit(const Incoming& in) {
  const Instant now = env_.clock.now();
  if (deadline_of(in) <= now) {
    ++counts_.expired;
    refuse(in, {.code = ErrorCode::expired,
                .message = "the deadline passed before the request was begun"});
    return std::nullopt;
  }
  coordinator::Admission::Connection elsewhere;  // bounded where it came in
  const auto found = connections_.find(in.from.connection);
  const bool is_here = found != connections_.end();
  auto& load = is_here ? found->second.load : elsewhere;
  const std::size_t bytes = wire::header_bytes + in.body.size();
  if (auto started = admission_.start(load, bytes, in.arrived, now); !started) {
    refuse(in, started.error());
    return std::nullopt;
  }
  coordinator_.set_under_pressure(admission_.is_under_pressure());
  const auto id = clients_.take(limits::in_flight_requests_a_shard);
  if (!id) {
    admission_.finish(load, bytes);
    refuse(in, {.code = ErrorCode::overloaded,
                .message = "too many requests in progress",
                .retry_after_ms = 10});
    return std::nullopt;
  }
  *clients_.find(*id) = {.from = in.from,
                         .request_id = in.header.request_id,
                         .kind = in.header.kind,
                         .bytes = bytes,
                         .arrived = in.arrived.latest,
                         .patience = {}};
  return ClientHandle{*id};
}

void Shard::answer(ClientHandle handle, Bytes frame) {
  const auto* found = clients_.find(handle.value);
  if (found == nullptr) return;
  const Client client = *found;
  clients_.release(handle.value);
  if (client.patience.value != 0) env_.timers.cancel(client.patience);
  const auto connection = connections_.find(client.from.connection);
  coordinator::Admission::Connection elsewhere{.requests = 1, .bytes = client.bytes};
  const bool is_here = connection != connections_.end();
  admission_.finish(is_here ? connection->second.load : elsewhere, client.bytes);
  const Duration took = env_.clock.now() - client.arrived;
  const bool is_asked_here = client.from.shard == options_.shard;
  if (is_asked_here && client.kind == wire::Kind::get) counts_.get_latency.add(took);
  if (is_asked_here && client.kind == wire::Kind::put) counts_.put_latency.add(took);
  wire::set_request_id(client.request_id, frame.data());
  send_to(client.from, std::move(frame));
}

void Shard::refuse(const Incoming& in, const Error& error) {
  ++counts_.failed;
  send_to(in.from, wire::encode(wire::ErrorReply{.code = error.code,
                                                 .retry_after_ms = error.retry_after_ms,
                                                 .message = error.message},
                                {.request_id = in.header.request_id}));
}

void Shard::send_to(const Origin& origin, Bytes frame) {
  if (origin.shard != options_.shard) {
    env_.mesh.answer(origin.shard, origin.client, std::move(frame));
  } else {
    send_here(origin.connection, std::move(frame));
  }
}

void Shard::send_here(ConnectionId connection, Bytes frame) {
  // A client that has gone needs no answer.
  if (transport_->send(connection, std::move(frame)) || !connections_.contains(connection)) return;
  transport_->close(connection);
  connections_.erase(connection);
}

void Shard::on_passed(const PassedFrame& frame) {
  on_request({.from = {.shard = frame.from, .client = frame.client},
              .header = frame.header,
              .body = frame.body,
              .arrived = frame.arrived});
  settle();
}

void Shard::on_passed_answer(ClientHandle client, Bytes frame) {
  answer(client, std::move(frame));
}

template <class Reply>
void Shard::answer_with(ClientHandle client, const Reply& reply) {
  Bytes frame = wire::encode(reply, {});
  if (frame.size() > limits::frame_bytes) return fail(client, too_large_to_answer(frame.size()));
  answer(client, std::move(frame));
}

void Shard::reply(ClientHandle client, const wire::PutReply& reply) {
  answer_with(client, reply);
}
void Shard::reply(ClientHandle client, const wire::GetReply& reply) {
  if (reply.siblings.size() > limits::siblings_a_frame) {
    return fail(client, too_many_to_answer(reply.siblings.size()));
  }
  answer_with(client, reply);
}
void Shard::reply(ClientHandle client, const wire::ScanReply& reply) {
  for (const auto& entry : reply.entries) {
    if (entry.siblings.size() <= limits::siblings_a_frame) continue;
    return fail(client, too_many_to_answer(entry.siblings.size()));
  }
  answer_with(client, reply);
}

void Shard::fail(ClientHandle client, const Error& error) {
  ++counts_.failed;
  answer_with(client, wire::ErrorReply{.code = error.code,
                                       .retry_after_ms = error.retry_after_ms,
                                       .message = error.message});
}

}  // namespace coterie
