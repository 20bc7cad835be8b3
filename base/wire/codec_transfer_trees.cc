// How owners compare their copies of a partition: the peer door.

#include <algorithm>

#include "base/wire/codec.h"
#include "base/wire/fields.h"
#include "base/wire/frame_builder.h"

namespace coterie::wire {

namespace {

constexpr std::uint8_t level_most = 5;  // of cells that have cells below them
constexpr std::uint8_t depth_most = 6;
constexpr std::size_t children = 16;

template <class T>
std::vector<T> read_numbers(const flatbuffers::Vector<T>* list, std::size_t most,
                            std::string_view name, Fields& fields) {
  if (fields.count(list, most, name) == 0) return {};
  return {list->begin(), list->end()};
}

/// Nothing is written for no numbers.
template <class T>
flatbuffers::Offset<flatbuffers::Vector<T>> numbers(const std::vector<T>& list,
                                                    FrameBuilder& frame) {
  if (list.empty()) return {};
  return (*frame).CreateVector(list);
}

TreeRoots read_roots(const fb::TreeRoots& table, Fields& fields) {
  TreeRoots message{.scope = fields.scope(*table.scope()), .salt = table.salt()};
  const auto* roots = table.roots();
  const auto size = fields.count(roots, limits::tree_roots_a_frame, "the roots");
  // FlatBuffers' verifier leaves this out for vectors of structs.
  const bool aligned =
      size == 0 || reinterpret_cast<std::uintptr_t>(roots->Data()) % alignof(fb::TreeRoot) == 0;
  if (!fields.require(aligned, "a list of roots is not aligned")) return message;
  message.roots.reserve(size);
  for (std::uint32_t i = 0; i < size; ++i) {
    const fb::TreeRoot& root = *roots->Get(i);
    message.roots.push_back({.partition = fields.partition(root.partition()),
                             .configuration = ConfigurationNumber{root.configuration()},
                             .hash = root.hash()});
  }
  return message;
}

TreeRootsReply read_roots_reply(const fb::TreeRootsReply& table, Fields& fields) {
  TreeRootsReply reply;
  const BytesView states =
      fields.bytes(table.states(), limits::tree_roots_a_frame, "the list of states");
  reply.states.reserve(states.size());
  for (const char each : states) {
    const auto state = static_cast<std::uint8_t>(each);
    fields.require(state <= static_cast<std::uint8_t>(TreeState::refused),
                   "the state of a tree is not known");
    reply.states.push_back(static_cast<TreeState>(state));
  }
  reply.differing = fields.list(
      table.differing(), limits::tree_roots_a_frame, "the differences",
      [&](const fb::TreeDifference& each) -> TreeDifference {
        fields.require(each.place() < states.size(), "a difference of no root");
        fields.require(each.depth() <= depth_most, "a tree is too deep");
        auto cells = read_numbers(each.cells(), children, "a tree's first level", fields);
        fields.require(cells.size() == (each.depth() == 0 ? 0 : children),
                       "a tree's first level has 16 cells");
        return {.place = each.place(), .depth = each.depth(), .cells = std::move(cells)};
      });
  return reply;
}

TreeCells read_cells(const fb::TreeCells& table, Fields& fields) {
  TreeCells message{
      .scope = fields.scope(*table.scope()), .salt = table.salt(), .level = table.level()};
  fields.require(message.level <= level_most, "the level is too deep");
  message.parents = read_numbers(table.parents(), limits::tree_cells_a_frame / children,
                                 "the list of cells", fields);
  const unsigned level = std::min<unsigned>(message.level, level_most);
  for (const auto parent : message.parents) {
    fields.require((std::uint64_t{parent} >> (4 * level)) == 0, "a cell beyond its level");
  }
  return message;
}

TreeCellsReply read_cells_reply(const fb::TreeCellsReply& table, Fields& fields) {
  fields.require(table.depth() <= depth_most, "a tree is too deep");
  return {.depth = table.depth(),
          .cells =
              read_numbers(table.cells(), limits::tree_cells_a_frame, "the list of cells", fields)};
}

RangeDigests read_digests(const fb::RangeDigests& table, Fields& fields) {
  return {.scope = fields.scope(*table.scope()),
          .salt = table.salt(),
          .from = fields.bound(table.from(), "the first key"),
          .to = fields.bound(table.to(), "the end's key"),
          .hashes = read_numbers(table.hashes(), limits::range_hashes_a_frame, "the list of hashes",
                                 fields),
          .short_hashes = read_numbers(table.short_hashes(), limits::range_hashes_a_frame,
                                       "the list of hashes", fields)};
}

RangeDigestsReply read_digests_reply(const fb::RangeDigestsReply& table, Fields& fields) {
  const auto read = [&](const fb::RangeDigest& each) -> RangeDigest {
    return {.key = fields.stored_key(each.key()), .digest = each.digest()};
  };
  return {.unknown =
              fields.list(table.unknown(), limits::scan_page_records, "the list of records", read),
          .missing = read_numbers(table.missing(), limits::range_hashes_a_frame,
                                  "the list of missing records", fields),
          .covered_to = fields.bound(table.covered_to(), "the end's key"),
          .rest = table.rest()};
}

RangePieces read_pieces(const fb::RangePieces& table, Fields& fields) {
  return {.scope = fields.scope(*table.scope()),
          .from = fields.bound(table.from(), "the first key"),
          .to = fields.bound(table.to(), "the end's key")};
}

RangePiecesReply read_pieces_reply(const fb::RangePiecesReply& table, Fields& fields) {
  const auto read = [&](const fb::RangePiece& each) -> RangePiece {
    return {.first = fields.bound(each.first(), "a piece's key"),
            .hash = each.hash(),
            .records = each.records()};
  };
  return {.pieces = fields.list(table.pieces(), limits::range_pieces, "the list of pieces", read),
          .covered_to = fields.bound(table.covered_to(), "the end's key")};
}

ReplicaRecords read_records(const fb::ReplicaRecords& table, Fields& fields) {
  const auto read = [&](const fb::RecordWanted& each) -> RecordWanted {
    return {.key = fields.stored_key(each.key()), .digest = each.digest()};
  };
  return {
      .scope = fields.scope(*table.scope()),
      .wanted = fields.list(table.wanted(), limits::records_a_frame, "the list of records", read)};
}

ReplicaRecordsReply read_records_reply(const fb::ReplicaRecordsReply& table, Fields& fields) {
  const auto read = [&](const fb::RecordAnswer& each) {
    const RecordAnswer answer{
        .state = static_cast<RecordState>(each.state()),
        .record = fields.bytes(each.record(), limits::frame_bytes, "a record")};
    fields.require(each.state() <= static_cast<std::uint8_t>(RecordState::damaged),
                   "the state of a record is not known");
    fields.require(answer.record.empty() == (answer.state != RecordState::differing),
                   "a record is sent if it differs, and only then");
    return answer;
  };
  return {
      .answers = fields.list(table.answers(), limits::records_a_frame, "the list of records", read),
      .generation = Generation{table.generation()},
      .is_unsure = table.is_unsure()};
}

}  // namespace

Bytes encode(const TreeRoots& message, const Envelope& envelope) {
  FrameBuilder frame;
  std::vector<fb::TreeRoot> roots;
  roots.reserve(message.roots.size());
  for (const auto& root : message.roots) {
    roots.emplace_back(root.configuration.value, root.hash, root.partition.value);
  }
  const auto list = (*frame).CreateVectorOfStructs(roots);
  const auto scope = to_fb(message.scope);
  return frame.finish(Kind::tree_roots, envelope,
                      fb::CreateTreeRoots(*frame, &scope, message.salt, list));
}

Bytes encode(const TreeRootsReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  std::vector<flatbuffers::Offset<fb::TreeDifference>> differing;
  differing.reserve(message.differing.size());
  for (const auto& each : message.differing) {
    const auto cells = (*frame).CreateVector(each.cells);
    differing.push_back(fb::CreateTreeDifference(*frame, each.place, each.depth, cells));
  }
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<fb::TreeDifference>>> list;
  if (!differing.empty()) list = (*frame).CreateVector(differing);
  const Bytes states(reinterpret_cast<const char*>(message.states.data()), message.states.size());
  const auto bytes = frame.bytes(states);
  return frame.finish(Kind::tree_roots_reply, envelope,
                      fb::CreateTreeRootsReply(*frame, bytes, list));
}

Bytes encode(const TreeCells& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto parents = (*frame).CreateVector(message.parents);
  const auto scope = to_fb(message.scope);
  return frame.finish(Kind::tree_cells, envelope,
                      fb::CreateTreeCells(*frame, &scope, message.salt, message.level, parents));
}

Bytes encode(const TreeCellsReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto cells = (*frame).CreateVector(message.cells);
  return frame.finish(Kind::tree_cells_reply, envelope,
                      fb::CreateTreeCellsReply(*frame, message.depth, cells));
}

Bytes encode(const RangeDigests& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto from = frame.bytes(message.from);
  const auto to = frame.bytes(message.to);
  const auto hashes = numbers(message.hashes, frame);
  const auto short_hashes = numbers(message.short_hashes, frame);
  const auto scope = to_fb(message.scope);
  return frame.finish(
      Kind::range_digests, envelope,
      fb::CreateRangeDigests(*frame, &scope, message.salt, from, to, hashes, short_hashes));
}

Bytes encode(const RangeDigestsReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  std::vector<flatbuffers::Offset<fb::RangeDigest>> unknown;
  unknown.reserve(message.unknown.size());
  for (const auto& each : message.unknown) {
    const auto key = frame.required(each.key);
    unknown.push_back(fb::CreateRangeDigest(*frame, key, each.digest));
  }
  const auto list = (*frame).CreateVector(unknown);
  const auto missing = numbers(message.missing, frame);
  const auto covered_to = frame.bytes(message.covered_to);
  return frame.finish(Kind::range_digests_reply, envelope,
                      fb::CreateRangeDigestsReply(*frame, list, missing, covered_to, message.rest));
}

Bytes encode(const RangePieces& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto from = frame.bytes(message.from);
  const auto to = frame.bytes(message.to);
  const auto scope = to_fb(message.scope);
  return frame.finish(Kind::range_pieces, envelope,
                      fb::CreateRangePieces(*frame, &scope, from, to));
}

Bytes encode(const RangePiecesReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  std::vector<flatbuffers::Offset<fb::RangePiece>> pieces;
  pieces.reserve(message.pieces.size());
  for (const auto& each : message.pieces) {
    const auto first = frame.bytes(each.first);
    pieces.push_back(fb::CreateRangePiece(*frame, first, each.hash, each.records));
  }
  const auto list = (*frame).CreateVector(pieces);
  const auto covered_to = frame.bytes(message.covered_to);
  return frame.finish(Kind::range_pieces_reply, envelope,
                      fb::CreateRangePiecesReply(*frame, list, covered_to));
}

Bytes encode(const ReplicaRecords& message, const Envelope& envelope) {
  FrameBuilder frame;
  std::vector<flatbuffers::Offset<fb::RecordWanted>> wanted;
  wanted.reserve(message.wanted.size());
  for (const auto& each : message.wanted) {
    const auto key = frame.required(each.key);
    wanted.push_back(fb::CreateRecordWanted(*frame, key, each.digest));
  }
  const auto list = (*frame).CreateVector(wanted);
  const auto scope = to_fb(message.scope);
  return frame.finish(Kind::replica_records, envelope,
                      fb::CreateReplicaRecords(*frame, &scope, list));
}

Bytes encode(const ReplicaRecordsReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  std::vector<flatbuffers::Offset<fb::RecordAnswer>> answers;
  answers.reserve(message.answers.size());
  for (const auto& each : message.answers) {
    const auto record = frame.bytes(each.record);
    answers.push_back(
        fb::CreateRecordAnswer(*frame, static_cast<std::uint8_t>(each.state), record));
  }
  const auto list = (*frame).CreateVector(answers);
  return frame.finish(
      Kind::replica_records_reply, envelope,
      fb::CreateReplicaRecordsReply(*frame, list, message.generation.value, message.is_unsure));
}

template <>
Result<TreeRoots> decode(BytesView body) {
  return decode_as(body, "tree_roots", read_roots);
}

template <>
Result<TreeRootsReply> decode(BytesView body) {
  return decode_as(body, "tree_roots_reply", read_roots_reply);
}

template <>
Result<TreeCells> decode(BytesView body) {
  return decode_as(body, "tree_cells", read_cells);
}

template <>
Result<TreeCellsReply> decode(BytesView body) {
  return decode_as(body, "tree_cells_reply", read_cells_reply);
}

template <>
Result<RangeDigests> decode(BytesView body) {
  return decode_as(body, "range_digests", read_digests);
}

template <>
Result<RangeDigestsReply> decode(BytesView body) {
  return decode_as(body, "range_digests_reply", read_digests_reply);
}

template <>
Result<RangePieces> decode(BytesView body) {
  return decode_as(body, "range_pieces", read_pieces);
}

template <>
Result<RangePiecesReply> decode(BytesView body) {
  return decode_as(body, "range_pieces_reply", read_pieces_reply);
}

template <>
Result<ReplicaRecords> decode(BytesView body) {
  return decode_as(body, "replica_records", read_records);
}

template <>
Result<ReplicaRecordsReply> decode(BytesView body) {
  return decode_as(body, "replica_records_reply", read_records_reply);
}

}  // namespace coterie::wire
