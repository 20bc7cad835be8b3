#include "base/wire/frame_builder.h"

#include <cstring>

#include "base/check.h"

namespace coterie::wire {

namespace {

// What a thread's builder may keep between frames; a larger buffer is given back.
constexpr std::size_t kept_bytes = 64U << 10;

flatbuffers::FlatBufferBuilder& cleared_builder() {
  thread_local flatbuffers::FlatBufferBuilder builder(1024);
  builder.Clear();
  // The body's end is a multiple of 8 from its start, so that what is appended stays aligned.
  builder.TrackMinAlign(8);
  return builder;
}

}  // namespace

Bytes seal_frame(Kind kind, const Envelope& envelope, BytesView built, BytesView bulk) {
  const std::size_t padding = (8 - bulk.size() % 8) % 8;
  const FrameHeader header{
      .kind = kind,
      .request_id = envelope.request_id,
      .deadline_ms = envelope.deadline_ms,
      .body_bytes = static_cast<std::uint32_t>(built.size() + bulk.size() + padding),
  };
  const std::size_t whole = header_bytes + header.body_bytes;
  Bytes frame;
  frame.resize_and_overwrite(whole, [&](char* at, std::size_t) {
    encode_header(header, at);
    std::memcpy(at + header_bytes, built.data(), built.size());
    char* after = at + header_bytes + built.size();
    if (!bulk.empty()) std::memcpy(after, bulk.data(), bulk.size());
    std::memset(after + bulk.size(), 0, padding);
    return whole;
  });
  return frame;
}

FrameBuilder::FrameBuilder() : builder_(cleared_builder()) {}

FrameBuilder::FrameBuilder(BytesView bulk) : FrameBuilder() {
  bulk_ = bulk;
  bulk_offset_ = BytesOffset(builder_.PushElement(static_cast<std::uint32_t>(bulk.size())));
}

BytesOffset FrameBuilder::bytes(BytesView bytes) {
  return bytes.empty() ? BytesOffset() : required(bytes);
}

BytesOffset FrameBuilder::required(BytesView bytes) {
  return builder_.CreateVector(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

Bytes FrameBuilder::take(Kind kind, const Envelope& envelope) {
  const std::size_t built = builder_.GetSize();
  check(built % 8 == 0, "a body is built in multiples of 8");
  Bytes frame = seal_frame(
      kind, envelope, {reinterpret_cast<const char*>(builder_.GetBufferPointer()), built}, bulk_);
  if (built > kept_bytes) builder_.Reset();
  return frame;
}

}  // namespace coterie::wire
