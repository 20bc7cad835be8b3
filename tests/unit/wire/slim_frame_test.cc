#include "base/wire/slim_frame.h"

#include <doctest/doctest.h>

#include "base/random.h"

namespace coterie::wire {
namespace {

/// Empty as often as not: what is not there leaves no field.
Bytes some(Random& random, std::size_t most) {
  if (random.chance(0.5)) return {};
  return Bytes(random.below(most) + 1, 'x');
}

std::uint64_t number(Random& random) {
  if (random.chance(0.3)) return 0;
  const auto bits = random.below(64);
  return random.next() >> bits;
}

Put draw_put(Random& random, BytesView partition_key, BytesView sort_key, BytesView context,
             BytesView value) {
  Put put{.id = {.high = 1, .low = 2},
          .key = {.partition_key = partition_key, .sort_key = sort_key},
          .context = context,
          .value = value};
  put.key.bucket.value = static_cast<std::uint32_t>(number(random));
  put.id.high = number(random);
  put.time_to_live_ms = number(random);
  put.is_delete = random.chance(0.5);
  put.forwarded = random.chance(0.5);
  put.want_evidence = random.chance(0.5);
  put.w.count = static_cast<std::uint8_t>(random.below(4));
  put.durability = static_cast<Durability>(random.below(3));
  put.sloppy = static_cast<Sloppy>(random.below(3));
  return put;
}

Bytes built(const Put& message, const Envelope& envelope) {
  FrameBuilder frame(message.value);
  const auto partition_key = frame.required(message.key.partition_key);
  const auto sort_key = frame.bytes(message.key.sort_key);
  const auto context = frame.bytes(message.context);
  const auto id = to_fb(message.id);
  return frame.finish(Kind::put, envelope,
                      fb::CreatePut(*frame, &id, message.key.bucket.value, partition_key, sort_key,
                                    context, frame.bulk(), message.is_delete, message.w.count,
                                    static_cast<std::uint8_t>(message.durability),
                                    message.time_to_live_ms, message.want_evidence,
                                    message.forwarded, static_cast<std::uint8_t>(message.sloppy)));
}

Bytes built(const GetReply& message, const Envelope& envelope) {
  FrameBuilder frame(message.siblings.front().value);
  const auto& only = message.siblings.front();
  const std::vector tables{
      fb::CreateSibling(*frame, frame.bulk(), only.timestamp.value, only.expires_ms)};
  const auto siblings = (*frame).CreateVector(tables);
  const auto context = frame.bytes(message.context);
  return frame.finish(
      Kind::get_reply, envelope,
      fb::CreateGetReply(*frame, context, siblings, message.weak, 0, message.stand_ins));
}

Bytes built(const ReplicaWrite& message, const Envelope& envelope) {
  FrameBuilder frame(message.record);
  const auto key = frame.required(message.key);
  const auto scope = to_fb(message.scope);
  const auto intended = to_fb(message.intended);
  return frame.finish(
      Kind::replica_write, envelope,
      fb::CreateReplicaWrite(*frame, &scope, key, frame.bulk(),
                             static_cast<std::uint8_t>(message.durability), message.is_repair,
                             message.intended.is_zero() ? nullptr : &intended, message.owners));
}

}  // namespace

TEST_CASE("a slim frame has the bytes that FlatBuffers' own builder makes") {
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    CAPTURE(i);
    const Envelope envelope{.request_id = random.next(), .deadline_ms = 5};
    const Bytes key = "p" + some(random, 400);
    const Bytes other = some(random, 200);
    const Bytes context = some(random, 100);
    const Bytes value = some(random, 300);
    const Put put = draw_put(random, key, other, context, value);
    REQUIRE(encode(put, envelope) == built(put, envelope));

    GetReply reply{.context = context, .siblings = {{.value = value}}};
    reply.siblings.front().timestamp.value = number(random);
    reply.siblings.front().expires_ms = number(random);
    reply.weak = random.chance(0.5);
    reply.stand_ins = static_cast<std::uint16_t>(random.below(3));
    REQUIRE(encode(reply, envelope) == built(reply, envelope));

    ReplicaWrite write{.key = key, .record = value, .is_repair = random.chance(0.5)};
    write.scope.configuration.value = number(random);
    write.intended.low = number(random);
    write.owners = static_cast<std::uint8_t>(random.below(3));
    REQUIRE(encode(write, envelope) == built(write, envelope));
  }
}

TEST_CASE("a frame whose keys or context have no room in a slim one is built all the same") {
  const Bytes context(5000, 'c');
  const Put put{.key = {.partition_key = "p"}, .context = context, .value = "v"};
  CHECK(encode(put, {}) == built(put, {}));
}

}  // namespace coterie::wire
