#include "storage/record.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/limits.h"

namespace coterie {
namespace {

constexpr std::uint8_t kind_eventual = 0;
constexpr std::size_t checksum_bytes = 8;
constexpr std::size_t head_bytes = 2;

constexpr std::uint8_t flag_delete = 1;
constexpr std::uint8_t flag_expires = 2;
constexpr std::uint8_t flag_request = 4;
constexpr std::uint8_t flags_known = flag_delete | flag_expires | flag_request;

// The least an entry takes, so that a count is bounded by the bytes that are there.
constexpr std::size_t context_entry_least = 9;
constexpr std::size_t dot_least = 2;
constexpr std::size_t content_least = 10;
constexpr std::size_t field_least = 2;

// Each use of the hash has a seed of its own, so that none can pass for another.
constexpr std::uint64_t checksum_seed = 0x636f746572696531;
constexpr std::uint64_t digest_seed = 0x636f746572696532;

std::size_t varint_bytes(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

std::size_t sized_bytes(BytesView bytes) {
  return varint_bytes(bytes.size()) + bytes.size();
}

/// Gives siblings' actors as places in the context; both ascend.
class ActorPlaces {
 public:
  explicit ActorPlaces(const VersionVector& context) : entries_(context.entries()) {}

  std::size_t of(const Dot& dot) {
    check(last_ < dot, "a record's siblings ascend, and no two have one dot");
    last_ = dot;
    while (place_ < entries_.size() && entries_[place_].first < dot.actor) ++place_;
    check(place_ < entries_.size() && entries_[place_].first == dot.actor &&
              dot.sequence <= entries_[place_].second,
          "a record's context covers its siblings");
    return place_;
  }

 private:
  std::span<const VersionVector::Entry> entries_;
  std::size_t place_ = 0;
  Dot last_;
};

std::size_t version_bytes(const Record& record) {
  std::size_t size = varint_bytes(record.context.size()) + varint_bytes(record.siblings.size()) +
                     varint_bytes(record.optional_fields.size());
  for (const auto& [actor, sequence] : record.context.entries()) size += 8 + varint_bytes(sequence);
  ActorPlaces places(record.context);
  for (const Sibling& sibling : record.siblings) {
    size += varint_bytes(places.of(sibling.dot)) + varint_bytes(sibling.dot.sequence);
  }
  for (const OptionalField& field : record.optional_fields) size += 1 + sized_bytes(field.bytes);
  return size;
}

void write_version(RoomyWriter& writer, const Record& record) {
  writer.varint(record.context.size());
  for (const auto& [actor, sequence] : record.context.entries()) {
    writer.u64(actor.value);
    writer.varint(sequence);
  }
  writer.varint(record.siblings.size());
  ActorPlaces places(record.context);
  for (const Sibling& sibling : record.siblings) {
    writer.varint(places.of(sibling.dot));
    writer.varint(sibling.dot.sequence);
  }
  writer.varint(record.optional_fields.size());
  for (const OptionalField& field : record.optional_fields) {
    writer.u8(field.type);
    writer.sized(field.bytes);
  }
}

std::uint8_t flags_of(const Sibling& sibling) {
  std::uint8_t flags = 0;
  if (sibling.is_delete) flags |= flag_delete;
  if (sibling.expires_ms != 0) flags |= flag_expires;
  if (!sibling.request.is_zero()) flags |= flag_request;
  return flags;
}

std::size_t content_bytes(const Sibling& sibling) {
  std::size_t size = 1 + 8 + sized_bytes(sibling.value);
  if (sibling.expires_ms != 0) size += varint_bytes(sibling.expires_ms);
  if (!sibling.request.is_zero()) size += 16;
  return size;
}

void write_content(RoomyWriter& writer, const Sibling& sibling) {
  writer.u8(flags_of(sibling));
  writer.u64(sibling.timestamp.value);
  if (sibling.expires_ms != 0) writer.varint(sibling.expires_ms);
  if (!sibling.request.is_zero()) {
    writer.u64(sibling.request.high);
    writer.u64(sibling.request.low);
  }
  writer.sized(sibling.value);
}

bool read_context(ByteReader& reader, Record& record) {
  const std::uint64_t count = reader.varint();
  if (count > limits::context_actors || count > reader.left() / context_entry_least) return false;
  VersionVector::Entries entries;
  entries.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const ActorId actor{reader.u64()};
    entries.emplace_back(actor, reader.varint());
  }
  std::optional<VersionVector> context = VersionVector::from_sorted(std::move(entries));
  if (!context) return false;
  record.context = *std::move(context);
  return reader.ok();
}

bool read_dots(ByteReader& reader, std::size_t contents, Record& record) {
  const std::uint64_t count = reader.varint();
  if (count > reader.left() / dot_least || count > contents / content_least) return false;
  const auto actors = record.context.entries();
  record.siblings.resize(count);
  Dot last;
  for (Sibling& sibling : record.siblings) {
    const std::uint64_t place = reader.varint();
    const std::uint64_t sequence = reader.varint();
    if (place >= actors.size() || sequence == 0 || sequence > actors[place].second) return false;
    sibling.dot = Dot{.actor = actors[place].first, .sequence = sequence};
    if (&sibling != record.siblings.data() && sibling.dot <= last) return false;
    last = sibling.dot;
  }
  return reader.ok();
}

bool read_fields(ByteReader& reader, Record& record) {
  const std::uint64_t count = reader.varint();
  if (count > reader.left() / field_least) return false;
  record.optional_fields.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint8_t type = reader.u8();
    const OptionalField field{.type = type, .bytes = reader.sized()};
    if (i > 0 && field <= record.optional_fields.back()) return false;
    record.optional_fields.push_back(field);
  }
  return reader.ok();
}

bool read_content(ByteReader& reader, Sibling& sibling) {
  const std::uint8_t flags = reader.u8();
  if ((flags & ~flags_known) != 0) return false;
  sibling.is_delete = (flags & flag_delete) != 0;
  sibling.timestamp.value = reader.u64();
  if ((flags & flag_expires) != 0) sibling.expires_ms = reader.varint();
  if ((flags & flag_request) != 0) {
    sibling.request.high = reader.u64();
    sibling.request.low = reader.u64();
  }
  sibling.value = reader.sized();
  // A flag whose field says nothing would be a second form of the same record.
  return reader.ok() && flags_of(sibling) == flags;
}

/// The bytes after format and kind, once the checksum holds.
Result<BytesView> open(BytesView key, BytesView bytes) {
  if (bytes.size() < head_bytes + checksum_bytes) {
    return fail(ErrorCode::corrupt, "the record is cut off");
  }
  const BytesView body = bytes.substr(0, bytes.size() - checksum_bytes);
  if (ByteReader(bytes.substr(body.size())).u64() != record_checksum(key, body)) {
    return fail(ErrorCode::corrupt, "the record's checksum does not match its bytes and key");
  }
  ByteReader reader(body);
  const std::uint8_t format = reader.u8();
  const std::uint8_t kind = reader.u8();
  if (format != record_format || kind != kind_eventual) {
    return fail(ErrorCode::unsupported_version, "the record was written by a newer build: format " +
                                                    std::to_string(format) + ", kind " +
                                                    std::to_string(kind));
  }
  return body.substr(head_bytes);
}

std::uint64_t digest_of_version(BytesView version) {
  return std::max<std::uint64_t>(1, hash64(version, digest_seed));
}

}  // namespace

