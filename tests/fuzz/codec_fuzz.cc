#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/codec.h"

using coterie::ByteReader;
using coterie::BytesView;
using coterie::check;

namespace {

// Every byte that a read hands out is looked at, so that one past the end is seen.
std::uint64_t sum(BytesView bytes) {
  std::uint64_t total = 0;
  for (const char c : bytes) total += static_cast<std::uint8_t>(c);
  return total;
}

std::uint64_t read_one(ByteReader& reader, std::uint8_t kind) {
  switch (kind % 10) {
    case 0:
      return reader.u8();
    case 1:
      return reader.u16();
    case 2:
      return reader.u32();
    case 3:
      return reader.u64();
    case 4:
      return reader.u16_sorted();
    case 5:
      return reader.u32_sorted();
    case 6:
      return reader.u64_sorted();
    case 7:
      return reader.varint();
    case 8:
      return sum(reader.raw(kind / 10));
    default:
      return sum(reader.sized());
  }
}

}  // namespace

// The first byte counts the reads, the bytes after it name them, the rest is what they read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || data[0] > size - 1) return 0;
  const std::size_t reads = data[0];
  const BytesView input(reinterpret_cast<const char*>(data) + 1 + reads, size - 1 - reads);
  ByteReader reader(input);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < reads; ++i) {
    const bool was_ok = reader.ok();
    const std::size_t left = reader.left();
    total += read_one(reader, data[1 + i]);
    check(reader.left() <= left, "a read never gives bytes back");
    check(was_ok || !reader.ok(), "a failed reader stays failed");
  }
  check(total == 0 || reader.left() < input.size(), "what is not zero was read from the input");
  return 0;
}
