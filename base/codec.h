#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace coterie {

static_assert(std::endian::native == std::endian::little,
              "numbers are copied as they lie in memory");

/// Appends little-endian numbers and length-prefixed bytes; what the disk formats are written with.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void u16(std::uint16_t value) { number(value); }
  void u32(std::uint32_t value) { number(value); }
  void u64(std::uint64_t value) { number(value); }
  /// Big-endian, so that bytes sort as numbers do; for keys.
  void u64_sorted(std::uint64_t value) { number(__builtin_bswap64(value)); }
  void u32_sorted(std::uint32_t value) { number(__builtin_bswap32(value)); }
  void u16_sorted(std::uint16_t value) { number(__builtin_bswap16(value)); }
  /// LEB128: seven bits a byte, lowest first; one to ten bytes.
  void varint(std::uint64_t value) {
    char bytes[10];
    std::size_t size = 0;
    for (; value >= 0x80; value >>= 7) bytes[size++] = static_cast<char>(value | 0x80);
    bytes[size++] = static_cast<char>(value);
    out_.append(bytes, size);
  }
  void raw(BytesView bytes) { out_.append(bytes); }
  /// varint length, then the bytes.
  void sized(BytesView bytes) {
    varint(bytes.size());
    raw(bytes);
  }

 private:
  template <class T>
  void number(T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, sizeof value);
  }

  Bytes& out_;
};

/// As ByteWriter, over memory that is known to have room for all that is written.
class RoomyWriter {
 public:
  explicit RoomyWriter(char* at) : at_(at) {}

  void u8(std::uint8_t value) { *at_++ = static_cast<char>(value); }
  void u64(std::uint64_t value) {
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
  }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) *at_++ = static_cast<char>(value | 0x80);
    *at_++ = static_cast<char>(value);
  }
  void raw(BytesView bytes) {
    // no bytes may lie nowhere
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void sized(BytesView bytes) {
    varint(bytes.size());
    raw(bytes);
  }
  /// Where the next byte goes.
  [[nodiscard]] char* at() const { return at_; }

 private:
  char* at_;
};

/// The reverse. A read past the end or a malformed number, also a varint longer than need be, gives
/// zero or nothing, and ok() is false from then on; callers read a whole structure and ask ok()
/// once, before they use a count from it.
class ByteReader {
 public:
  explicit ByteReader(BytesView in) : in_(in) {}

  std::uint8_t u8() { return number<std::uint8_t>(); }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }
  std::uint64_t u64_sorted() { return __builtin_bswap64(number<std::uint64_t>()); }
  std::uint32_t u32_sorted() { return __builtin_bswap32(number<std::uint32_t>()); }
  std::uint16_t u16_sorted() { return __builtin_bswap16(number<std::uint16_t>()); }
  std::uint64_t varint() {
    const std::uint8_t first = u8();
    return first < 0x80 ? first : long_varint(first);
  }
  /// Borrows from the input.
  BytesView raw(std::size_t size) {
    if (!ok_ || (checks_length && size > in_.size())) {
      ok_ = false;
      return {};
    }
    const BytesView out(in_.data(), size);
    in_ = BytesView(in_.data() + size, in_.size() - size);
    return out;
  }
  BytesView sized();

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t left() const { return in_.size(); }
  /// Everything was read and nothing was malformed.
  [[nodiscard]] bool finished() const { return ok_ && in_.empty(); }

 private:
#ifdef COTERIE_PLANT_NO_LENGTH_CHECK  // defined only where a fuzzer must see it
  static constexpr bool checks_length = false;
#else
  static constexpr bool checks_length = true;
#endif

  template <class T>
  T number() {
    T value = 0;
    if (const BytesView bytes = raw(sizeof value); bytes.size() == sizeof value) {
      std::memcpy(&value, bytes.data(), sizeof value);
    }
    return value;
  }
  std::uint64_t long_varint(std::uint8_t first);

  BytesView in_;
  bool ok_ = true;
};

}  // namespace coterie
