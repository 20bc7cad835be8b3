// Hello, errors and go-away: what both doors speak.

#include <string>

#include "base/wire/codec.h"
#include "base/wire/fields.h"
#include "base/wire/frame_builder.h"

namespace coterie::wire {

namespace {

bool check_versions(const Hello& hello, Fields& fields) {
  if (!fields.require(0 < hello.version_oldest && hello.version_oldest <= hello.version,
                      "its protocol versions are not a range")) {
    return false;
  }
  if (hello.version_oldest <= protocol_version && protocol_version_oldest <= hello.version) {
    return true;
  }
  const auto range = [](unsigned oldest, unsigned newest) {
    return std::to_string(oldest) + " to " + std::to_string(newest);
  };
  return fields.require(false,
                        "the other side speaks protocol versions " +
                            range(hello.version_oldest, hello.version) + ", this build " +
                            range(protocol_version_oldest, protocol_version) +
                            "; upgrade one version at a time",
                        ErrorCode::unsupported_version);
}

Hello read_hello(const fb::Hello& table, Fields& fields) {
  Hello hello{.version = table.version(), .version_oldest = table.version_oldest()};
  // Only versions that share a protocol agree on what the rest means.
  if (!check_versions(hello, fields)) return hello;
  hello.role = static_cast<Role>(table.role());
  fields.require(hello.role >= Role::client && hello.role <= Role::control,
                 "the role is not known");
  hello.cluster = to_id<ClusterId>(table.cluster());
  hello.node = to_id<NodeId>(table.node());
  hello.run = RunId{table.run()};
  hello.shard = ShardIndex{table.shard()};
  fields.require(hello.shard.value < limits::shards_most, "the shard is beyond any node's");
  hello.shards = table.shards();
  fields.require(hello.shards <= limits::shards_most, "more shards than a node may have");
  hello.features = table.features();
  hello.authentication = table.authentication();
  fields.require(hello.authentication == 0, "the method of authentication is not known",
                 ErrorCode::unsupported_version);
  hello.build = fields.bytes(table.build(), limits::build_bytes, "the build's name");
  return hello;
}

ErrorReply read_error(const fb::ErrorReply& table, Fields& fields) {
  fields.require(table.code() != 0, "the error code is missing");
  // A code of a later version: nothing may be concluded from it, as from `internal`.
  const bool is_known = table.code() <= static_cast<std::uint8_t>(ErrorCode::hints_full);
  return {.code = is_known ? static_cast<ErrorCode>(table.code()) : ErrorCode::internal,
          .retry_after_ms = table.retry_after_ms(),
          .message = fields.bytes(table.message(), limits::error_message_bytes, "the words"),
          .generation = table.generation(),
          .epoch = {.lineage = table.epoch_lineage(), .number = table.epoch_number()}};
}

GoAway read_go_away(const fb::GoAway& table, Fields& /*nothing to check*/) {
  return {.retry_after_ms = table.retry_after_ms()};
}

}  // namespace

Bytes encode(const Hello& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto build = frame.bytes(message.build);
  const auto cluster = to_fb(message.cluster);
  const auto node = to_fb(message.node);
  return frame.finish(Kind::hello, envelope,
                      fb::CreateHello(*frame, message.version, message.version_oldest,
                                      static_cast<std::uint8_t>(message.role), &cluster, &node,
                                      message.run.value, message.shard.value, message.shards,
                                      message.features, message.authentication, build));
}

Bytes encode(const ErrorReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto words = frame.bytes(message.message.substr(0, limits::error_message_bytes));
  return frame.finish(
      Kind::error, envelope,
      fb::CreateErrorReply(*frame, static_cast<std::uint8_t>(message.code), message.retry_after_ms,
                           words, message.generation, message.epoch.lineage, message.epoch.number));
}

Bytes encode(const GoAway& message, const Envelope& envelope) {
  FrameBuilder frame;
  return frame.finish(Kind::go_away, envelope, fb::CreateGoAway(*frame, message.retry_after_ms));
}

template <>
Result<Hello> decode(BytesView body) {
  return decode_as(body, "hello", read_hello);
}

template <>
Result<ErrorReply> decode(BytesView body) {
  return decode_as(body, "error", read_error);
}

template <>
Result<GoAway> decode(BytesView body) {
  return decode_as(body, "go_away", read_go_away);
}

}  // namespace coterie::wire
