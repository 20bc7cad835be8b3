#pragma once

#include "base/bytes.h"
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

}  // namespace coterie
