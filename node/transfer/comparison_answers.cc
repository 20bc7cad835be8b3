#include "node/transfer/comparison_answers.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/limits.h"
#include "node/transfer/folded.h"
#include "storage/record.h"

namespace coterie::transfer {

namespace {

bool is_equal(wire::TreeState state) {
  return state == wire::TreeState::equal || state == wire::TreeState::equal_unsure;
}

wire::TreeState state_of(bool is_equal, bool is_unsure) {
  if (is_unsure) {
    return is_equal ? wire::TreeState::equal_unsure : wire::TreeState::differing_unsure;
  }
  return is_equal ? wire::TreeState::equal : wire::TreeState::differing;
}

}  // namespace

std::vector<std::uint32_t> folded_level(const PartitionTree* tree, unsigned level,
                                        std::uint64_t salt) {
  if (tree == nullptr) return std::vector<std::uint32_t>(std::size_t{1} << (4 * level));
  std::vector<std::uint32_t> out;
  for (const auto& cell : tree->level(level)) out.push_back(folded(cell.hash, salt));
  return out;
}

std::vector<wire::RangePiece> pieces_of(const std::vector<RangeContents::Entry>& entries) {
  std::vector<wire::RangePiece> out;
  const std::size_t length = (entries.size() + limits::range_pieces - 1) / limits::range_pieces;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i % length == 0) out.push_back({.first = entries[i].key});
    out.back().hash ^= entries[i].leaf_hash;
    out.back().records += 1;
  }
  return out;
}

bool ComparisonAnswers::takes(wire::Kind kind) {
  switch (kind) {
    case wire::Kind::tree_roots:
    case wire::Kind::tree_cells:
    case wire::Kind::range_digests:
    case wire::Kind::range_pieces:
    case wire::Kind::replica_records:
      return true;
    default:
      return false;
  }
}

template <class Message>
Result<Bytes> ComparisonAnswers::decoded(BytesView body, const wire::Envelope& to) {
  const auto message = wire::decode<Message>(body);
  if (!message) return std::unexpected(message.error());
  return answer(*message, to);
}

Result<Bytes> ComparisonAnswers::answer(wire::Kind kind, BytesView body,
                                        const wire::Envelope& envelope) {
  switch (kind) {
    case wire::Kind::tree_roots:
      return decoded<wire::TreeRoots>(body, envelope);
    case wire::Kind::tree_cells:
      return decoded<wire::TreeCells>(body, envelope);
    case wire::Kind::range_digests:
      return decoded<wire::RangeDigests>(body, envelope);
    case wire::Kind::range_pieces:
      return decoded<wire::RangePieces>(body, envelope);
    case wire::Kind::replica_records:
      return decoded<wire::ReplicaRecords>(body, envelope);
    default:
      return fail(ErrorCode::invalid_argument, "not a question about copies");
  }
}

Result<const replica::PartitionCopy*> ComparisonAnswers::copy_of(
    const wire::ReplicaScope& scope) const {
  const auto* copy = copies_.copy(scope.partition);
  const auto checked = replica::check_scope(copy, scope, replica::Use::read);
  // A copy that is only unsure says so in its answer.
  const bool is_held = copy != nullptr && scope.configuration == copy->configuration();
  if (!checked && !is_held) return std::unexpected(checked.error());
  return copy;
}

/// Of what is asked only what lies in the partition.
Result<KeyRange> ComparisonAnswers::range_of(PartitionId partition, BytesView from,
                                             BytesView to) const {
  const auto* tree = store_.tree(partition);
  if (tree == nullptr) return KeyRange{};
  KeyRange range = tree->range_of(0, 0);
  if (from > range.from) range.from = from;
  if (!to.empty() && (range.to.empty() || to < range.to)) range.to = to;
  return range;
}

Result<Bytes> ComparisonAnswers::answer(const wire::TreeRoots& message, const wire::Envelope& to) {
  wire::TreeRootsReply reply;
  for (std::size_t i = 0; i < message.roots.size(); ++i) {
    const auto& root = message.roots[i];
    const auto copy = copy_of({.partition = root.partition, .configuration = root.configuration});
    if (!copy) {
      reply.states.push_back(wire::TreeState::refused);
      continue;
    }
    const auto* tree = store_.tree(root.partition);
    const std::uint64_t hash = tree == nullptr ? 0 : tree->root().hash;
    const auto state = state_of(hash == root.hash, (*copy)->may_lack_data());
    reply.states.push_back(state);
    if (is_equal(state)) continue;
    const auto depth = static_cast<std::uint8_t>(tree == nullptr ? 0 : tree->depth());
    wire::TreeDifference difference{.place = static_cast<std::uint16_t>(i), .depth = depth};
    if (depth > 0) difference.cells = folded_level(tree, 1, message.salt);
    reply.differing.push_back(std::move(difference));
  }
  return wire::encode(reply, to);
}

