#include "base/env/frame_reader.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"

namespace coterie {

namespace {

/// Own memory's least size: room for what follows the frame that was cut off, too.
constexpr std::size_t own_bytes_least = std::size_t{64} << 10;
/// A beginning no longer than this is kept by itself, and put before what is read next.
constexpr std::size_t beginning_bytes_most = std::size_t{4} << 10;

// Tests build this without it, to see that the fuzzer finds that.
#ifdef COTERIE_PLANT_NO_LENGTH_CHECK
constexpr bool checks_length = false;
#else
constexpr bool checks_length = true;
#endif

}  // namespace

std::span<char> FrameReader::space(std::span<char> scratch) {
  check(reinterpret_cast<std::uintptr_t>(scratch.data()) % 8 == 0 &&
            scratch.size() > wire::header_bytes,
        "the scratch space is aligned and holds a header");
  lent_ = nullptr;
  if (own_ == nullptr) {
    data_ = scratch.data();
    begin_ = end_ = 0;
    return scratch;
  }
  if (is_beginning_ && scratch.size() > beginning_bytes_most) {
    std::memcpy(scratch.data(), own_.get(), end_);
    lent_ = scratch.data();
    return scratch.subspan(end_);
  }
  // Grows with what has arrived, so that a header that promises much costs little.
  if (end_ == own_bytes_) hold(own_bytes_ * 2);
  return {own_.get() + end_, own_bytes_ - end_};
}

void FrameReader::filled(std::size_t count) {
  if (lent_ != nullptr) {
    own_.reset();
    own_bytes_ = 0;
    data_ = std::exchange(lent_, nullptr);
  }
  end_ += count;
}

void FrameReader::feed(BytesView bytes) {
  settle();
  hold(pending().size() + bytes.size());
  std::ranges::copy(bytes, own_.get() + end_);
  end_ += bytes.size();
}

Result<std::optional<FrameReader::Frame>> FrameReader::next() {
  const BytesView rest = pending();
  if (rest.size() < wire::header_bytes) return std::nullopt;
  const auto header = wire::decode_header(rest.substr(0, wire::header_bytes));
  if (!header) return std::unexpected(header.error());
  // Both are multiples of 8, so the next frame's body is aligned as well.
  const std::size_t whole = wire::header_bytes + header->body_bytes;
  if (whole > frame_bytes_most_) {
    return fail(ErrorCode::too_large, "a frame of " + std::to_string(whole) + " bytes; at most " +
                                          std::to_string(frame_bytes_most_) + " are taken");
  }
  if (checks_length && rest.size() < whole) return std::nullopt;
  begin_ += whole;
  return Frame{.header = *header,
               .body = rest.substr(wire::header_bytes, header->body_bytes),
               .whole = rest.substr(0, whole)};
}

void FrameReader::settle() {
  const std::size_t left = end_ - begin_;
  if (left == 0) {
    own_.reset();
    own_bytes_ = 0;
    data_ = nullptr;
    begin_ = end_ = 0;
  } else if (data_ != own_.get()) {
    hold(left <= beginning_bytes_most ? left : std::max(left, own_bytes_least));
  } else if (begin_ > 0) {
    // Own memory that a large frame needed is not kept for what follows it.
    if (own_bytes_ > std::max(own_bytes_least, 2 * left)) {
      hold(std::max(left, own_bytes_least));
    } else {
      std::memmove(own_.get(), own_.get() + begin_, left);
      end_ = left;
      begin_ = 0;
    }
  }
}

void FrameReader::hold(std::size_t bytes) {
  const BytesView kept = pending();
  check(bytes >= kept.size(), "own memory holds what is pending");
  auto memory = std::make_unique_for_overwrite<char[]>(bytes);
  std::ranges::copy(kept, memory.get());
  own_ = std::move(memory);
  own_bytes_ = bytes;
  is_beginning_ = bytes == kept.size() && bytes <= beginning_bytes_most;
  data_ = own_.get();
  begin_ = 0;
  end_ = kept.size();
}

}  // namespace coterie
