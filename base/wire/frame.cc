#include "base/wire/frame.h"

#include <bit>
#include <cstring>
#include <string>

#include "base/limits.h"

namespace coterie::wire {

namespace {

static_assert(std::endian::native == std::endian::little,
              "frames are copied as they lie in memory");

// Tests build this without it, to see that the fuzzer finds that.
#ifdef COTERIE_PLANT_NO_LENGTH_CHECK
constexpr bool checks_length = false;
#else
constexpr bool checks_length = true;
#endif

template <class T>
T read_at(BytesView bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <class T>
void write_at(char* frame, std::size_t offset, T value) {
  std::memcpy(frame + offset, &value, sizeof value);
}

bool is_known(Kind kind) {
  switch (kind) {
    case Kind::hello:
    case Kind::error:
    case Kind::go_away:
    case Kind::get:
    case Kind::get_reply:
    case Kind::put:
    case Kind::put_reply:
    case Kind::scan:
    case Kind::scan_reply:
    case Kind::ring:
    case Kind::ring_reply:
    case Kind::epoch_prepare:
    case Kind::epoch_accept:
    case Kind::epoch_vote:
    case Kind::replica_write:
    case Kind::replica_write_reply:
    case Kind::replica_read:
    case Kind::replica_read_reply:
    case Kind::replica_scan:
    case Kind::replica_scan_reply:
    case Kind::replica_inspect:
    case Kind::replica_inspect_reply:
    case Kind::purge_list:
    case Kind::purge_list_reply:
    case Kind::purge_raise:
    case Kind::purge_raise_reply:
    case Kind::purge_apply:
    case Kind::purge_apply_reply:
    case Kind::stream_open:
    case Kind::stream_open_reply:
    case Kind::stream_batch:
    case Kind::stream_batch_reply:
    case Kind::change_evidence:
    case Kind::change_evidence_reply:
    case Kind::node_facts:
    case Kind::node_facts_reply:
    case Kind::life_mark:
    case Kind::life_mark_reply:
    case Kind::tree_roots:
    case Kind::tree_roots_reply:
    case Kind::tree_cells:
    case Kind::tree_cells_reply:
    case Kind::range_digests:
    case Kind::range_digests_reply:
    case Kind::range_pieces:
    case Kind::range_pieces_reply:
    case Kind::replica_records:
    case Kind::replica_records_reply:
    case Kind::push_pull:
    case Kind::push_pull_reply:
    case Kind::birth_info:
    case Kind::birth_info_reply:
    case Kind::birth_accept:
    case Kind::epoch_fetch:
    case Kind::epoch_reply:
      return true;
  }
  return false;
}

}  // namespace

Result<FrameHeader> decode_header(BytesView bytes) {
  if (checks_length && bytes.size() < header_bytes) {
    return fail(ErrorCode::corrupt, "a frame's header has " + std::to_string(header_bytes) +
                                        " bytes, not " + std::to_string(bytes.size()));
  }
  if (read_at<std::uint32_t>(bytes, 20) != frame_magic) {
    return fail(ErrorCode::corrupt, "not a frame of Coterie: the magic number is missing");
  }
  const FrameHeader header{
      .kind = static_cast<Kind>(read_at<std::uint16_t>(bytes, 4)),
      .request_id = read_at<std::uint64_t>(bytes, 8),
      .deadline_ms = read_at<std::uint32_t>(bytes, 16),
      .body_bytes = read_at<std::uint32_t>(bytes, 0),
  };
  if (header.body_bytes > limits::frame_bytes - header_bytes) {
    return fail(ErrorCode::too_large,
                "a frame with a body of " + std::to_string(header.body_bytes) +
                    " bytes; whole frames have at most " + std::to_string(limits::frame_bytes));
  }
  if (!is_known(header.kind)) {
    return fail(
        ErrorCode::unsupported_version,
        "frame kind " + std::to_string(static_cast<int>(header.kind)) + " is not known here");
  }
  if (const auto flags = read_at<std::uint16_t>(bytes, 6); flags != 0) {
    return fail(ErrorCode::unsupported_version,
                "frame flags " + std::to_string(flags) + " are not known here");
  }
  if (header.body_bytes % 8 != 0) {
    return fail(ErrorCode::corrupt, "a frame's body of " + std::to_string(header.body_bytes) +
                                        " bytes is not a multiple of 8");
  }
  return header;
}

void encode_header(const FrameHeader& header, char* frame) {
  write_at<std::uint32_t>(frame, 0, header.body_bytes);
  write_at<std::uint16_t>(frame, 4, static_cast<std::uint16_t>(header.kind));
  write_at<std::uint16_t>(frame, 6, 0);
  write_at<std::uint64_t>(frame, 8, header.request_id);
  write_at<std::uint32_t>(frame, 16, header.deadline_ms);
  write_at<std::uint32_t>(frame, 20, frame_magic);
}

void set_request_id(std::uint64_t request_id, char* frame) {
  write_at<std::uint64_t>(frame, 8, request_id);
}

}  // namespace coterie::wire
