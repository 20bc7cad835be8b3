#include "storage/record.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "base/codec.h"
#include "base/limits.h"
#include "tests/unit/last_words.h"

namespace coterie::record_test {

namespace {

constexpr BytesView key = "the key";

Record example() {
  Record record;
  record.context = VersionVector::from_sorted({{ActorId{0x11}, 2}, {ActorId{0x22}, 300}}).value();
  record.siblings.push_back({.dot = {ActorId{0x11}, 2},
                             .timestamp = Timestamp{0x0102},
                             .expires_ms = 1000,
                             .request = {.high = 3, .low = 4},
                             .value = "one"});
  record.siblings.push_back({.dot = {ActorId{0x22}, 299}, .is_delete = true});
  record.optional_fields.push_back({.type = 9, .bytes = "later"});
  return record;
}

Bytes with_checksum(Bytes body) {
  const std::uint64_t checksum = record_checksum(key, body);
  ByteWriter(body).u64(checksum);
  return body;
}

Bytes body_of(const Record& record) {
  const Bytes bytes = encode_record(key, record);
  return bytes.substr(0, bytes.size() - 8);
}

}  // namespace

TEST_CASE("a record's bytes are golden") {
  const Bytes bytes = encode_record(key, example());
  CHECK(bytes == BytesView("\x01"  // format
                           "\x00"  // kind
                           "\x22"  // the version's length
                           "\x02"  // context
                           "\x11\x00\x00\x00\x00\x00\x00\x00\x02"
                           "\x22\x00\x00\x00\x00\x00\x00\x00\xac\x02"
                           "\x02"  // dots
                           "\x00\x02"
                           "\x01\xab\x02"
                           "\x01"  // optional fields
                           "\x09\x05later"
                           "\x06"  // first sibling: expires, request
                           "\x02\x01\x00\x00\x00\x00\x00\x00"
                           "\xe8\x07"
                           "\x03\x00\x00\x00\x00\x00\x00\x00"
                           "\x04\x00\x00\x00\x00\x00\x00\x00"
                           "\x03one"
                           "\x01"  // second: a delete
                           "\x00\x00\x00\x00\x00\x00\x00\x00"
                           "\x00"
                           "\x65\x23\xbc\x5e\x65\x93\xec\xb8",  // checksum
                           86));
  CHECK(decode_record(key, bytes).value() == example());
}

TEST_CASE("digest and leaf hash are golden") {
  const std::uint64_t version = digest(example());
  CHECK(version == 0x349a284738c7a131);
  CHECK(leaf_hash(key, version) == 0x2d7820df48977e72);
  CHECK(digest(Record{}) != 0);
  CHECK(leaf_hash(key, 0) == 0);
}

TEST_CASE("a decoded value borrows the bytes it came from") {
  const Bytes bytes = encode_record(key, example());
  const Record record = decode_record(key, bytes).value();
  const char* value = record.siblings[0].value.data();
  CHECK((value >= bytes.data() && value < bytes.data() + bytes.size()));
}

TEST_CASE("records of every shape are read back") {
  for (std::size_t siblings = 0; siblings < 4; ++siblings) {
    for (std::size_t fields = 0; fields < 3; ++fields) {
      Record record;
      const std::string value(1U << (siblings * 5), 'v');
      for (std::uint64_t i = 0; i < siblings; ++i) {
        const Dot dot{ActorId{~i}, sequence_most - i};
        record.context.add(dot);
        record.siblings.insert(record.siblings.begin(),
                               {.dot = dot, .timestamp = {~0ULL}, .expires_ms = i, .value = value});
      }
      record.context.add(Dot{ActorId{0}, 1});
      const std::string bytes = "same";
      for (std::size_t i = 0; i < fields; ++i) {
        record.optional_fields.push_back({.type = 3, .bytes = BytesView(bytes).substr(0, i)});
      }
      const Bytes encoded = encode_record(key, record);
      CHECK(decode_record(key, encoded).value() == record);
      CHECK(peek_digest(key, encoded).value() == digest(record));
      CHECK(digest(record) != 0);
    }
  }
}

TEST_CASE("every truncation, extension, flipped bit and foreign key is found") {
  const Bytes bytes = encode_record(key, example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const BytesView cut = BytesView(bytes).substr(0, size);
    CHECK(decode_record(key, cut).error().code == ErrorCode::corrupt);
    CHECK(peek_digest(key, cut).error().code == ErrorCode::corrupt);
  }
  CHECK(decode_record(key, bytes + '\0').error().code == ErrorCode::corrupt);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CHECK(decode_record(key, flipped).error().code == ErrorCode::corrupt);
    CHECK(peek_digest(key, flipped).error().code == ErrorCode::corrupt);
  }
  CHECK(decode_record("the kez", bytes).error().code == ErrorCode::corrupt);
  CHECK(peek_digest("the kez", bytes).error().code == ErrorCode::corrupt);
}

TEST_CASE("a newer format or kind is told from damage") {
  for (const std::size_t at : {0U, 1U}) {
    Bytes body = body_of(example());
    body[at] = 7;
    const Bytes bytes = with_checksum(body);
    CHECK(decode_record(key, bytes).error().code == ErrorCode::unsupported_version);
    CHECK(peek_digest(key, bytes).error().code == ErrorCode::unsupported_version);
  }
}

