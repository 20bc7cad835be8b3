#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/limits.h"
#include "storage/versions.h"

namespace coterie {
namespace {

constexpr std::uint8_t context_format = 1;
constexpr std::size_t context_checksum_bytes = 8;
constexpr std::size_t entry_least = 9;
constexpr std::size_t fixed_bytes = 1 + 8 + 8 + 3 + context_checksum_bytes;
constexpr std::size_t entry_most = 8 + 9;

constexpr std::uint64_t key_seed = 0x636f746572696533;
constexpr std::uint64_t context_checksum_seed = 0x636f746572696534;

Error no_context() {
  return {.code = ErrorCode::invalid_argument,
          .message = "these bytes are no context; hand back those of a read or write as they came"};
}

}  // namespace

std::uint64_t context_checksum(BytesView body) {
  return hash64(body, context_checksum_seed);
}

Bytes encode_context(BytesView key, const ClientContext& context) {
  check(context.seen.size() <= limits::context_actors, "a context has at most context_actors");
  Bytes out;
  const std::size_t most = fixed_bytes + entry_most * context.seen.size();
  out.resize_and_overwrite(most, [&](char* begin, std::size_t) {
    RoomyWriter writer(begin);
    writer.u8(context_format);
    writer.u64(hash64(key, key_seed));
    writer.u64(context.greatest.value);
    writer.varint(context.seen.size());
    for (const auto& [actor, sequence] : context.seen.entries()) {
      writer.u64(actor.value);
      writer.varint(sequence);
    }
    writer.u64(context_checksum({begin, writer.at()}));
    return writer.at() - begin;
  });
  return out;
}

Result<ClientContext> decode_context(BytesView key, BytesView bytes) {
  if (bytes.empty()) return ClientContext{};
  if (bytes.size() <= context_checksum_bytes) return std::unexpected(no_context());
  const BytesView body = bytes.substr(0, bytes.size() - context_checksum_bytes);
  if (ByteReader(bytes.substr(body.size())).u64() != context_checksum(body)) {
    return std::unexpected(no_context());
  }
  ByteReader reader(body);
  if (reader.u8() != context_format) {
    return fail(ErrorCode::unsupported_version, "the context was made by a newer build");
  }
  // The key is asked last: whether the bytes are a context at all comes before whose it is.
  const std::uint64_t bound_to = reader.u64();
  ClientContext context;
  context.greatest.value = reader.u64();
  const std::uint64_t count = reader.varint();
  if (count > limits::context_actors || count > reader.left() / entry_least) {
    return std::unexpected(no_context());
  }
  VersionVector::Entries entries;
  entries.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const ActorId actor{reader.u64()};
    entries.emplace_back(actor, reader.varint());
  }
  std::optional<VersionVector> seen = VersionVector::from_sorted(std::move(entries));
  // A forged one far ahead would leave no timestamp above it.
  const bool is_possible = context.greatest.value <= limits::timestamp_most;
  if (!reader.finished() || !seen || !is_possible) return std::unexpected(no_context());
  if (bound_to != hash64(key, key_seed)) {
    return fail(ErrorCode::wrong_context, "the context is of another key; read this key first");
  }
  context.seen = *std::move(seen);
  return context;
}

}  // namespace coterie
