#include "tests/unit/client/loopback_server.h"

#include <utility>

#include "base/check.h"
#include "base/wire/codec.h"
#include "ring/birth.h"
#include "ring/epoch_codec.h"

namespace coterie::client_tests {
namespace {

constexpr NodeId self{.high = 1, .low = 2};

}  // namespace

LoopbackServer::LoopbackServer() : transport_(loop_, *this) {
  BirthInput input{.cluster = {.high = 3, .low = 4},
                   .hash_seed = 5,
                   .partitions = 16,
                   .replicas = 1,
                   .members = {{.id = self, .address = "127.0.0.1:1"}},
                   .buckets = {{.id = {}, .name = "default", .r = 1, .w = 1}}};
  epoch_ = std::make_shared<const Epoch>(*first_epoch(std::move(input)));
  auto listener =
      UvListener::listen(loop_, {.host = "127.0.0.1", .port = 0}, [this](GreetedSocket socket) {
        const wire::Hello ours{.role = wire::Role::client,
                               .cluster = epoch_->cluster(),
                               .node = self,
                               .run = RunId{1},
                               .shards = 1};
        (void)transport_.adopt(std::move(socket), ours);
      });
  check(listener.has_value(), "a loopback port is free");
  listener_ = std::move(*listener);
  thread_ = std::thread([this] { loop_.run(); });
}

LoopbackServer::~LoopbackServer() {
  loop_.stop();
  thread_.join();
}

void LoopbackServer::on_frame(ConnectionId connection, const wire::FrameHeader& header,
                              BytesView body) {
  if (is_silent_ && header.kind != wire::Kind::ring) return;
  (void)transport_.send(connection, answer(header, body));
}

Bytes LoopbackServer::answer(const wire::FrameHeader& header, BytesView body) {
  const wire::Envelope envelope{.request_id = header.request_id};
  if (header.kind == wire::Kind::ring) {
    const std::string address = seed();
    const Bytes epoch = encode_epoch(*epoch_);
    return wire::encode(wire::RingReply{.number = epoch_->number(),
                                        .epoch = epoch,
                                        .self = self,
                                        .members = {{.node = self,
                                                     .liveness = wire::Liveness::alive,
                                                     .shards = 1,
                                                     .client_address = address,
                                                     .peer_address = {}}}},
                        envelope);
  }
  if (header.kind == wire::Kind::put) {
    const auto put = *wire::decode<wire::Put>(body);
    auto& values = values_[Bytes(put.key.partition_key)];
    if (!put.context.empty()) values.clear();
    if (!put.is_delete) values.emplace_back(put.value);
    return wire::encode(
        wire::PutReply{.context = "c", .siblings = static_cast<std::uint16_t>(values.size())},
        envelope);
  }
  const auto get = *wire::decode<wire::Get>(body);
  wire::GetReply reply;
  for (const auto& value : values_[Bytes(get.key.partition_key)]) {
    reply.context = "c";
    reply.siblings.push_back({.value = value});
  }
  return wire::encode(reply, envelope);
}

}  // namespace coterie::client_tests
