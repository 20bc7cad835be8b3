#include "node/identity.h"

#include "base/codec.h"
#include "base/hash.h"

namespace coterie {
namespace {

constexpr std::string_view identity_path = "identity";
constexpr std::uint16_t identity_format = 1;
/// Room for an incarnation to rise within a run, by refuting accusations, without a write.
constexpr std::uint64_t incarnations_a_run = 1ULL << 20;

Bytes encode(const Identity& identity) {
  Bytes out;
  ByteWriter writer(out);
  writer.u16(identity_format);
  writer.u64(identity.node.high);
  writer.u64(identity.node.low);
  writer.u16(identity.shards);
  writer.u64(identity.incarnation);
  writer.u64(hash64(out));
  return out;
}

Result<Identity> decode(BytesView bytes) {
  ByteReader reader(bytes);
  const std::uint16_t format = reader.u16();
  if (reader.ok() && format > identity_format) {
    return fail(ErrorCode::unsupported_version,
                "the identity file is of format " + std::to_string(format) +
                    ", written by a newer coterie-node; start that one");
  }
  Identity identity;
  identity.node.high = reader.u64();
  identity.node.low = reader.u64();
  identity.shards = reader.u16();
  identity.incarnation = reader.u64();
  const std::uint64_t sum = reader.u64();
  if (!reader.finished() || sum != hash64(bytes.substr(0, bytes.size() - 8))) {
    return fail(ErrorCode::corrupt,
                "the identity file of the data directory is damaged; restore it from a backup "
                "of this node, or replace the node by an empty one");
  }
  return identity;
}

}  // namespace

Result<void> replace_file(FileSystem& files, const std::string& path, BytesView content) {
  const std::string fresh = path + ".new";
  auto file = files.open(fresh, FileSystem::Mode::create);
  if (!file) return std::unexpected(file.error());
  if (auto wrote = (*file)->write_at(0, content); !wrote) return wrote;
  if (auto synced = (*file)->sync(); !synced) return synced;
  file->reset();
  if (auto renamed = files.rename(fresh, path); !renamed) return renamed;
  return files.sync_directory("");
}

Result<std::optional<Bytes>> read_file(FileSystem& files, const std::string& path) {
  auto file = files.open(path, FileSystem::Mode::read);
  if (!file) {
    if (file.error().code == ErrorCode::not_found) return std::nullopt;
    return std::unexpected(file.error());
  }
  const auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  auto bytes = (*file)->read_at(0, *size);
  if (!bytes) return std::unexpected(bytes.error());
  return *std::move(bytes);
}

Result<std::optional<Identity>> load_identity(FileSystem& files) {
  const auto stored = read_file(files, std::string(identity_path));
  if (!stored) return std::unexpected(stored.error());
  if (!*stored) return std::nullopt;
  const auto identity = decode(**stored);
  if (!identity) return std::unexpected(identity.error());
  return *identity;
}

Result<void> keep_identity(FileSystem& files, const Identity& identity) {
  return replace_file(files, std::string(identity_path), encode(identity));
}

Result<Identity> open_identity(FileSystem& files, std::uint16_t shards, Random& random) {
  const auto stored = load_identity(files);
  if (!stored) return std::unexpected(stored.error());
  Identity identity;
  if (*stored) {
    identity = **stored;
    if (shards != 0 && identity.shards != shards) {
      return fail(
          ErrorCode::refused,
          "the data directory was made with node.shards = " + std::to_string(identity.shards) +
              ", and the configuration says " + std::to_string(shards) +
              "; the number is fixed: set it back, or replace the node by an empty one");
    }
    identity.incarnation += incarnations_a_run;
  } else {
    while (identity.node.is_zero()) identity.node = {.high = random.next(), .low = random.next()};
    identity.shards = shards;
    identity.incarnation = 1;
  }
  if (auto wrote = keep_identity(files, identity); !wrote) {
    return std::unexpected(wrote.error());
  }
  return identity;
}

}  // namespace coterie
