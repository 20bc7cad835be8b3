#include "node/control/life_marks.h"

#include <algorithm>
#include <compare>
#include <tuple>
#include <utility>

#include "base/codec.h"
#include "base/hash.h"
#include "base/limits.h"

namespace coterie {
namespace {

constexpr std::uint16_t marks_format = 1;

auto vote_of(const wire::LifeMark& mark) {
  return std::tuple(mark.vote_slot, mark.promised.round, mark.promised.proposer,
                    mark.accepted.round, mark.accepted.proposer);
}

/// `told` lacks nothing of `known`.
void raise(wire::LifeMark& known, const wire::LifeMark& told) {
  const auto before = std::exchange(known, told);
  if (told.life != before.life) return;
  // Its logs may not be open yet.
  for (std::size_t i = 0; i < before.logs.size(); ++i) {
    if (i >= known.logs.size()) known.logs.push_back(before.logs[i]);
    if (known.logs[i].log_id == 0) known.logs[i] = before.logs[i];
  }
}

bool differs_in_length_only(const wire::LifeMark& one, wire::LifeMark other) {
  if (one.logs.size() != other.logs.size()) return false;
  for (std::size_t i = 0; i < one.logs.size(); ++i) other.logs[i].synced = one.logs[i].synced;
  return one == other;
}

void write_ballot(ByteWriter& writer, const wire::EpochBallot& ballot) {
  writer.u64(ballot.round);
  writer.u64(ballot.proposer.high);
  writer.u64(ballot.proposer.low);
}

wire::EpochBallot read_ballot(ByteReader& reader) {
  wire::EpochBallot out;
  out.round = reader.u64();
  out.proposer.high = reader.u64();
  out.proposer.low = reader.u64();
  return out;
}

void write_mark(ByteWriter& writer, const wire::LifeMark& mark) {
  writer.u64(mark.node.high);
  writer.u64(mark.node.low);
  writer.u64(mark.life);
  writer.u64(mark.incarnation);
  writer.u64(mark.run.value);
  writer.u32(mark.vote_slot.lineage);
  writer.u64(mark.vote_slot.number);
  write_ballot(writer, mark.promised);
  write_ballot(writer, mark.accepted);
  writer.u16(static_cast<std::uint16_t>(mark.logs.size()));
  for (const auto& log : mark.logs) {
    writer.u64(log.log_id);
    writer.u64(log.synced);
  }
}

wire::LifeMark read_mark(ByteReader& reader) {
  wire::LifeMark out;
  out.node.high = reader.u64();
  out.node.low = reader.u64();
  out.life = reader.u64();
  out.incarnation = reader.u64();
  out.run = RunId{reader.u64()};
  out.vote_slot.lineage = reader.u32();
  out.vote_slot.number = reader.u64();
  out.promised = read_ballot(reader);
  out.accepted = read_ballot(reader);
  const std::uint16_t logs = reader.u16();
  for (std::uint16_t i = 0; i < logs && reader.ok(); ++i) {
    wire::LogMark log;
    log.log_id = reader.u64();
    log.synced = reader.u64();
    out.logs.push_back(log);
  }
  return out;
}

}  // namespace

std::optional<std::string> what_is_missing(const wire::LifeMark& own, const wire::LifeMark& known) {
#ifdef COTERIE_PLANT_UNNOTICED_RESTORE  // defined only where a test must see it
  return std::nullopt;
#endif
  if (own.life != known.life) {
    if (own.life > known.life) return std::nullopt;
    return "it has begun anew since, by --recover-as";
  }
  if (own.run != known.run && own.incarnation <= known.incarnation) {
    return "it was started since";
  }
  if (vote_of(own) < vote_of(known)) return "it has voted since";
  const std::size_t logs = std::min(own.logs.size(), known.logs.size());
  for (std::size_t i = 0; i < logs; ++i) {
    if (own.logs[i].log_id == 0 || known.logs[i].log_id == 0) continue;
    if (own.logs[i].log_id != known.logs[i].log_id) {
      return "shard " + std::to_string(i) + " had another log";
    }
    if (own.logs[i].synced < known.logs[i].synced) {
      return "shard " + std::to_string(i) + " had written up to position " +
             std::to_string(known.logs[i].synced) + " and holds what lies below " +
             std::to_string(own.logs[i].synced + 1);
    }
  }
  return std::nullopt;
}

const wire::LifeMark& LifeMarks::take(const wire::LifeMark& told) {
  auto [at, is_new] = marks_.try_emplace(told.node, told);
  if (is_new) {
    has_changed_ = has_weighty_change_ = true;
  } else if (at->second != told && !what_is_missing(told, at->second)) {
    const auto before = at->second;
    raise(at->second, told);
    has_changed_ = true;
    has_weighty_change_ |= !differs_in_length_only(before, at->second);
  }
  return at->second;
}

const wire::LifeMark* LifeMarks::find(NodeId node) const {
  const auto at = marks_.find(node);
  return at == marks_.end() ? nullptr : &at->second;
}

void LifeMarks::forget_others(const std::set<NodeId>& members) {
  const auto gone =
      std::erase_if(marks_, [&](const auto& entry) { return !members.contains(entry.first); });
  if (gone > 0) has_changed_ = true;
}

Bytes LifeMarks::encode() {
  has_changed_ = has_weighty_change_ = false;
  Bytes out;
  ByteWriter writer(out);
  writer.u16(marks_format);
  writer.u32(static_cast<std::uint32_t>(marks_.size()));
  for (const auto& [node, mark] : marks_) write_mark(writer, mark);
  writer.u64(hash64(out));
  return out;
}

Result<void> LifeMarks::decode(BytesView bytes) {
  ByteReader reader(bytes);
  const std::uint16_t format = reader.u16();
  if (reader.ok() && format > marks_format) {
    return fail(ErrorCode::unsupported_version,
                "the file `marks` is of format " + std::to_string(format) +
                    ", written by a newer coterie-node; start that one");
  }
  const std::uint32_t count = reader.u32();
  std::map<NodeId, wire::LifeMark> marks;
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    auto mark = read_mark(reader);
    marks.insert_or_assign(mark.node, std::move(mark));
  }
  const std::uint64_t sum = reader.u64();
  if (!reader.finished() || sum != hash64(bytes.substr(0, bytes.size() - 8))) {
    return fail(ErrorCode::corrupt, "the file `marks` of the data directory is damaged");
  }
  marks_ = std::move(marks);
  return {};
}

}  // namespace coterie
