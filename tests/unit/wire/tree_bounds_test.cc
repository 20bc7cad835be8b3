#include <doctest/doctest.h>

#include <vector>

#include "base/limits.h"
#include "base/wire/codec.h"

namespace coterie::wire::tree_bounds_test {
namespace {

/// What a receiver says of the message; internal: takes it.
template <class T>
ErrorCode verdict(const T& message) {
  const Bytes frame = encode(message, Envelope{});
  const auto decoded = decode<T>(BytesView(frame).substr(header_bytes));
  return decoded ? ErrorCode::internal : decoded.error().code;
}

constexpr auto taken = ErrorCode::internal;
constexpr auto corrupt = ErrorCode::corrupt;
constexpr auto too_large = ErrorCode::too_large;

TEST_CASE("roots are compared a frame's worth at a time") {
  const std::vector<TreeRoot> most(limits::tree_roots_a_frame);
  auto more = most;
  more.push_back({});
  CHECK(verdict(TreeRoots{.roots = most}) == taken);
  CHECK(verdict(TreeRoots{.roots = more}) == too_large);
  const PartitionId beyond{limits::partitions_most};
  CHECK(verdict(TreeRoots{.roots = {{.partition = beyond}}}) == corrupt);
  CHECK(verdict(TreeRoots{.scope = {.partition = beyond}}) == corrupt);
  CHECK(verdict(TreeRootsReply{.states = std::vector<TreeState>(more.size())}) == too_large);
  CHECK(verdict(TreeRootsReply{.states = {static_cast<TreeState>(5)}}) == corrupt);
}

TEST_CASE("a tree that differs is one that was asked about, with all of its first level") {
  const std::vector<std::uint32_t> level(16);
  const std::vector<TreeState> one = {TreeState::differing};
  CHECK(verdict(TreeRootsReply{.states = one, .differing = {{.depth = 6, .cells = level}}}) ==
        taken);
  CHECK(verdict(TreeRootsReply{.states = one, .differing = {{}}}) == taken);
  CHECK(verdict(TreeRootsReply{.differing = {{}}}) == corrupt);
  CHECK(verdict(TreeRootsReply{.states = one, .differing = {{.place = 1}}}) == corrupt);
  CHECK(verdict(TreeRootsReply{.states = one, .differing = {{.depth = 7, .cells = level}}}) ==
        corrupt);
  CHECK(verdict(TreeRootsReply{.states = one, .differing = {{.depth = 1}}}) == corrupt);
  CHECK(verdict(TreeRootsReply{.states = one, .differing = {{.cells = level}}}) == corrupt);
  const std::vector<std::uint32_t> longer(17);
  CHECK(verdict(TreeRootsReply{.states = one, .differing = {{.depth = 1, .cells = longer}}}) ==
        too_large);
}

TEST_CASE("cells lie within their level") {
  const std::vector<std::uint32_t> most(limits::tree_cells_a_frame / 16);
  const std::vector<std::uint32_t> more(most.size() + 1);
  CHECK(verdict(TreeCells{.level = 5, .parents = most}) == taken);
  CHECK(verdict(TreeCells{.level = 5, .parents = more}) == too_large);
  CHECK(verdict(TreeCells{.level = 6}) == corrupt);
  CHECK(verdict(TreeCells{.level = 1, .parents = {15}}) == taken);
  CHECK(verdict(TreeCells{.level = 1, .parents = {16}}) == corrupt);
  const std::vector<std::uint32_t> cells(limits::tree_cells_a_frame);
  const std::vector<std::uint32_t> more_cells(cells.size() + 1);
  CHECK(verdict(TreeCellsReply{.depth = 6, .cells = cells}) == taken);
  CHECK(verdict(TreeCellsReply{.depth = 6, .cells = more_cells}) == too_large);
  CHECK(verdict(TreeCellsReply{.depth = 7}) == corrupt);
}

TEST_CASE("ranges and what is said of them have bounds") {
  const Bytes bound(limits::stored_key_bytes + 1, 'k');
  const Bytes beyond = bound + "k";
  const Bytes key(limits::stored_key_bytes, 'k');
  const std::vector<std::uint32_t> hashes(limits::range_hashes_a_frame);
  const std::vector<std::uint32_t> more(hashes.size() + 1);
  CHECK(verdict(RangeDigests{.from = bound, .to = bound, .hashes = hashes}) == taken);
  CHECK(verdict(RangeDigests{.hashes = more}) == too_large);
  const std::vector<std::uint16_t> more_short(more.size());
  CHECK(verdict(RangeDigests{.short_hashes = more_short}) == too_large);
  CHECK(verdict(RangeDigests{.from = beyond}) == too_large);
  CHECK(verdict(RangeDigests{.to = beyond}) == too_large);
  const std::vector<std::uint16_t> missing(limits::range_hashes_a_frame);
  const std::vector<std::uint16_t> more_missing(missing.size() + 1);
  const std::vector<RangeDigest> unknown(limits::scan_page_records, RangeDigest{.key = key});
  const std::vector<RangeDigest> more_unknown(unknown.size() + 1, RangeDigest{.key = key});
  CHECK(verdict(RangeDigestsReply{.unknown = unknown, .missing = missing, .covered_to = bound}) ==
        taken);
  CHECK(verdict(RangeDigestsReply{.unknown = more_unknown}) == too_large);
  CHECK(verdict(RangeDigestsReply{.missing = more_missing}) == too_large);
  CHECK(verdict(RangeDigestsReply{.covered_to = beyond}) == too_large);
  CHECK(verdict(RangeDigestsReply{.unknown = {{.key = "short"}}}) == corrupt);
  const std::vector<RangePiece> pieces(limits::range_pieces, RangePiece{.first = bound});
  const std::vector<RangePiece> more_pieces(pieces.size() + 1);
  CHECK(verdict(RangePiecesReply{.pieces = pieces, .covered_to = bound}) == taken);
  CHECK(verdict(RangePiecesReply{.pieces = more_pieces}) == too_large);
  CHECK(verdict(RangePiecesReply{.pieces = {{.first = beyond}}}) == too_large);
  CHECK(verdict(RangePieces{.from = bound, .to = bound}) == taken);
  CHECK(verdict(RangePieces{.from = beyond}) == too_large);
}

TEST_CASE("records are asked for a frame's worth at a time, and sent where they differ") {
  const Bytes key(limits::stored_key_bytes, 'k');
  const std::vector<RecordWanted> most(limits::records_a_frame, RecordWanted{.key = key});
  const std::vector<RecordWanted> more(most.size() + 1, RecordWanted{.key = key});
  CHECK(verdict(ReplicaRecords{.wanted = most}) == taken);
  CHECK(verdict(ReplicaRecords{.wanted = more}) == too_large);
  CHECK(verdict(ReplicaRecords{.wanted = {{.key = "short"}}}) == corrupt);
  CHECK(verdict(ReplicaRecordsReply{.answers = {{}}}) == taken);
  CHECK(verdict(ReplicaRecordsReply{.answers = std::vector<RecordAnswer>(more.size())}) ==
        too_large);
  CHECK(verdict(ReplicaRecordsReply{.answers = {{.state = RecordState::differing}}}) == corrupt);
  CHECK(verdict(ReplicaRecordsReply{.answers = {{.record = "r"}}}) == corrupt);
  CHECK(verdict(ReplicaRecordsReply{.answers = {{.state = static_cast<RecordState>(4)}}}) ==
        corrupt);
}

}  // namespace
}  // namespace coterie::wire::tree_bounds_test
