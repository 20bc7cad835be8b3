#include "node/run_note.h"

#include <optional>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"
#include "node/identity.h"

namespace coterie {
namespace {

constexpr std::uint16_t note_format = 1;

/// Nothing: there is none. One that is damaged says nothing: a run in an unknown boot.
Result<std::optional<RunNote>> load(FileSystem& files, const std::string& path) {
  const auto stored = read_file(files, path);
  if (!stored) return std::unexpected(stored.error());
  if (!*stored) return std::nullopt;
  const auto note = decode_run_note(**stored);
  if (note) return *note;
  if (note.error().code == ErrorCode::corrupt) return RunNote{};
  return std::unexpected(note.error());
}

}  // namespace

Bytes encode_run_note(const RunNote& note) {
  Bytes out;
  ByteWriter writer(out);
  writer.u16(note_format);
  writer.u8(note.has_ended ? 1 : 0);
  writer.u64(note.doubt);
  writer.u16(static_cast<std::uint16_t>(note.boot.size()));
  writer.raw(note.boot);
  writer.u64(hash64(out));
  return out;
}

Result<RunNote> decode_run_note(BytesView bytes) {
  ByteReader reader(bytes);
  const std::uint16_t format = reader.u16();
  if (reader.ok() && format > note_format) {
    return fail(ErrorCode::unsupported_version,
                "a shard's note of its runs is of format " + std::to_string(format) +
                    ", written by a newer coterie-node; start that one");
  }
  const std::uint8_t has_ended = reader.u8();
  RunNote note{.has_ended = has_ended == 1, .doubt = reader.u64()};
  note.boot = reader.raw(reader.u16());
  const std::uint64_t sum = reader.u64();
  if (!reader.finished() || has_ended > 1 || sum != hash64(bytes.substr(0, bytes.size() - 8))) {
    return fail(ErrorCode::corrupt, "a shard's note of its runs is damaged");
  }
  return note;
}

Result<std::uint64_t> begin_run(FileSystem& files, const std::string& path, const RunBegin& begin) {
  check(begin.fresh_doubt != 0, "a doubt has a number");
  const auto before = load(files, path);
  if (!before) return std::unexpected(before.error());
  bool is_safe = !begin.has_data;
  std::uint64_t doubt = 0;
  if (*before) {
    doubt = (*before)->doubt;
    is_safe = (*before)->has_ended || (!begin.boot.empty() && (*before)->boot == begin.boot);
  }
  if (!is_safe) doubt = begin.fresh_doubt;
  const RunNote note{.boot = begin.boot, .has_ended = false, .doubt = doubt};
  if (auto wrote = replace_file(files, path, encode_run_note(note)); !wrote) {
    return std::unexpected(wrote.error());
  }
  return doubt;
}

Result<void> end_run(FileSystem& files, const std::string& path) {
  auto note = load(files, path);
  if (!note) return std::unexpected(note.error());
  if (!*note) return fail(ErrorCode::corrupt, "the shard's note of its run is gone");
  (*note)->has_ended = true;
  return replace_file(files, path, encode_run_note(**note));
}

}  // namespace coterie
