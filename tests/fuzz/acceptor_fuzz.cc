#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"
#include "ring/paxos/acceptor_codec.h"

using coterie::Bytes;
using coterie::BytesView;
using coterie::ByteWriter;
using coterie::check;

namespace {

void decode(BytesView bytes) {
  const auto state = coterie::paxos::decode_acceptor(bytes);
  if (!state) return;
  const Bytes again = coterie::paxos::encode_acceptor(*state);
  check(coterie::paxos::decode_acceptor(again).has_value(), "what was read can be written");
}

}  // namespace

// The input is a voter's bytes without their checksum, which no fuzzer would guess; it is added
// here. As it stands, the input is tried too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(reinterpret_cast<const char*>(data), size);
  decode(input);
  Bytes sealed(input);
  ByteWriter(sealed).u64(coterie::hash64(input));
  decode(sealed);
  return 0;
}
