#pragma once

#include "base/bytes.h"
#include "base/env/frame_reader.h"
#include "base/error.h"
#include "base/wire/messages.h"

namespace coterie {

/// A hello that owns its bytes, so that it outlives the frame it came in and can cross threads.
class OwnedHello {
 public:
  OwnedHello() = default;
  explicit OwnedHello(const wire::Hello& hello) : hello_(hello), build_(hello.build) {
    hello_.build = {};
  }
  /// Borrows from this object.
  [[nodiscard]] wire::Hello view() const {
    wire::Hello hello = hello_;
    hello.build = build_;
    return hello;
  }

 private:
  wire::Hello hello_;
  Bytes build_;
};

/// What the first frame on a connection says: a hello (which borrows from it), the error by which
/// the other side refuses (with is_refusal), or something that should not stand there.
struct Greeting {
  Result<wire::Hello> hello;
  bool is_refusal = false;
};
[[nodiscard]] Greeting read_greeting(const FrameReader::Frame& frame);

}  // namespace coterie
