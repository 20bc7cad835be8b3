#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/codec.h"
#include "storage/record.h"
#include "storage/versions.h"

using namespace coterie;

namespace {

constexpr BytesView key = "key";

void use(const Record& record, BytesView bytes) {
  check(encode_record(key, record) == bytes, "a record has one encoding");
  const Result<std::uint64_t> digest_of_bytes = peek_digest(key, bytes);
  check(digest_of_bytes && *digest_of_bytes == digest(record), "both ways to a digest agree");
  check(sync(record, record, Resolver::siblings) == record, "sync is idempotent");
  check(sync(record, {}, Resolver::siblings) == record, "sync with nothing changes nothing");
  check(descends(record, record) && descends(record, {}), "a record descends from itself");
  const Record tombstone = remove(record, record.context, {ActorId{1}, sequence_most});
  check(tombstone.siblings.empty() && descends(tombstone, record), "a delete replaces all it saw");
  const Record winner = sync(record, tombstone, Resolver::lww);
  check(winner == tombstone, "what was replaced does not come back");
}

void decode(BytesView bytes) {
  const Result<Record> record = decode_record(key, bytes);
  if (record) use(*record, bytes);
}

}  // namespace

// The input is a record's bytes without their checksum, which no fuzzer would guess; it is added
// here. As it stands, the input is tried too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(reinterpret_cast<const char*>(data), size);
  decode(input);
  Bytes sealed(input);
  ByteWriter(sealed).u64(record_checksum(key, input));
  decode(sealed);
  return 0;
}
