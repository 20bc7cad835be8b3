#include "node/control/staging.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <variant>

#include "base/codec.h"
#include "base/hash.h"
#include "base/limits.h"
#include "node/identity.h"

namespace coterie {
namespace {

constexpr const char* staged_file = "staged";
constexpr std::uint16_t staged_format = 1;
constexpr std::size_t checksum_bytes = 8;

using plan::StagedChange;

/// The order of these is the file's: StagedChange::index().
struct StagedWriter {
  ByteWriter& writer;

  void node(NodeId id) const {
    writer.u64(id.high);
    writer.u64(id.low);
  }
  void member(const Member& member) const {
    node(member.id);
    writer.sized(member.zone);
    writer.u32(member.weight);
    writer.sized(member.address);
  }
  void operator()(const plan::Join& join) const { member(join.member); }
  void operator()(const plan::Replace& replace) const {
    node(replace.node);
    member(replace.by);
    writer.u8(replace.is_dead ? 1 : 0);
  }
  void operator()(const plan::Weigh& weigh) const {
    node(weigh.node);
    writer.u32(weigh.weight);
  }
  void operator()(const plan::Rezone& rezone) const {
    node(rezone.node);
    writer.sized(rezone.zone);
  }
  void operator()(const plan::Leave& leave) const { node(leave.node); }
  void operator()(const plan::Remove& remove) const { node(remove.node); }
};

struct Read {
  ByteReader& reader;

  [[nodiscard]] NodeId node() const {
    const std::uint64_t high = reader.u64();
    return {.high = high, .low = reader.u64()};
  }
  [[nodiscard]] Member member() const {
    Member out{.id = node()};
    out.zone = reader.sized();
    out.weight = reader.u32();
    out.address = reader.sized();
    return out;
  }
  /// Nothing: there is no such kind.
  [[nodiscard]] std::optional<StagedChange> change() const {
    switch (reader.u8()) {
      case 0:
        return plan::Join{.member = member()};
      case 1: {
        plan::Replace replace{.node = node(), .by = member()};
        replace.is_dead = reader.u8() == 1;
        return replace;
      }
      case 2: {
        const NodeId id = node();
        return plan::Weigh{.node = id, .weight = reader.u32()};
      }
      case 3: {
        const NodeId id = node();
        return plan::Rezone{.node = id, .zone = std::string(reader.sized())};
      }
      case 4:
        return plan::Leave{.node = node()};
      case 5:
        return plan::Remove{.node = node()};
      default:
        return std::nullopt;
    }
  }
};

bool leaves(const Epoch& epoch, NodeId node) {
  return epoch.member(node) == nullptr || epoch.is_leaving(node);
}

/// Whether the epoch is, or begins, what was staged.
struct IsDoneBy {
  const Epoch& epoch;

  bool operator()(const plan::Join& join) const { return epoch.member(join.member.id) != nullptr; }
  bool operator()(const plan::Replace& replace) const {
    return epoch.member(replace.by.id) != nullptr;
  }
  bool operator()(const plan::Weigh& weigh) const {
    const auto* member = epoch.member(weigh.node);
    return member != nullptr && member->weight == weigh.weight;
  }
  bool operator()(const plan::Rezone& rezone) const {
    const auto* member = epoch.member(rezone.node);
    return member != nullptr && member->zone == rezone.zone;
  }
  bool operator()(const plan::Leave& leave) const { return leaves(epoch, leave.node); }
  bool operator()(const plan::Remove& remove) const { return leaves(epoch, remove.node); }
};

}  // namespace

Bytes Staging::encode(const Kept& kept) {
  Bytes out;
  ByteWriter writer(out);
  writer.u16(staged_format);
  writer.varint(kept.staged.size());
  for (const StagedChange& change : kept.staged) {
    writer.u8(static_cast<std::uint8_t>(change.index()));
    std::visit(StagedWriter{writer}, change);
  }
  writer.varint(kept.dropped.size());
  for (const std::string& line : kept.dropped) writer.sized(line);
  writer.u64(hash64(out));
  return out;
}

Result<Staging::Kept> Staging::decode(BytesView bytes) {
  const auto corrupt = [] {
    return fail(ErrorCode::corrupt, "what was staged at this node is lost, its file was damaged");
  };
  if (bytes.size() <= checksum_bytes) return corrupt();
  const BytesView body = bytes.substr(0, bytes.size() - checksum_bytes);
  ByteReader reader(body);
  if (ByteReader(bytes.substr(body.size())).u64() != hash64(body)) return corrupt();
  if (reader.u16() != staged_format) {
    return fail(ErrorCode::unsupported_version,
                "what was staged at this node is lost, another build wrote it");
  }
  Kept kept;
  const std::uint64_t staged = reader.varint();
  for (std::uint64_t i = 0; i < staged && reader.ok(); ++i) {
    auto change = Read{reader}.change();
    if (!change) return corrupt();
    kept.staged.push_back(*std::move(change));
  }
  const std::uint64_t dropped = reader.varint();
  for (std::uint64_t i = 0; i < dropped && reader.ok(); ++i) {
    kept.dropped.emplace_back(reader.sized());
  }
  if (!reader.finished()) return corrupt();
  return kept;
}

Result<void> Staging::open() {
  const auto bytes = read_file(files_, staged_file);
  if (!bytes) return std::unexpected(bytes.error());
  if (!*bytes) return {};
  auto kept = decode(**bytes);
  if (kept) {
    kept_ = *std::move(kept);
    return {};
  }
  return keep({.staged = {}, .dropped = {kept.error().message + "; stage it again"}});
}

Result<void> Staging::keep(Kept kept) {
  if (kept == kept_) return {};
  if (auto wrote = replace_file(files_, staged_file, encode(kept)); !wrote) return wrote;
  kept_ = std::move(kept);
  return {};
}

Result<void> Staging::add(const Epoch& base, std::span<const NodeId> former, StagedChange change) {
  Kept next = kept_;
  if (auto fine = plan::stage(base, former, next.staged, std::move(change)); !fine) return fine;
  return keep(std::move(next));
}

Result<void> Staging::remove(NodeId node) {
  Kept next = kept_;
  const auto removed = std::erase_if(next.staged, [node](const StagedChange& change) {
    return std::ranges::count(plan::nodes_of(change), node) != 0;
  });
  if (removed == 0) {
    return fail(ErrorCode::not_found, "nothing is staged here about node " + to_hex(node));
  }
  return keep(std::move(next));
}

Result<void> Staging::clear() {
  return keep({});
}

Result<void> Staging::settle(const Epoch& epoch, std::span<const NodeId> former) {
  Kept next{.staged = {}, .dropped = kept_.dropped};
  for (const StagedChange& change : kept_.staged) {
    if (std::visit(IsDoneBy{epoch}, change)) continue;
    if (auto fine = plan::stage(epoch, former, next.staged, change); !fine) {
      next.dropped.push_back(plan::words(change) + ": " + fine.error().message);
    }
  }
  if (next.dropped.size() > limits::nodes) {
    next.dropped.erase(next.dropped.begin(),
                       next.dropped.end() - static_cast<std::ptrdiff_t>(limits::nodes));
  }
  auto kept = keep(next);
  kept_ = std::move(next);
  return kept;
}

}  // namespace coterie
