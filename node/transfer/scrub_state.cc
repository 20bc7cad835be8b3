#include "node/transfer/scrub_state.h"

#include "base/codec.h"

namespace coterie::transfer {
namespace {

constexpr std::uint8_t scrub_format = 1;
constexpr std::uint8_t has_walk = 1;
constexpr std::uint8_t has_last = 2;
constexpr std::uint8_t has_waiting = 4;

void write(ByteWriter& writer, WallTime time) {
  writer.u64(static_cast<std::uint64_t>(time.time_since_epoch().count()));
}

WallTime read_time(ByteReader& reader) {
  return WallTime{std::chrono::milliseconds(static_cast<std::int64_t>(reader.u64()))};
}

void write(ByteWriter& writer, const ScrubFindings& found) {
  for (const auto number : {found.records, found.bytes, found.damaged, found.leaves_wrong,
                            found.leaves_busy, found.unreadable}) {
    writer.u64(number);
  }
}

ScrubFindings read_findings(ByteReader& reader) {
  ScrubFindings found;
  for (auto* number : {&found.records, &found.bytes, &found.damaged, &found.leaves_wrong,
                       &found.leaves_busy, &found.unreadable}) {
    *number = reader.u64();
  }
  return found;
}

}  // namespace

Bytes scrub_state_key() {
  return "s";
}

Bytes encode_scrub_state(const ScrubState& state) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u8(scrub_format);
  writer.u8(static_cast<std::uint8_t>((state.walk ? has_walk : 0) | (state.last ? has_last : 0) |
                                      (state.has_waiting ? has_waiting : 0)));
  if (state.walk) {
    write(writer, state.walk->began);
    writer.u32(state.walk->next);
    writer.u8(state.walk->stops);
    write(writer, state.walk->found);
  }
  if (state.last) {
    write(writer, state.last->began);
    write(writer, state.last->ended);
    write(writer, state.last->found);
  }
  return bytes;
}

Result<ScrubState> decode_scrub_state(BytesView bytes) {
  ByteReader reader(bytes);
  const auto version = reader.u8();
  if (reader.ok() && version > scrub_format) {
    return fail(ErrorCode::unsupported_version, "the scrub's state was written by a newer build");
  }
  const auto flags = reader.u8();
  ScrubState state{.has_waiting = (flags & has_waiting) != 0};
  if ((flags & has_walk) != 0) {
    state.walk = ScrubState::Walk{};
    auto& walk = *state.walk;
    walk.began = read_time(reader);
    walk.next = reader.u32();
    walk.stops = reader.u8();
    walk.found = read_findings(reader);
  }
  if ((flags & has_last) != 0) {
    state.last = ScrubPass{};
    auto& last = *state.last;
    last.began = read_time(reader);
    last.ended = read_time(reader);
    last.found = read_findings(reader);
  }
  const bool is_known = version == scrub_format && flags <= (has_walk | has_last | has_waiting);
  if (!reader.finished() || !is_known)
    return fail(ErrorCode::corrupt, "the scrub's state is malformed");
  return state;
}

}  // namespace coterie::transfer
