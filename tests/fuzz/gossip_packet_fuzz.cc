#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "base/random.h"
#include "gossip/gossip.h"
#include "gossip/packet.h"

using namespace coterie;
using namespace coterie::gossip;

namespace {

/// Takes every tag for true, so that the fuzzer gets past it.
class NoSeal final : public PacketSeal {
 public:
  [[nodiscard]] std::uint8_t key_id() const override { return 0; }
  [[nodiscard]] std::optional<std::uint64_t> tag(std::uint8_t key_id, BytesView) const override {
    if (key_id != 0) return std::nullopt;
    return 0;
  }
};

void decode(BytesView body) {
  if (const auto messages = decode_messages(body)) {
    Bytes once;
    for (const Message& message : *messages) once += encode_message(message);
    const auto again = decode_messages(once);
    check(again.has_value() && again->size() == messages->size(), "what was read can be written");
  }
  if (const auto table = decode_table(body)) {
    check(decode_table(encode_table(*table)).has_value(), "a table that was read can be written");
  }
}

/// The same bytes as a packet and as a table to a node.
void play(BytesView body) {
  const NoSeal seal;
  Outbox out;
  Instant now{};
  Gossip node(now, {.id = {.high = 0, .low = 1}, .address = {"127.0.0.1", 7101}}, seal, Random(1));
  const Header header{.sender = {.high = 0, .low = 2}};
  for (const auto kind : {EnvelopeKind::packet, EnvelopeKind::exchange_request,
                          EnvelopeKind::exchange_reply, EnvelopeKind::packet}) {
    EnvelopeWriter writer(kind, header, seal, limits::gossip_packet_bytes);
    if (!writer.add(body)) return;
    const Bytes bytes = writer.finish();
    const Address from{"127.0.0.1", 7102};
    node.on_packet(now, coterie::WallTime{}, from, bytes, out);
    static_cast<void>(node.on_stream_request(now, bytes, out));
    node.on_stream_reply(now, from, bytes, out);
    for (int i = 0; i < 3; ++i) {
      now = out.wake;
      node.on_timer(now, out);
    }
  }
  for (const OutPacket& packet : out.packets) {
    check(packet.bytes.size() <= limits::gossip_packet_bytes, "a packet is within its limit");
    const auto opened = open_envelope(packet.bytes, {}, seal);
    check(opened && decode_messages(opened->body), "what is sent can be read");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(open_envelope(bytes, {}, NoSeal()));
  decode(bytes);
  play(bytes);
  return 0;
}
