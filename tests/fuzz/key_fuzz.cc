#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "storage/key.h"

using namespace coterie;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(reinterpret_cast<const char*>(data), size);
  const Result<KeyParts> parts = decode_key(input);
  if (!parts) return 0;
  const Result<Bytes> again = encode_key(*parts);
  check(again && *again == input, "a key has one encoding");
  const KeyRange range = range_of(parts->token, parts->bucket, parts->partition_key);
  check(range.from <= input && input < range.to, "a key lies in its partition key's range");
  return 0;
}
