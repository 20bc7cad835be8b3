#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "base/instant.h"
#include "base/limits.h"
#include "base/random.h"
#include "gossip/gossip.h"
#include "gossip/packet.h"

/// One node, and packets made by hand.
namespace coterie::gossip::test {

inline const ClusterTag cluster{.name_hash = 1, .id_hash = 2};
inline const NodeId self_id{.high = 0, .low = 1};
inline const Address self_address{"127.0.0.1", 1};

inline NodeId other_id(std::uint64_t number) {
  return {.high = 7, .low = number};
}

inline Address other_address(std::uint64_t number) {
  return {"10.0.0." + std::to_string(number), 7101};
}

inline AliveClaim alive(std::uint64_t number, std::uint64_t incarnation = 10) {
  return {.id = other_id(number),
          .incarnation = incarnation,
          .address = other_address(number),
          .meta = "m"};
}

struct Bench {
  SipSeal seal;
  Instant now{};
  Outbox out;
  Gossip gossip{now,
                {.id = self_id,
                 .address = self_address,
                 .incarnation = 100,
                 .meta = "self",
                 .cluster = cluster,
                 .epoch = {.number = {1, 5}, .hash = 50}},
                seal,
                Random(1)};
  Header header{.cluster = cluster,
                .sender = other_id(1),
                .instance = 99,
                .epoch = {.number = {1, 5}, .hash = 50}};

  WallTime wall() const {
    return WallTime(std::chrono::hours(1000) +
                    std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()));
  }

  Bytes packet(const std::vector<Message>& messages) const {
    EnvelopeWriter writer(EnvelopeKind::packet, header, seal, limits::gossip_packet_bytes);
    for (const Message& message : messages) REQUIRE(writer.add(encode_message(message)));
    return writer.finish();
  }

  Bytes exchange(const std::vector<TableEntry>& entries, EnvelopeKind kind) const {
    EnvelopeWriter writer(kind, header, seal, limits::gossip_state_bytes);
    REQUIRE(writer.add(encode_table(entries)));
    return writer.finish();
  }

  void hear(const std::vector<Message>& messages, std::uint64_t from = 1) {
    out.clear();
    gossip.on_packet(now, wall(), other_address(from), packet(messages), out);
  }

  /// Messages of one kind in what goes out to `to`.
  template <class Kind>
  std::vector<Kind> sent(const std::optional<Address>& to = {}) const {
    std::vector<Kind> found;
    for (const OutPacket& sent_packet : out.packets) {
      if (to && sent_packet.to != *to) continue;
      const auto opened = open_envelope(sent_packet.bytes, cluster, seal);
      REQUIRE(opened);
      const auto messages = decode_messages(opened->body);
      REQUIRE(messages);
      for (const Message& message : *messages) {
        if (const auto* wanted = std::get_if<Kind>(&message)) found.push_back(*wanted);
      }
    }
    return found;
  }

  std::size_t events(EventKind kind) const {
    std::size_t count = 0;
    for (const Event& event : out.events) count += event.kind == kind ? 1 : 0;
    return count;
  }

  /// Calls on_timer() whenever it is wanted.
  void run_for(Duration duration) {
    const Instant end = now + duration;
    if (out.wake == Instant{}) gossip.on_timer(now, out);
    while (out.wake <= end) {
      now = out.wake;
      gossip.on_timer(now, out);
    }
    now = end;
  }
};

}  // namespace coterie::gossip::test
