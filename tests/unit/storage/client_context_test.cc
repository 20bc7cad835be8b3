#include <doctest/doctest.h>

#include "base/codec.h"
#include "base/limits.h"
#include "storage/versions.h"

using namespace coterie;

namespace {

ClientContext example() {
  return {.seen = VersionVector::from_sorted({{ActorId{0x11}, 1}, {ActorId{0x22}, 300}}).value(),
          .greatest = Timestamp{0x0102030405060708}};
}

Bytes with_checksum(Bytes body) {
  const std::uint64_t checksum = context_checksum(body);
  ByteWriter(body).u64(checksum);
  return body;
}

}  // namespace

TEST_CASE("a context's bytes are golden") {
  Bytes bytes = encode_context("key", example());
  CHECK(bytes == BytesView("\x01"                              // format
                           "\x2a\x60\x14\xa6\x8e\x24\x1a\xf9"  // the key's hash
                           "\x08\x07\x06\x05\x04\x03\x02\x01"  // greatest timestamp
                           "\x02"                              // entries
                           "\x11\x00\x00\x00\x00\x00\x00\x00\x01"
                           "\x22\x00\x00\x00\x00\x00\x00\x00\xac\x02"
                           "\xd2\xb0\xe9\xdd\xda\x22\x0b\x13",  // checksum
                           45));
  CHECK(decode_context("key", bytes).value() == example());
}

TEST_CASE("no bytes are the empty context") {
  CHECK(decode_context("key", "").value() == ClientContext{});
  const Bytes none = encode_context("key", {});
  CHECK_FALSE(none.empty());
  CHECK(decode_context("key", none).value() == ClientContext{});
}

TEST_CASE("a context of another key is told from garbage") {
  const Bytes bytes = encode_context("key", example());
  CHECK(decode_context("kez", bytes).error().code == ErrorCode::wrong_context);
  CHECK(decode_context("", bytes).error().code == ErrorCode::wrong_context);
  CHECK(decode_context("key", "garbage").error().code == ErrorCode::invalid_argument);
  CHECK(decode_context("key", std::string(100, 'x')).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("every truncation, extension and flipped bit of a context is found") {
  const Bytes bytes = encode_context("key", example());
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    CHECK(decode_context("key", BytesView(bytes).substr(0, size)).error().code ==
          ErrorCode::invalid_argument);
  }
  CHECK(decode_context("key", bytes + '\0').error().code == ErrorCode::invalid_argument);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CHECK(decode_context("key", flipped).error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("a context with a good checksum and bad contents is refused") {
  const Bytes bytes = encode_context("key", example());
  const Bytes body = bytes.substr(0, bytes.size() - 8);
  const auto code = [](const Bytes& changed) {
    return decode_context("key", with_checksum(changed)).error().code;
  };

  Bytes newer = body;
  newer[0] = 2;
  CHECK(code(newer) == ErrorCode::unsupported_version);
  Bytes more_entries = body;
  more_entries[17] = 3;
  CHECK(code(more_entries) == ErrorCode::invalid_argument);
  Bytes fewer_entries = body;
  fewer_entries[17] = 1;
  CHECK(code(fewer_entries) == ErrorCode::invalid_argument);
  Bytes unsorted = body;
  unsorted[18] = 0x23;
  CHECK(code(unsorted) == ErrorCode::invalid_argument);
  Bytes zero_sequence = body;
  zero_sequence[26] = 0;
  CHECK(code(zero_sequence) == ErrorCode::invalid_argument);
  Bytes huge_count = body.substr(0, 17);
  ByteWriter(huge_count).varint(~0ULL);
  CHECK(code(huge_count) == ErrorCode::invalid_argument);
}

TEST_CASE("a context has an edge at context_actors") {
  ClientContext context;
  for (std::uint64_t i = 0; i < limits::context_actors; ++i) context.seen.add(Dot{ActorId{i}, 1});
  Bytes bytes = encode_context("key", context);
  CHECK(decode_context("key", bytes).value() == context);

  Bytes over = bytes.substr(0, 17);
  ByteWriter writer(over);
  writer.varint(limits::context_actors + 1);
  for (std::uint64_t i = 0; i <= limits::context_actors; ++i) {
    writer.u64(i);
    writer.varint(1);
  }
  CHECK(decode_context("key", with_checksum(over)).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("a context from the far future is none") {
  ClientContext context;
  context.greatest.value = limits::timestamp_most;
  CHECK(decode_context("key", encode_context("key", context)));
  ++context.greatest.value;
  const auto decoded = decode_context("key", encode_context("key", context));
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().code == ErrorCode::invalid_argument);
}
