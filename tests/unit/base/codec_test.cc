#include "base/codec.h"

#include <doctest/doctest.h>

#include <limits>

using coterie::ByteReader;
using coterie::Bytes;
using coterie::BytesView;
using coterie::ByteWriter;

TEST_CASE("what is written is read back") {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(7);
  writer.u16(0x1234);
  writer.u32(0x12345678);
  writer.u64(0x123456789abcdef0);
  writer.u64_sorted(5);
  writer.u32_sorted(6);
  writer.u16_sorted(7);
  for (const std::uint64_t value : {0ULL, 127ULL, 128ULL, ~0ULL}) writer.varint(value);
  writer.sized("value");

  ByteReader reader(out);
  CHECK(reader.u8() == 7);
  CHECK(reader.u16() == 0x1234);
  CHECK(reader.u32() == 0x12345678);
  CHECK(reader.u64() == 0x123456789abcdef0);
  CHECK(reader.u64_sorted() == 5);
  CHECK(reader.u32_sorted() == 6);
  CHECK(reader.u16_sorted() == 7);
  for (const std::uint64_t value : {0ULL, 127ULL, 128ULL, ~0ULL}) CHECK(reader.varint() == value);
  CHECK(reader.sized() == "value");
  CHECK(reader.finished());
}

TEST_CASE("numbers are little-endian, sorted ones big-endian") {
  Bytes out;
  ByteWriter writer(out);
  writer.u32(0x01020304);
  writer.u32_sorted(0x01020304);
  CHECK(out == BytesView("\x04\x03\x02\x01\x01\x02\x03\x04", 8));
}

TEST_CASE("a read past the end fails and stays failed") {
  ByteReader reader(BytesView("\x01\x02", 2));
  CHECK(reader.u32() == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.u8() == 0);
  CHECK_FALSE(reader.finished());
}

TEST_CASE("a size that exceeds what is left is refused") {
  ByteReader reader(
      BytesView("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                "abc",
                13));
  CHECK(reader.sized().empty());
  CHECK_FALSE(reader.ok());
}

TEST_CASE("a varint over 64 bits is refused") {
  for (const BytesView bytes : {BytesView("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10),
                                BytesView("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11)}) {
    ByteReader reader(bytes);
    CHECK(reader.varint() == 0);
    CHECK_FALSE(reader.ok());
  }
}

TEST_CASE("a varint longer than need be is refused") {
  for (const BytesView bytes :
       {BytesView("\x80\x00", 2), BytesView("\xff\x00", 2), BytesView("\x81\x80\x00", 3)}) {
    ByteReader reader(bytes);
    CHECK(reader.varint() == 0);
    CHECK_FALSE(reader.ok());
  }
  ByteReader zero(BytesView("\x00", 1));
  CHECK(zero.varint() == 0);
  CHECK(zero.ok());
}
