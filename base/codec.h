#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace coterie {

/// Appends little-endian numbers and length-prefixed bytes; what the disk formats are written with.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void u16(std::uint16_t value) { little_endian(value, 2); }
  void u32(std::uint32_t value) { little_endian(value, 4); }
  void u64(std::uint64_t value) { little_endian(value, 8); }
  /// Big-endian, so that bytes sort as numbers do; for keys.
  void u64_sorted(std::uint64_t value);
  void u32_sorted(std::uint32_t value);
  void u16_sorted(std::uint16_t value);
  /// LEB128: seven bits a byte, lowest first; one to ten bytes.
  void varint(std::uint64_t value);
  void raw(BytesView bytes) { out_.append(bytes); }
  /// varint length, then the bytes.
  void sized(BytesView bytes);

 private:
  void little_endian(std::uint64_t value, int width);

  Bytes& out_;
};

/// The reverse. A read past the end or a malformed number, also a varint longer than need be, gives
/// zero or nothing, and ok() is false from then on; callers read a whole structure and ask ok()
/// once, before they use a count from it.
class ByteReader {
 public:
  explicit ByteReader(BytesView in) : in_(in) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(little_endian(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(little_endian(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(little_endian(4)); }
  std::uint64_t u64() { return little_endian(8); }
  std::uint64_t u64_sorted() { return big_endian(8); }
  std::uint32_t u32_sorted() { return static_cast<std::uint32_t>(big_endian(4)); }
  std::uint16_t u16_sorted() { return static_cast<std::uint16_t>(big_endian(2)); }
  std::uint64_t varint();
  /// Borrows from the input.
  BytesView raw(std::size_t size);
  BytesView sized();

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t left() const { return in_.size(); }
  /// Everything was read and nothing was malformed.
  [[nodiscard]] bool finished() const { return ok_ && in_.empty(); }

 private:
  std::uint64_t little_endian(std::size_t width);
  std::uint64_t big_endian(std::size_t width);

  BytesView in_;
  bool ok_ = true;
};

}  // namespace coterie
