#include "storage/log_format.h"

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"

namespace coterie::log_format {

namespace {

constexpr std::uint16_t flag_opening = 1;
constexpr std::uint16_t flag_other_spaces = 2;
constexpr std::size_t checksum_offset = header_bytes - 8;
constexpr std::uint8_t erase_bit = 0x80;

std::uint64_t round_up(std::uint64_t bytes) {
  return (bytes + alignment - 1) / alignment * alignment;
}

Bytes encode_header(const Header& header) {
  Bytes out;
  out.reserve(header_bytes);
  ByteWriter writer(out);
  writer.u32(magic);
  writer.u16(header.version);
  writer.u16(static_cast<std::uint16_t>((header.is_opening ? flag_opening : 0) |
                                        (header.has_other_spaces ? flag_other_spaces : 0)));
  writer.u64(header.log_id);
  writer.u64(header.run);
  writer.u64(header.first.value);
  writer.u32(header.appends);
  writer.u32(header.partitions_bytes);
  writer.u64(header.payload_bytes);
  writer.u64(header.synced.value);
  writer.u64(header.previous);
  writer.u64(header.payload_checksum);
  writer.u64(header.partitions_checksum);
  writer.u64(0);  // reserved
  check(out.size() == checksum_offset, "the log header's layout");
  return out;
}

}  // namespace

std::uint64_t Header::batch_bytes() const {
  return round_up(header_bytes + payload_bytes + partitions_bytes);
}

void finish_batch(Bytes& batch, Header& header, std::span<const std::uint32_t> partitions) {
  check(batch.size() >= header_bytes, "a batch begins with room for its header");
  header.payload_bytes = batch.size() - header_bytes;
  header.payload_checksum = hash64(BytesView(batch).substr(header_bytes), header.log_id);
  ByteWriter writer(batch);
  std::uint32_t before = 0;
  for (const auto partition : partitions) {
    writer.varint(partition - before);
    before = partition;
  }
  const auto list = BytesView(batch).substr(header_bytes + header.payload_bytes);
  header.partitions_bytes = static_cast<std::uint32_t>(list.size());
  header.partitions_checksum = hash64(list, header.log_id);
  batch.resize(header.batch_bytes(), '\0');
  auto encoded = encode_header(header);
  header.checksum = hash64(encoded, header.log_id);
  ByteWriter(encoded).u64(header.checksum);
  batch.replace(0, header_bytes, encoded);
}

std::optional<Header> read_header(BytesView bytes, std::uint64_t log_id) {
  if (bytes.size() < header_bytes) return std::nullopt;
  ByteReader reader(bytes.substr(0, header_bytes));
  if (reader.u32() != magic) return std::nullopt;
  Header header;
  header.version = reader.u16();
  const auto flags = reader.u16();
  header.is_opening = (flags & flag_opening) != 0;
  header.has_other_spaces = (flags & flag_other_spaces) != 0;
  header.log_id = reader.u64();
  header.run = reader.u64();
  header.first.value = reader.u64();
  header.appends = reader.u32();
  header.partitions_bytes = reader.u32();
  header.payload_bytes = reader.u64();
  header.synced.value = reader.u64();
  header.previous = reader.u64();
  header.payload_checksum = reader.u64();
  header.partitions_checksum = reader.u64();
  reader.u64();
  header.checksum = reader.u64();
  if (header.log_id != log_id) return std::nullopt;
  if (hash64(bytes.substr(0, checksum_offset), log_id) != header.checksum) return std::nullopt;
  return header;
}

std::optional<BytesView> read_payload(BytesView bytes, const Header& header) {
  if (bytes.size() < header_bytes || bytes.size() - header_bytes < header.payload_bytes) {
    return std::nullopt;
  }
  const auto payload = bytes.substr(header_bytes, header.payload_bytes);
  if (hash64(payload, header.log_id) != header.payload_checksum) return std::nullopt;
  return payload;
}

std::optional<std::vector<std::uint32_t>> read_partitions(BytesView bytes, const Header& header) {
  if (bytes.size() < header_bytes || bytes.size() - header_bytes < header.payload_bytes) {
    return std::nullopt;
  }
  const auto rest = bytes.substr(header_bytes + header.payload_bytes);
  if (rest.size() < header.partitions_bytes) return std::nullopt;
  const auto list = rest.substr(0, header.partitions_bytes);
  if (hash64(list, header.log_id) != header.partitions_checksum) return std::nullopt;
  std::vector<std::uint32_t> partitions;
  ByteReader reader(list);
  std::uint64_t partition = 0;
  while (reader.left() > 0) {
    partition += reader.varint();
    if (!reader.ok() || partition > UINT32_MAX) return std::nullopt;
    partitions.push_back(static_cast<std::uint32_t>(partition));
  }
  return partitions;
}

void write_append(Bytes& payload, std::span<const Write> writes) {
  ByteWriter writer(payload);
  writer.varint(writes.size());
  for (const auto& write : writes) {
    const auto space = static_cast<std::uint8_t>(write.space);
    writer.u8(write.value ? space : static_cast<std::uint8_t>(space | erase_bit));
    writer.sized(write.key);
    if (write.value) writer.sized(*write.value);
  }
}

Result<std::vector<Write>> read_append(BytesView& payload) {
  ByteReader reader(payload);
  const auto count = reader.varint();
  std::vector<Write> writes;
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    Write write;
    const auto space = reader.u8();
    write.space = static_cast<Space>(space & ~erase_bit);
    if (write.space < Space::records || write.space > Space::meta) {
      return fail(ErrorCode::corrupt, "a write to a space that does not exist");
    }
    write.key = reader.sized();
    if ((space & erase_bit) == 0) write.value = Bytes(reader.sized());
    writes.push_back(std::move(write));
  }
  if (!reader.ok()) return fail(ErrorCode::corrupt, "a malformed append");
  payload.remove_prefix(payload.size() - reader.left());
  return writes;
}

}  // namespace coterie::log_format
