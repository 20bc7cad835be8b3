#include "base/codec.h"

namespace coterie {

namespace {

// The fuzz test has to see that a reader without its length check crashes.
#ifdef COTERIE_PLANT_NO_LENGTH_CHECK
constexpr bool checks_length = false;
#else
constexpr bool checks_length = true;
#endif

}  // namespace

void ByteWriter::little_endian(std::uint64_t value, int width) {
  char bytes[8];
  for (int i = 0; i < width; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  out_.append(bytes, static_cast<std::size_t>(width));
}

void ByteWriter::u64_sorted(std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out_.push_back(static_cast<char>(value >> shift));
}

void ByteWriter::u32_sorted(std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out_.push_back(static_cast<char>(value >> shift));
}

void ByteWriter::u16_sorted(std::uint16_t value) {
  out_.push_back(static_cast<char>(value >> 8));
  out_.push_back(static_cast<char>(value));
}

void ByteWriter::varint(std::uint64_t value) {
  while (value >= 0x80) {
    out_.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out_.push_back(static_cast<char>(value));
}

void ByteWriter::sized(BytesView bytes) {
  varint(bytes.size());
  raw(bytes);
}

BytesView ByteReader::raw(std::size_t size) {
  if (!ok_ || (checks_length && size > in_.size())) {
    ok_ = false;
    return {};
  }
  const BytesView out(in_.data(), size);
  in_.remove_prefix(size);
  return out;
}

std::uint64_t ByteReader::little_endian(std::size_t width) {
  const BytesView bytes = raw(width);
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = (value << 8) | static_cast<std::uint8_t>(bytes[i]);
  }
  return value;
}

std::uint64_t ByteReader::big_endian(std::size_t width) {
  std::uint64_t value = 0;
  for (const char c : raw(width)) value = (value << 8) | static_cast<std::uint8_t>(c);
  return value;
}

std::uint64_t ByteReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = u8();
    if (!ok_) return 0;
    const std::uint64_t bits = byte & 0x7fU;
    if (shift == 63 && bits > 1) break;
    value |= bits << shift;
    if ((byte & 0x80U) == 0) {
      // A needless last zero would be a second form of the same number.
      if (byte == 0 && shift > 0) break;
      return value;
    }
  }
  ok_ = false;
  return 0;
}

BytesView ByteReader::sized() {
  const std::uint64_t size = varint();
  if (!ok_ || size > in_.size()) {
    ok_ = false;
    return {};
  }
  return raw(static_cast<std::size_t>(size));
}

}  // namespace coterie
