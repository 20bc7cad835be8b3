#include "node/control/recovery.h"

#include <string>

#include "base/codec.h"
#include "base/hash.h"
#include "node/identity.h"

namespace coterie {
namespace {

constexpr const char* recovery_path = "recovery";
constexpr std::uint16_t recovery_format = 1;

}  // namespace

Bytes encode_recovery(const Recovery& recovery) {
  Bytes out;
  ByteWriter writer(out);
  writer.u16(recovery_format);
  writer.u64(recovery.life);
  writer.u8(static_cast<std::uint8_t>(recovery.votes));
  writer.u32(recovery.through.lineage);
  writer.u64(recovery.through.number);
  writer.u64(hash64(out));
  return out;
}

Result<Recovery> decode_recovery(BytesView bytes) {
  ByteReader reader(bytes);
  const std::uint16_t format = reader.u16();
  if (reader.ok() && format > recovery_format) {
    return fail(ErrorCode::unsupported_version,
                "the file `recovery` is of format " + std::to_string(format) +
                    ", written by a newer coterie-node; start that one");
  }
  Recovery out;
  out.life = reader.u64();
  const std::uint8_t votes = reader.u8();
  out.votes = static_cast<Recovery::Votes>(votes);
  out.through.lineage = reader.u32();
  out.through.number = reader.u64();
  const std::uint64_t sum = reader.u64();
  const bool is_known = votes >= 1 && votes <= 3;
  if (!reader.finished() || !is_known || sum != hash64(bytes.substr(0, bytes.size() - 8))) {
    return fail(ErrorCode::corrupt,
                "the file `recovery` of the data directory is damaged: start the node with "
                "--recover-as and --discard-data once more, or replace it");
  }
  return out;
}

Result<std::optional<Recovery>> load_recovery(FileSystem& files) {
  const auto bytes = read_file(files, recovery_path);
  if (!bytes) return std::unexpected(bytes.error());
  if (!*bytes) return std::nullopt;
  auto recovery = decode_recovery(**bytes);
  if (!recovery) return std::unexpected(std::move(recovery.error()));
  return *recovery;
}

Result<void> keep_recovery(FileSystem& files, const Recovery& recovery) {
  return replace_file(files, recovery_path, encode_recovery(recovery));
}

}  // namespace coterie
