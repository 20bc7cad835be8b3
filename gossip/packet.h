#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <variant>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "gossip/cluster_tag.h"
#include "gossip/member.h"
#include "gossip/seal.h"

/// The bytes of gossip. An envelope, little-endian:
///
///   u32 magic, u8 version, u8 kind, u8 key id, u8 zero,
///   u64 cluster name hash, u64 cluster id hash, 128-bit sender, u64 sender's instance,
///   u32 + u64 + u64 epoch lineage, number and hash, body, u64 tag over all before it
///
/// The body of a packet is a row of messages, each u8 kind, varint length, bytes; a kind that is
/// not known is skipped, so that adjacent versions can talk. The body of an exchange is a varint
/// count and as many entries, the sender's own first.
namespace coterie::gossip {

inline constexpr std::uint8_t packet_version = 1;
inline constexpr std::size_t envelope_bytes = 76;  // all but the body
inline constexpr std::size_t accusers_most = 8;    // named in one suspicion
/// Incarnations from here on are refused: one more could not be counted.
inline constexpr std::uint64_t incarnation_end = 1ULL << 63;

enum class EnvelopeKind : std::uint8_t { packet = 1, exchange_request = 2, exchange_reply = 3 };

struct Header {
  ClusterTag cluster;
  NodeId sender;
  /// Drawn at each start of a process: tells our own packet come back from a double of ours.
  std::uint64_t instance = 0;
  EpochMark epoch;
};

/// Are you `target`? Acked with the same number, or not at all.
struct Ping {
  std::uint32_t sequence = 0;
  NodeId target;
};

/// `subject` is alive, heard directly or on the asker's behalf.
struct Ack {
  std::uint32_t sequence = 0;
  NodeId subject;
};

/// Asked on another's behalf, `subject` has not answered so far; shows that the asked one lives.
struct Nack {
  std::uint32_t sequence = 0;
  NodeId subject;
};

/// Ping `target` for me.
struct PingRequest {
  std::uint32_t sequence = 0;
  NodeId target;
  Address address;
};

struct AliveClaim {
  NodeId id;
  std::uint64_t incarnation = 0;
  Address address;
  Bytes meta;
};

struct SuspectClaim {
  NodeId id;
  std::uint64_t incarnation = 0;
  /// Who did not get an answer; ascending, 1 to accusers_most.
  std::vector<NodeId> accusers;
};

struct DeadClaim {
  NodeId id;
  std::uint64_t incarnation = 0;
};

struct LeftClaim {
  NodeId id;
  std::uint64_t incarnation = 0;
};

/// Beside an ack of the same number: what the sender's wall clock showed, since 1970.
struct ClockShown {
  std::uint32_t sequence = 0;
  std::uint64_t wall_ms = 0;
};

using Message = std::variant<Ping, Ack, Nack, PingRequest, AliveClaim, SuspectClaim, DeadClaim,
                             LeftClaim, ClockShown>;

/// One member in a push-pull.
struct TableEntry {
  AliveClaim member;
  MemberState state = MemberState::alive;
  /// Since the state was entered, as the sender sees it.
  std::uint32_t age_s = 0;
};

/// Why an envelope was not opened; each is counted apart.
enum class EnvelopeFault : std::uint8_t { malformed, newer_version, other_cluster, unverified };

struct Envelope {
  EnvelopeKind kind = EnvelopeKind::packet;
  Header header;
  /// Borrows from what was opened.
  BytesView body;
};

/// Verifies and opens what came from outside.
[[nodiscard]] std::expected<Envelope, EnvelopeFault> open_envelope(BytesView bytes,
                                                                   const ClusterTag& ours,
                                                                   const PacketSeal& seal);
[[nodiscard]] Result<std::vector<Message>> decode_messages(BytesView body);
[[nodiscard]] Result<std::vector<TableEntry>> decode_table(BytesView body);

/// With its kind and length, ready for EnvelopeWriter::add.
[[nodiscard]] Bytes encode_message(const Message& message);
[[nodiscard]] Bytes encode_table(const std::vector<TableEntry>& entries);

/// Puts a body together; finish() seals it.
class EnvelopeWriter {
 public:
  EnvelopeWriter(EnvelopeKind kind, const Header& header, const PacketSeal& seal,
                 std::size_t limit_bytes);

  /// False, and nothing is added, if it would not fit.
  bool add(BytesView part);
  [[nodiscard]] std::size_t room() const;
  [[nodiscard]] bool empty() const { return bytes_.size() + 8 == envelope_bytes; }
  [[nodiscard]] Bytes finish();

 private:
  const PacketSeal& seal_;
  std::uint8_t key_id_;
  std::size_t limit_bytes_;
  Bytes bytes_;
};

}  // namespace coterie::gossip
