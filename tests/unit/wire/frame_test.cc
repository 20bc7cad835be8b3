#include "base/wire/frame.h"

#include <doctest/doctest.h>

#include <array>
#include <set>

#include "base/limits.h"
#include "tests/unit/wire/samples.h"

namespace coterie::wire {
namespace {

Bytes header_of(std::uint16_t kind, std::uint32_t body_bytes) {
  Bytes bytes(header_bytes, '\0');
  encode_header({.kind = static_cast<Kind>(kind),
                 .request_id = 0x1122334455667788,
                 .deadline_ms = 250,
                 .body_bytes = body_bytes},
                bytes.data());
  return bytes;
}

ErrorCode code_of(BytesView bytes) {
  const auto header = decode_header(bytes);
  REQUIRE(!header);
  CHECK(!header.error().message.empty());
  return header.error().code;
}

TEST_CASE("a header reads back as it was written") {
  const Bytes bytes = header_of(12, 4096);
  const auto header = decode_header(bytes);
  REQUIRE(header);
  CHECK(header->kind == Kind::put);
  CHECK(header->request_id == 0x1122334455667788);
  CHECK(header->deadline_ms == 250);
  CHECK(header->body_bytes == 4096);
}

TEST_CASE("a header's bytes are little-endian and fixed") {
  CHECK(header_of(12, 0x102030) == Bytes("\x30\x20\x10\x00"
                                         "\x0c\x00"
                                         "\x00\x00"
                                         "\x88\x77\x66\x55\x44\x33\x22\x11"
                                         "\xfa\x00\x00\x00"
                                         "COT1",
                                         24));
}

TEST_CASE("a header may be followed by more") {
  CHECK(decode_header(header_of(10, 8) + "body").has_value());
}

TEST_CASE("too few bytes, a wrong magic or an odd length are no frame") {
  const Bytes good = header_of(10, 64);
  for (std::size_t size = 0; size < header_bytes; ++size) {
    CHECK(code_of(BytesView(good).substr(0, size)) == ErrorCode::corrupt);
  }
  for (std::size_t i = 20; i < 24; ++i) {
    Bytes bad = good;
    bad[i] = '?';
    CHECK(code_of(bad) == ErrorCode::corrupt);
  }
  CHECK(code_of(header_of(10, 63)) == ErrorCode::corrupt);
  CHECK(code_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n") == ErrorCode::corrupt);
}

TEST_CASE("a frame of exactly the limit is taken, 8 bytes more are not") {
  constexpr auto most = static_cast<std::uint32_t>(limits::frame_bytes - header_bytes);
  CHECK(decode_header(header_of(10, most)).has_value());
  CHECK(code_of(header_of(10, most + 8)) == ErrorCode::too_large);
  CHECK(code_of(header_of(10, 0xfffffff8)) == ErrorCode::too_large);
}

TEST_CASE("kinds and flags of a later protocol are named as such") {
  Bytes flagged = header_of(10, 8);
  flagged[6] = 1;
  CHECK(code_of(flagged) == ErrorCode::unsupported_version);
  CHECK(code_of(header_of(0, 8)) == ErrorCode::unsupported_version);
  CHECK(code_of(header_of(0xffff, 8)) == ErrorCode::unsupported_version);
}

TEST_CASE("exactly the kinds that have a message are known") {
  std::set<std::uint16_t> known;
  for (std::uint32_t kind = 0; kind <= 0xffff; ++kind) {
    if (decode_header(header_of(static_cast<std::uint16_t>(kind), 8))) {
      known.insert(static_cast<std::uint16_t>(kind));
    }
  }
  std::set<std::uint16_t> sampled;
  for (const SampleFrame& sample : sample_frames()) {
    sampled.insert(static_cast<std::uint16_t>(decode_header(sample.frame)->kind));
  }
  CHECK(known == sampled);
}

}  // namespace
}  // namespace coterie::wire