std::uint64_t record_checksum(BytesView key, BytesView body) {
  return hash64(body, hash64(key, checksum_seed));
}

Bytes encode_record(BytesView key, const Record& record) {
  check(record.context.size() <= limits::context_actors, "a context has at most context_actors");
  const std::size_t version = version_bytes(record);
  std::size_t size = head_bytes + varint_bytes(version) + version + checksum_bytes;
  for (const Sibling& sibling : record.siblings) size += content_bytes(sibling);

  Bytes out;
  out.resize_and_overwrite(size, [&](char* begin, std::size_t) {
    RoomyWriter writer(begin);
    writer.u8(record_format);
    writer.u8(kind_eventual);
    writer.varint(version);
    write_version(writer, record);
    for (const Sibling& sibling : record.siblings) write_content(writer, sibling);
    writer.u64(record_checksum(key, {begin, size - checksum_bytes}));
    check(writer.at() == begin + size, "a record's size is known before it is written");
    return size;
  });
  return out;
}

Result<Record> decode_record(BytesView key, BytesView bytes) {
  const Result<BytesView> rest = open(key, bytes);
  if (!rest) return std::unexpected(rest.error());
  ByteReader reader(*rest);
  ByteReader version(reader.sized());
  Record record;
  bool ok = reader.ok() && read_context(version, record) &&
            read_dots(version, reader.left(), record) && read_fields(version, record) &&
            version.finished();
  for (Sibling& sibling : record.siblings) ok = ok && read_content(reader, sibling);
  if (!ok || !reader.finished()) {
    return fail(ErrorCode::corrupt, "the record is malformed though its checksum is right");
  }
  return record;
}

std::uint64_t digest(const Record& record) {
  Bytes version;
  version.resize_and_overwrite(version_bytes(record), [&](char* begin, std::size_t) {
    RoomyWriter writer(begin);
    write_version(writer, record);
    return writer.at() - begin;
  });
  return digest_of_version(version);
}

std::uint64_t digest_of_encoded(BytesView record) {
  ByteReader reader(record.substr(head_bytes));
  return digest_of_version(reader.sized());
}

Result<std::uint64_t> peek_digest(BytesView key, BytesView bytes) {
  const Result<BytesView> rest = open(key, bytes);
  if (!rest) return std::unexpected(rest.error());
  ByteReader reader(*rest);
  const BytesView version = reader.sized();
  if (!reader.ok()) {
    return fail(ErrorCode::corrupt, "the record is malformed though its checksum is right");
  }
  return digest_of_version(version);
}

std::uint64_t leaf_hash(BytesView key, std::uint64_t record_digest) {
  if (record_digest == 0) return 0;
  return std::max<std::uint64_t>(1, hash64(key, record_digest));
}

}  // namespace coterie
