#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/codec.h"
#include "storage/versions.h"

using namespace coterie;

namespace {

constexpr BytesView key = "key";

void decode(BytesView bytes) {
  const Result<ClientContext> context = decode_context(key, bytes);
  if (!context) return;
  if (!bytes.empty()) check(encode_context(key, *context) == bytes, "a context has one encoding");
  // What a client made up is refused or leaves a record that can be stored.
  const Sibling write{.dot = {ActorId{1}, 1}, .timestamp = {1}, .value = "value"};
  if (!admits_put({}, context->seen, write, Resolver::siblings)) return;
  const Record record = put({}, context->seen, write, Resolver::siblings);
  const Bytes stored = encode_record(key, record);
  check(decode_record(key, stored).has_value(), "what is admitted can be read back");
}

}  // namespace

// The input is a context's bytes without their checksum, which no fuzzer would guess; it is added
// here. As it stands, the input is tried too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(reinterpret_cast<const char*>(data), size);
  decode(input);
  Bytes sealed(input);
  ByteWriter(sealed).u64(context_checksum(input));
  decode(sealed);
  return 0;
}
