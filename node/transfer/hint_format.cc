#include "node/transfer/hint_format.h"

#include "base/codec.h"

namespace coterie::transfer {
namespace {

constexpr std::uint8_t since_format = 1;
constexpr std::uint8_t record_hint_format = 1;
constexpr char mark_prefix = 'h';

void write_node(ByteWriter& writer, NodeId node) {
  writer.u64_sorted(node.high);
  writer.u64_sorted(node.low);
}

NodeId read_node(ByteReader& reader) {
  NodeId node;
  node.high = reader.u64_sorted();
  node.low = reader.u64_sorted();
  return node;
}

/// The keys that begin with `prefix`.
HintRange beginning_with(Bytes prefix) {
  HintRange out{.from = prefix, .to = std::move(prefix)};
  while (!out.to.empty() && static_cast<std::uint8_t>(out.to.back()) == 0xff) out.to.pop_back();
  if (!out.to.empty()) out.to.back() = static_cast<char>(out.to.back() + 1);
  return out;
}

}  // namespace

Bytes encode_hint_key(const HintKey& hint) {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(hint.kind));
  write_node(writer, hint.target);
  writer.u32_sorted(hint.partition.value);
  writer.raw(hint.key);
  return out;
}

Result<HintKey> decode_hint_key(BytesView bytes) {
  ByteReader reader(bytes);
  const std::uint8_t kind = reader.u8();
  HintKey out;
  out.target = read_node(reader);
  out.partition = PartitionId{reader.u32_sorted()};
  out.key = reader.raw(reader.left());
  if (!reader.ok()) return fail(ErrorCode::corrupt, "a hint's key is malformed");
  if (kind != static_cast<std::uint8_t>(HintKind::strict) &&
      kind != static_cast<std::uint8_t>(HintKind::record)) {
    return fail(ErrorCode::unsupported_version, "a hint is of an unknown kind");
  }
  out.kind = static_cast<HintKind>(kind);
  return out;
}

HintRange hints_of(HintKind kind) {
  return beginning_with(Bytes(1, static_cast<char>(kind)));
}

HintRange hints_of(HintKind kind, NodeId target) {
  Bytes prefix;
  ByteWriter writer(prefix);
  writer.u8(static_cast<std::uint8_t>(kind));
  write_node(writer, target);
  return beginning_with(std::move(prefix));
}

HintRange hints_of(HintKind kind, NodeId target, PartitionId partition) {
  return beginning_with(
      encode_hint_key({.kind = kind, .target = target, .partition = partition, .key = {}}));
}

Bytes encode_mark_key(const MarkKey& mark) {
  Bytes out(1, mark_prefix);
  ByteWriter writer(out);
  writer.u32_sorted(mark.partition.value);
  write_node(writer, mark.target);
  return out;
}

Result<MarkKey> decode_mark_key(BytesView bytes) {
  ByteReader reader(bytes);
  const bool is_mark = reader.u8() == static_cast<std::uint8_t>(mark_prefix);
  MarkKey out;
  out.partition = PartitionId{reader.u32_sorted()};
  out.target = read_node(reader);
  if (!is_mark || !reader.finished()) return fail(ErrorCode::corrupt, "a mark is malformed");
  return out;
}

HintRange all_marks() {
  auto range = beginning_with(Bytes(1, mark_prefix));
  range.from += '\0';  // behind the pause
  return range;
}

Bytes pause_key() {
  return Bytes(1, mark_prefix);
}

Bytes encode_since(WallTime since) {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(since_format);
  writer.u64(static_cast<std::uint64_t>(since.time_since_epoch().count()));
  return out;
}

Result<WallTime> decode_since(BytesView bytes) {
  ByteReader reader(bytes);
  const std::uint8_t format = reader.u8();
  if (reader.ok() && format != since_format) {
    return fail(ErrorCode::unsupported_version, "a hint is of an unknown format");
  }
  const auto ms = static_cast<std::int64_t>(reader.u64());
  if (!reader.finished()) return fail(ErrorCode::corrupt, "a hint is malformed");
  return WallTime(std::chrono::milliseconds(ms));
}

Bytes encode_record_hint(const RecordHint& hint) {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(record_hint_format);
  writer.u64(static_cast<std::uint64_t>(hint.since.time_since_epoch().count()));
  writer.u64(hint.generation.value);
  writer.u8(hint.owners);
  writer.raw(hint.record);
  return out;
}

Result<RecordHint> decode_record_hint(BytesView bytes) {
  ByteReader reader(bytes);
  const std::uint8_t format = reader.u8();
  if (reader.ok() && format != record_hint_format) {
    return fail(ErrorCode::unsupported_version, "a hint is of an unknown format");
  }
  RecordHint out;
  out.since = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(reader.u64())));
  out.generation = Generation{reader.u64()};
  out.owners = reader.u8();
  out.record = reader.raw(reader.left());
  if (!reader.finished() || out.owners == 0 || out.record.empty()) {
    return fail(ErrorCode::corrupt, "a hint is malformed");
  }
  return out;
}

}  // namespace coterie::transfer
