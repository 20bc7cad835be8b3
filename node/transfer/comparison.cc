#include "node/transfer/comparison.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "node/transfer/comparison_answers.h"
#include "node/transfer/folded.h"

namespace coterie::transfer {

namespace {

bool is_unsure(wire::TreeState state) {
  return state == wire::TreeState::equal_unsure || state == wire::TreeState::differing_unsure;
}

/// The first key of a leaf is a token; its last zero bytes bound nothing, since keys are longer.
void shorten(Bytes& token) {
  while (token.size() > 1 && token.back() == '\0') token.pop_back();
}

bool is_covered(BytesView key, const wire::RangeDigestsReply& reply) {
  return reply.covered_to.empty() || key < reply.covered_to;
}

/// The XOR of the hashes of what the other side says it holds alike.
std::uint64_t rest_of(const RangeContents& ours, const wire::RangeDigestsReply& reply) {
  std::uint64_t rest = 0;
  for (const auto& entry : ours.entries) {
    if (is_covered(entry.key, reply)) rest ^= entry.leaf_hash;
  }
  for (const auto place : reply.missing) {
    if (place >= ours.entries.size()) continue;
    const auto& entry = ours.entries[place];
    if (is_covered(entry.key, reply)) rest ^= entry.leaf_hash;
  }
  return rest;
}

}  // namespace

Comparison::Comparison(const Environment& environment, NodeId other,
                       std::vector<PartitionId> partitions, std::uint64_t salt, Events events)
    : env_(environment),
      other_(other),
      partitions_(std::move(partitions)),
      salt_(salt),
      events_(std::move(events)) {
  check(partitions_.size() <= limits::tree_roots_a_frame, "a comparison is of one frame's roots");
  for (const auto partition : partitions_) open_.try_emplace(partition, Open{.items = 1});
}

wire::ReplicaScope Comparison::scope_of(PartitionId partition) const {
  const auto* copy = env_.copies.copy(partition);
  if (copy == nullptr) return {.partition = partition};
  return {.partition = partition,
          .configuration = copy->configuration(),
          .generation = copy->generation()};
}

bool Comparison::step() {
  if (!has_asked_roots_) {
    has_asked_roots_ = true;
    ask_roots();
    return true;
  }
  if (items_.empty() || in_flight_ >= limits::comparison_window) return false;
  const Item item = std::move(items_.front());
  items_.pop_front();
  if (const auto* cells = std::get_if<Cells>(&item.what)) {
    ask(item.partition, *cells);
  } else {
    ask(item.partition, std::get<Range>(item.what));
  }
  return true;
}

/// `take` is called with a good answer; the item ends after it, or with the error of a bad one.
template <class Reply, class Message, class Take>
void Comparison::ask(PartitionId partition, const Message& message, Take take) {
  const std::weak_ptr<bool> alive = alive_;
  const bool is_asked = env_.others.ask(
      other_, message,
      [this, alive, partition, take = std::move(take)](Result<Reply> reply) mutable {
        if (alive.expired()) return;
        --in_flight_;
        if (!reply) return finish(partition, std::unexpected(reply.error()));
        take(*reply);
        finish(partition);
      });
  if (is_asked) {
    ++in_flight_;
  } else {
    finish(partition, fail(ErrorCode::unavailable, "the other owner cannot be asked now"));
  }
}

void Comparison::ask_roots() {
  if (partitions_.empty()) return;
  wire::TreeRoots message{.scope = scope_of(partitions_.front()), .salt = salt_};
  for (const auto partition : partitions_) {
    const auto* tree = env_.store.tree(partition);
    message.roots.push_back({.partition = partition,
                             .configuration = scope_of(partition).configuration,
                             .hash = tree == nullptr ? 0 : tree->root().hash});
  }
  const std::weak_ptr<bool> alive = alive_;
  const auto fail_all = [this](const Error& error) {
    const auto partitions = partitions_;
    for (const auto partition : partitions) finish(partition, std::unexpected(error));
  };
  const bool is_asked =
      env_.others.ask(other_, message, [this, alive, fail_all](Result<wire::TreeRootsReply> reply) {
        if (alive.expired()) return;
        --in_flight_;
        if (!reply) return fail_all(reply.error());
        if (reply->states.size() != partitions_.size()) {
          return fail_all({.code = ErrorCode::corrupt, .message = "not an answer for each root"});
        }
        take(*reply);
      });
  if (is_asked) {
    ++in_flight_;
  } else {
    fail_all({.code = ErrorCode::unavailable, .message = "the other owner cannot be asked now"});
  }
}

void Comparison::take(const wire::TreeRootsReply& reply) {
  for (const auto& difference : reply.differing) {
    open_difference(difference, is_unsure(reply.states[difference.place]));
  }
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    const auto state = reply.states[i];
    const bool is_equal = state == wire::TreeState::equal || state == wire::TreeState::equal_unsure;
    if (state == wire::TreeState::refused) {
      finish(partitions_[i],
             fail(ErrorCode::stale_configuration, "the other node has no such copy"));
    } else if (is_equal) {
      end(partitions_[i], {.outcome = {}, .is_equal = true, .is_unsure = is_unsure(state)});
    } else {
      finish(partitions_[i]);
    }
  }
}

