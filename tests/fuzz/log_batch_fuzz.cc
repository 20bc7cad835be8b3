#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"
#include "storage/log_format.h"
#include "storage/shard_trees.h"

using namespace coterie;

namespace {

constexpr std::size_t checksum_bytes = 8;

void read_batch(BytesView bytes, std::uint64_t log_id) {
  const auto header = log_format::read_header(bytes, log_id);
  if (!header) return;
  const auto payload = log_format::read_payload(bytes, *header);
  check(!payload || payload->size() == header->payload_bytes, "a payload is as long as it says");
  const auto partitions = log_format::read_partitions(bytes, *header);
  check(!partitions || partitions->size() <= header->partitions_bytes, "a partition has a byte");
}

void read_payload(BytesView payload) {
  while (!payload.empty()) {
    const auto before = payload.size();
    const auto writes = log_format::read_append(payload);
    if (!writes) return;
    check(payload.size() < before, "an append has bytes");
    Bytes again;
    log_format::write_append(again, *writes);
    BytesView rest = again;
    const auto same = log_format::read_append(rest);
    check(same && rest.empty() && same->size() == writes->size(), "an append reads back");
  }
}

}  // namespace

// The input is taken as a batch, as a header whose checksum is put right, as a payload, and as a
// stored leaf.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(reinterpret_cast<const char*>(data), size);
  ByteReader reader(input);
  reader.u64();
  const auto log_id = reader.u64();
  read_batch(input, log_id);
  if (size >= log_format::header_bytes) {
    constexpr auto covered = log_format::header_bytes - checksum_bytes;
    Bytes sealed(input.substr(0, covered));
    ByteWriter(sealed).u64(hash64(sealed, log_id));
    sealed += input.substr(log_format::header_bytes);
    read_batch(sealed, log_id);
  }
  read_payload(input);
  if (size >= 9) {
    const auto leaf = StoredLeaf::decode(input.substr(0, 9), input.substr(9));
    check(!leaf || leaf->key() == input.substr(0, 9), "a leaf has one key");
  }
  return 0;
}
