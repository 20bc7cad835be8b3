#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/limits.h"
#include "base/wire/frame.h"

using namespace coterie;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView bytes(reinterpret_cast<const char*>(data), size);
  const auto header = wire::decode_header(bytes);
  if (!header) {
    check(!header.error().message.empty(), "a refusal has words");
    return 0;
  }
  check(header->body_bytes <= limits::frame_bytes - wire::header_bytes, "a body fits its frame");
  Bytes again(wire::header_bytes, '\0');
  wire::encode_header(*header, again.data());
  check(again == bytes.substr(0, wire::header_bytes), "a header says all that its bytes say");
  return 0;
}
