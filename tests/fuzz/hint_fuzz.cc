// Keys and values of hints and marks: what is decoded is encoded to the same bytes.

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "node/transfer/hint_format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace coterie;
  const BytesView input(reinterpret_cast<const char*>(data), size);
  if (const auto hint = transfer::decode_hint_key(input)) {
    check(transfer::encode_hint_key(*hint) == input, "a hint's key has one encoding");
    const auto range = transfer::hints_of(hint->kind, hint->target, hint->partition);
    check(range.from <= input && (range.to.empty() || input < range.to), "it lies in its range");
  }
  if (const auto mark = transfer::decode_mark_key(input)) {
    check(transfer::encode_mark_key(*mark) == input, "a mark's key has one encoding");
  }
  if (const auto since = transfer::decode_since(input)) {
    check(transfer::encode_since(*since) == input, "a time has one encoding");
  }
  return 0;
}
