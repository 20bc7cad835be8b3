#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"

namespace coterie::wire {

/// What a frame's body is. The numbers are the protocol's and are never reused.
enum class Kind : std::uint16_t {
  hello = 1,
  error = 2,
  go_away = 3,

  get = 10,
  get_reply = 11,
  put = 12,  // also deletes
  put_reply = 13,
  scan = 14,
  scan_reply = 15,
  ring = 16,
  ring_reply = 17,

  epoch_prepare = 20,  // answered by epoch_vote
  epoch_accept = 21,   // likewise
  epoch_vote = 22,

  replica_write = 30,
  replica_write_reply = 31,
  replica_read = 32,
  replica_read_reply = 33,
  replica_scan = 34,
  replica_scan_reply = 35,
  replica_inspect = 36,
  replica_inspect_reply = 37,

  tree_roots = 40,
  tree_roots_reply = 41,
  tree_cells = 42,
  tree_cells_reply = 43,
  range_digests = 44,
  range_digests_reply = 45,
  range_pieces = 46,
  range_pieces_reply = 47,
  replica_records = 48,
  replica_records_reply = 49,

  push_pull = 50,
  push_pull_reply = 51,
  birth_info = 52,
  birth_info_reply = 53,
  birth_accept = 54,  // answered by epoch_reply
  epoch_fetch = 56,
  epoch_reply = 57,

  purge_list = 60,
  purge_list_reply = 61,
  purge_raise = 62,
  purge_raise_reply = 63,
  purge_apply = 64,
  purge_apply_reply = 65,

  stream_open = 70,
  stream_open_reply = 71,
  stream_batch = 72,
  stream_batch_reply = 73,
  change_evidence = 74,
  change_evidence_reply = 75,
  node_facts = 76,
  node_facts_reply = 77,
  life_mark = 78,
  life_mark_reply = 79,
};

/// Every frame begins with these 24 bytes, little-endian:
///   u32 body length | u16 kind | u16 flags (0) | u64 request id | u32 deadline ms | u32 magic
/// then `body_bytes` bytes: one FlatBuffers table, a multiple of 8 long.
struct FrameHeader {
  Kind kind = Kind::error;
  /// Chosen by the asking side, unique among its unanswered requests on the connection; the reply
  /// carries it back.
  std::uint64_t request_id = 0;
  /// Time left when the frame was sent; 0 is none. Expired work is dropped before it is done.
  std::uint32_t deadline_ms = 0;
  std::uint32_t body_bytes = 0;
};

inline constexpr std::size_t header_bytes = 24;
inline constexpr std::uint32_t frame_magic = 0x31544f43;  // "COT1"

/// The header of the frame that `bytes` begins with; needs header_bytes of them. Errors: corrupt
/// (no magic, or a body that is not a multiple of 8 long), too_large (header and body over
/// limits::frame_bytes), unsupported_version (an unknown kind or flag): after any of them the
/// stream cannot be followed and the connection is closed.
[[nodiscard]] Result<FrameHeader> decode_header(BytesView bytes);

/// Writes `header` over the first header_bytes of `frame`.
void encode_header(const FrameHeader& header, char* frame);
/// Makes `frame`, a whole one, that of this request.
void set_request_id(std::uint64_t request_id, char* frame);

}  // namespace coterie::wire
