#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/error.h"
#include "base/wire/frame.h"

namespace coterie {

/// Cuts the bytes of one connection into frames. It reads into a scratch space that the connections
/// of a loop share and hands bodies out from where they were read; only a frame that is not whole
/// yet gets memory of its own, which grows with what really arrived and goes when it is consumed.
///
/// Order of calls: space(), filled(), next() until it says none, settle(); then space() again.
/// Where nothing was read after all, space() may follow space().
class FrameReader {
 public:
  struct Frame {
    wire::FrameHeader header;
    /// 8-byte aligned; valid until settle().
    BytesView body;
    /// Header and body.
    BytesView whole;
  };

  /// Frames longer than `frame_bytes_most`, header included, are refused from their header.
  explicit FrameReader(std::size_t frame_bytes_most) : frame_bytes_most_(frame_bytes_most) {}

  /// Where to read to next; never empty. `scratch` must be 8-byte aligned, longer than a header,
  /// and stay untouched by others until settle().
  [[nodiscard]] std::span<char> space(std::span<char> scratch);
  /// This many bytes were read into space().
  void filled(std::size_t count);
  /// Takes bytes that were read elsewhere; in place of space() and filled().
  void feed(BytesView bytes);

  /// The next whole frame, or nothing until more is read. After an error (as of decode_header) the
  /// stream cannot be followed.
  [[nodiscard]] Result<std::optional<Frame>> next();
  /// Moves what is left over out of the scratch space. May be called with whole frames left.
  void settle();

  /// Read, but not handed out.
  [[nodiscard]] BytesView pending() const { return {data_ + begin_, end_ - begin_}; }
  /// Memory of its own, for tests.
  [[nodiscard]] std::size_t own_bytes() const { return own_bytes_; }

 private:
  /// Moves what is pending to the front of own memory of at least this size.
  void hold(std::size_t bytes);

  std::size_t frame_bytes_most_;
  std::unique_ptr<char[]> own_;
  std::size_t own_bytes_ = 0;
  bool is_beginning_ = false;  // own_ is full with the beginning of a frame
  char* data_ = nullptr;       // own_ or the scratch space
  char* lent_ = nullptr;  // the scratch space, with a copy of own_ before what space() gave out
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace coterie