TEST_CASE("each byte changed under a good checksum gives another record or an error") {
  const Bytes body = body_of(example());
  std::set<Bytes> records{encode_record(key, example())};
  for (std::size_t at = 2; at < body.size(); ++at) {
    for (const int change : {1, 2, 0x80, 0xff}) {
      Bytes changed = body;
      changed[at] = static_cast<char>(changed[at] ^ change);
      const Bytes bytes = with_checksum(changed);
      const Result<Record> record = decode_record(key, bytes);
      if (!record) {
        CHECK(record.error().code == ErrorCode::corrupt);
        continue;
      }
      CHECK(encode_record(key, *record) == bytes);
      CHECK(records.insert(bytes).second);
    }
  }
  for (std::size_t size = 2; size < body.size(); ++size) {
    CHECK(decode_record(key, with_checksum(body.substr(0, size))).error().code ==
          ErrorCode::corrupt);
  }
  CHECK(decode_record(key, with_checksum(body + '\0')).error().code == ErrorCode::corrupt);
}

TEST_CASE("a flag whose field says nothing is refused") {
  const auto patched = [](const Sibling& sibling, std::size_t from_end) {
    Record record;
    record.context.add(sibling.dot);
    record.siblings.push_back(sibling);
    Bytes body = body_of(record);
    CHECK(body[body.size() - from_end] == 1);
    body[body.size() - from_end] = 0;
    return decode_record(key, with_checksum(body));
  };
  const Dot dot{ActorId{1}, 1};
  // Before the value's length: the expiry's one byte, or the low half of the request id.
  CHECK(patched({.dot = dot, .expires_ms = 1}, 2).error().code == ErrorCode::corrupt);
  CHECK(patched({.dot = dot, .request = {.high = 0, .low = 1}}, 9).error().code ==
        ErrorCode::corrupt);
}

TEST_CASE("counts are bounded by the bytes that are there before anything is allocated") {
  const auto refuses = [](const Bytes& version) {
    Bytes body("\x01\x00", 2);
    ByteWriter(body).sized(version);
    return !decode_record(key, with_checksum(body)).has_value();
  };
  for (const std::uint64_t count : {std::uint64_t{1}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    for (const BytesView before : {BytesView(), BytesView("\0", 1), BytesView("\0\0", 2)}) {
      Bytes version(before);
      ByteWriter(version).varint(count);
      CHECK(refuses(version));
    }
  }
  CHECK_FALSE(refuses(Bytes("\0\0\0", 3)));
  // Enough bytes for dots, none for what they name.
  CHECK(
      refuses(Bytes("\x01"
                    "aaaaaaaa\x7f"
                    "\x03\x00\x01\x00\x02\x00\x03\x00",
                    18)));
}

TEST_CASE("a record's context has an edge at context_actors") {
  Record record;
  for (std::uint64_t i = 0; i < limits::context_actors; ++i) record.context.add(Dot{ActorId{i}, 1});
  CHECK(decode_record(key, encode_record(key, record)).value() == record);

  Bytes version;
  ByteWriter writer(version);
  writer.varint(limits::context_actors + 1);
  for (std::uint64_t i = 0; i <= limits::context_actors; ++i) {
    writer.u64(i);
    writer.varint(1);
  }
  writer.u16(0);
  Bytes body("\x01\x00", 2);
  ByteWriter(body).sized(version);
  CHECK(decode_record(key, with_checksum(body)).error().code == ErrorCode::corrupt);
}

TEST_CASE("the digest tells versions apart and ignores what dots name") {
  const Record record = example();
  Record same = record;
  same.siblings[0].value = "two";
  same.siblings[0].timestamp = Timestamp{99};
  CHECK(digest(same) == digest(record));

  Record other_context = record;
  other_context.context.add(Dot{ActorId{0x33}, 1});
  Record fewer_dots = record;
  fewer_dots.siblings.pop_back();
  Record other_dot = record;
  other_dot.siblings[1].dot.sequence = 298;
  Record no_fields = record;
  no_fields.optional_fields.clear();
  const std::set<std::uint64_t> digests{digest(record),     digest(other_context),
                                        digest(fewer_dots), digest(other_dot),
                                        digest(no_fields),  digest(Record{})};
  CHECK(digests.size() == 6);
  CHECK(leaf_hash("a", digest(record)) != leaf_hash("b", digest(record)));
  CHECK(leaf_hash("a", digest(record)) != leaf_hash("a", digest(fewer_dots)));
}

TEST_CASE("a record that its own rules refuse is never written") {
  const Sibling one{.dot = {ActorId{1}, 2}, .value = "a"};
  Record record{.siblings = {one, one}};
  record.context.add(one.dot);
  CHECK(last_words([&] { (void)encode_record("key", record); }).find("no two have one dot") !=
        std::string::npos);
  Record uncovered{.siblings = {one}};
  uncovered.context.add({ActorId{1}, 1});
  CHECK(last_words([&] { (void)encode_record("key", uncovered); }).find("covers its siblings") !=
        std::string::npos);
}

}  // namespace coterie::record_test
