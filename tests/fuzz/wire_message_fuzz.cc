#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "tests/unit/wire/reencode.h"

using namespace coterie;

// The first byte is the kind, the rest a frame's body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto kind = static_cast<wire::Kind>(data[0]);
  const std::vector<std::uint8_t> aligned(data + 1, data + size);
  const BytesView body(reinterpret_cast<const char*>(aligned.data()), aligned.size());
  const auto frame = wire::reencode(kind, body, {});
  if (!frame) {
    check(!frame.error().message.empty(), "a refusal has words");
    return 0;
  }
  // What was taken is a message like any other.
  check(wire::decode_header(*frame).has_value(), "a message that was read can be sent");
  const auto again = wire::reencode(kind, BytesView(*frame).substr(wire::header_bytes), {});
  check(again.has_value() && *again == *frame, "a message says the same when it is sent again");
  return 0;
}