/// Copies of different depth compare at the lesser one; one without records is at any.
unsigned Comparison::common_depth(PartitionId partition, unsigned theirs) const {
  const auto* tree = env_.store.tree(partition);
  return tree == nullptr ? 0 : std::min(tree->depth(), theirs);
}

void Comparison::open_difference(const wire::TreeDifference& difference, bool is_unsure) {
  const auto partition = partitions_[difference.place];
  auto& open = open_.at(partition);
  open.their_depth = difference.depth;
  open.is_unsure = is_unsure;
  if (common_depth(partition, difference.depth) == 0) {
    add_leaf(partition, 0, 0);
  } else {
    descend(partition, 0, {0}, difference.cells);
  }
}

/// `theirs`: the cells below `parents`, 16 each.
void Comparison::descend(PartitionId partition, unsigned level,
                         const std::vector<std::uint32_t>& parents,
                         const std::vector<std::uint32_t>& theirs) {
  const auto* tree = env_.store.tree(partition);
  const auto ours = folded_level(tree, level + 1, salt_);
  std::vector<std::uint32_t> differing;
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    const std::size_t cell = parents[i / tree_fan_out] * tree_fan_out + i % tree_fan_out;
    if (ours[cell] != theirs[i]) differing.push_back(static_cast<std::uint32_t>(cell));
  }
  if (level + 1 >= common_depth(partition, open_.at(partition).their_depth)) {
    for (const auto cell : differing) add_leaf(partition, level + 1, cell);
    return;
  }
  constexpr std::size_t most = limits::tree_cells_a_frame / tree_fan_out;
  for (std::size_t i = 0; i < differing.size(); i += most) {
    const auto from = differing.begin() + static_cast<std::ptrdiff_t>(i);
    const auto length = static_cast<std::ptrdiff_t>(std::min(most, differing.size() - i));
    add(partition, Cells{.level = level + 1, .parents = {from, from + length}});
  }
}

void Comparison::add(PartitionId partition, std::variant<Cells, Range> what) {
  ++open_.at(partition).items;
  items_.push_back({.partition = partition, .what = std::move(what)});
}

void Comparison::add_leaf(PartitionId partition, unsigned level, std::size_t cell) {
  const auto* tree = env_.store.tree(partition);
  KeyRange keys =
      tree != nullptr ? tree->range_of(level, cell) : range_of(partition, env_.copies.partitions());
  shorten(keys.from);
  shorten(keys.to);
  add(partition, Range{.keys = std::move(keys)});
}

void Comparison::ask(PartitionId partition, const Cells& cells) {
  const wire::TreeCells message{.scope = scope_of(partition),
                                .salt = salt_,
                                .level = static_cast<std::uint8_t>(cells.level),
                                .parents = cells.parents};
  ask<wire::TreeCellsReply>(
      partition, message, [this, partition, cells](const wire::TreeCellsReply& reply) {
        // The tree may have become shallower or deeper, here or there.
        const bool is_deep_enough = common_depth(partition, reply.depth) > cells.level &&
                                    reply.cells.size() == cells.parents.size() * tree_fan_out;
        if (!is_deep_enough) {
          for (const auto cell : cells.parents) {
            add_leaf(partition, cells.level, cell);
          }
          return;
        }
        open_.at(partition).their_depth = reply.depth;
        descend(partition, cells.level, cells.parents, reply.cells);
      });
}

void Comparison::ask(PartitionId partition, const Range& range) {
  const RangeBounds few{.records = limits::range_hashes_few};
  const auto ours = range.in_pieces ? read_range(env_.store, range.keys, few) : RangeContents{};
  if (!ours) return finish(partition, std::unexpected(ours.error()));
  if (ours->covered_to.empty()) {
    ask_digests(partition, range.keys);
  } else {
    ask_pieces(partition, range.keys);
  }
}