Result<Bytes> ComparisonAnswers::answer(const wire::TreeCells& message, const wire::Envelope& to) {
  if (const auto copy = copy_of(message.scope); !copy) return std::unexpected(copy.error());
  const auto* tree = store_.tree(message.scope.partition);
  wire::TreeCellsReply reply{.depth = static_cast<std::uint8_t>(tree ? tree->depth() : 0)};
  if (message.level < reply.depth) {
    const auto cells = folded_level(tree, message.level + 1U, message.salt);
    for (const std::size_t parent : message.parents) {
      const auto from = cells.begin() + static_cast<std::ptrdiff_t>(parent * tree_fan_out);
      reply.cells.insert(reply.cells.end(), from, from + tree_fan_out);
    }
  }
  return wire::encode(reply, to);
}

template <class Message>
Result<RangeContents> ComparisonAnswers::contents_of(const Message& message) {
  if (const auto copy = copy_of(message.scope); !copy) return std::unexpected(copy.error());
  const auto range = range_of(message.scope.partition, message.from, message.to);
  if (!range) return std::unexpected(range.error());
  if (range->from.empty()) return RangeContents{};
  auto contents = read_range(store_, *range, RangeBounds{});
  if (!contents) return contents;
  for (const auto& key : contents->damaged) copies_.note_damaged(message.scope.partition, key);
  return contents;
}

Result<Bytes> ComparisonAnswers::answer(const wire::RangeDigests& message,
                                        const wire::Envelope& to) {
  const auto contents = contents_of(message);
  if (!contents) return std::unexpected(contents.error());
  const bool is_short = !message.short_hashes.empty();
  const auto fold = [&](const RangeContents::Entry& entry) -> std::uint32_t {
    return is_short ? folded_short(entry.leaf_hash, message.salt)
                    : folded(entry.leaf_hash, message.salt);
  };
  std::vector<std::uint32_t> sent = message.hashes;
  if (is_short) sent.assign(message.short_hashes.begin(), message.short_hashes.end());
  // How many more were sent than are held. Of several that fold alike any may be the one that
  // differs: all are named.
  std::map<std::uint32_t, std::int64_t> surplus;
  for (const auto hash : sent) ++surplus[hash];
  for (const auto& entry : contents->entries) --surplus[fold(entry)];
  wire::RangeDigestsReply reply{.covered_to = contents->covered_to};
  for (const auto& entry : contents->entries) {
    if (surplus[fold(entry)] == 0) {
      reply.rest ^= entry.leaf_hash;
      continue;
    }
    if (reply.unknown.size() == limits::scan_page_records) {
      reply.covered_to = entry.key;
      break;
    }
    reply.unknown.push_back({.key = entry.key});
  }
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if (surplus[sent[i]] != 0) reply.missing.push_back(static_cast<std::uint16_t>(i));
  }
  return wire::encode(reply, to);
}

Result<Bytes> ComparisonAnswers::answer(const wire::RangePieces& message,
                                        const wire::Envelope& to) {
  const auto contents = contents_of(message);
  if (!contents) return std::unexpected(contents.error());
  return wire::encode(wire::RangePiecesReply{.pieces = pieces_of(contents->entries),
                                             .covered_to = contents->covered_to},
                      to);
}

Result<Bytes> ComparisonAnswers::answer(const wire::ReplicaRecords& message,
                                        const wire::Envelope& to) {
  const auto copy = copy_of(message.scope);
  if (!copy) return std::unexpected(copy.error());
  wire::ReplicaRecordsReply reply{.generation = (*copy)->generation(),
                                  .is_unsure = (*copy)->may_lack_data()};
  std::vector<Bytes> records;
  records.reserve(message.wanted.size());  // what the reply borrows stays where it is
  std::size_t bytes = 0;
  for (const auto& wanted : message.wanted) {
    auto stored = store_.get(Space::records, wanted.key);
    if (!stored) return std::unexpected(stored.error());
    if (!*stored) {
      const auto state = wanted.digest == 0 ? wire::RecordState::same : wire::RecordState::absent;
      reply.answers.push_back({.state = state});
      continue;
    }
    const auto digest = peek_digest(wanted.key, **stored);
    if (!digest) {
      copies_.note_damaged(message.scope.partition, wanted.key);
      reply.answers.push_back({.state = wire::RecordState::damaged});
      continue;
    }
    if (*digest == wanted.digest) {
      reply.answers.push_back({.state = wire::RecordState::same});
      continue;
    }
    if (!records.empty() && bytes + (*stored)->size() > limits::scan_page_bytes) break;
    bytes += (*stored)->size();
    records.push_back(**std::move(stored));
    reply.answers.push_back({.state = wire::RecordState::differing, .record = records.back()});
  }
  return wire::encode(reply, to);
}

}  // namespace coterie::transfer