void Comparison::ask_digests(PartitionId partition, KeyRange keys) {
  const RangeBounds bounds{.records = limits::range_hashes_a_frame};
  auto ours = read_range(env_.store, keys, bounds);
  if (!ours) return finish(partition, std::unexpected(ours.error()));
  if (!ours->covered_to.empty()) {
    add(partition,
        Range{.keys = {.from = ours->covered_to, .to = std::exchange(keys.to, ours->covered_to)},
              .in_pieces = false});
  }
  for (const auto& key : ours->damaged) {
    env_.copies.note_damaged(partition, key);
  }
  wire::RangeDigests message{
      .scope = scope_of(partition), .salt = salt_, .from = keys.from, .to = keys.to};
  const bool is_short = !is_wide_ && ours->entries.size() <= limits::range_hashes_few;
  for (const auto& entry : ours->entries) {
    if (is_short) {
      message.short_hashes.push_back(folded_short(entry.leaf_hash, salt_));
    } else {
      message.hashes.push_back(folded(entry.leaf_hash, salt_));
    }
  }
  ask<wire::RangeDigestsReply>(partition, message,
                               [this, partition, keys, is_short,
                                ours = *std::move(ours)](const wire::RangeDigestsReply& reply) {
                                 if (is_short && rest_of(ours, reply) != reply.rest) {
                                   // Two short hashes hid a difference, or the other node is of an
                                   // older build.
                                   is_wide_ = true;
                                   return add(partition, Range{.keys = keys, .in_pieces = false});
                                 }
                                 take_digests(partition, keys, ours, reply);
                               });
}

void Comparison::take_digests(PartitionId partition, const KeyRange& keys,
                              const RangeContents& ours, const wire::RangeDigestsReply& reply) {
  std::vector<BytesView> differing;
  for (const auto& record : reply.unknown) {
    const bool is_within = record.key >= keys.from && (keys.to.empty() || record.key < keys.to);
    if (is_within && is_covered(record.key, reply)) differing.push_back(record.key);
  }
  for (const auto place : reply.missing) {
    if (place >= ours.entries.size()) continue;
    const auto& key = ours.entries[place].key;
    if (is_covered(key, reply)) differing.push_back(key);
  }
  std::ranges::sort(differing);
  const auto again = std::ranges::unique(differing);
  differing.erase(again.begin(), again.end());
  for (const auto key : differing) events_.differs(partition, key);
  // Only forward, whatever the other side says.
  if (!reply.covered_to.empty() && reply.covered_to > keys.from) {
    add(partition, Range{.keys = {.from = Bytes(reply.covered_to), .to = keys.to}});
  }
}

void Comparison::ask_pieces(PartitionId partition, const KeyRange& keys) {
  const wire::RangePieces message{.scope = scope_of(partition), .from = keys.from, .to = keys.to};
  ask<wire::RangePiecesReply>(partition, message,
                              [this, partition, keys](const wire::RangePiecesReply& reply) {
                                take_pieces(partition, keys, reply);
                              });
}

void Comparison::take_pieces(PartitionId partition, const KeyRange& keys,
                             const wire::RangePiecesReply& reply) {
  const auto& pieces = reply.pieces;
  const Bytes end = reply.covered_to.empty() ? keys.to : Bytes(reply.covered_to);
  if (!reply.covered_to.empty() && reply.covered_to > keys.from) {
    add(partition, Range{.keys = {.from = end, .to = keys.to}});
  }
  if (pieces.empty()) {
    return compare_piece(partition, {.from = keys.from, .to = end}, {}, {});
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    KeyRange piece{.from = i == 0 ? keys.from : Bytes(pieces[i].first),
                   .to = i + 1 == pieces.size() ? end : Bytes(pieces[i + 1].first)};
    const bool is_ordered = piece.to.empty() || piece.from < piece.to;
    if (!is_ordered) return;
    const auto ours = read_range(env_.store, piece, RangeBounds{});
    if (!ours) {
      add(partition, Range{.keys = std::move(piece), .in_pieces = false});
      continue;
    }
    compare_piece(partition, std::move(piece), pieces[i], *ours);
  }
}

void Comparison::compare_piece(PartitionId partition, KeyRange keys, const wire::RangePiece& theirs,
                               const RangeContents& ours) {
  const bool is_whole = ours.covered_to.empty() && ours.damaged.empty();
  TreeCell cell;
  for (const auto& entry : ours.entries) cell += {.hash = entry.leaf_hash, .records = 1};
  const bool is_equal =
      is_whole && cell == TreeCell{.hash = theirs.hash, .records = theirs.records};
  if (is_equal && theirs.records > 0) return;
  // Pieces again only where they become smaller.
  const bool in_pieces = theirs.records > limits::range_hashes_few;
  add(partition, Range{.keys = std::move(keys), .in_pieces = in_pieces});
}

void Comparison::finish(PartitionId partition, Result<void> outcome) {
  const auto open = open_.find(partition);
  if (open == open_.end()) return;
  if (!outcome && open->second.outcome) open->second.outcome = std::move(outcome);
  check(open->second.items > 0, "what is finished was begun");
  if (--open->second.items > 0) return;
  end(partition, {.outcome = open->second.outcome, .is_unsure = open->second.is_unsure});
}

void Comparison::end(PartitionId partition, const Compared& compared) {
  open_.erase(partition);
  events_.compared(partition, compared);
}

}  // namespace coterie::transfer
