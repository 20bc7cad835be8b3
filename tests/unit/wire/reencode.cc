#include "tests/unit/wire/reencode.h"

namespace coterie::wire {

namespace {

template <class T>
Result<Bytes> again(BytesView body, const Envelope& envelope) {
  const auto message = decode<T>(body);
  if (!message) return std::unexpected(message.error());
  return encode(*message, envelope);
}

Result<Bytes> push_pull_again(Kind kind, BytesView body, const Envelope& envelope) {
  const auto message = decode<PushPull>(body);
  if (!message) return std::unexpected(message.error());
  return encode(*message, kind, envelope);
}

Result<Bytes> comparison_again(Kind kind, BytesView body, const Envelope& envelope) {
  switch (kind) {
    case Kind::tree_roots:
      return again<TreeRoots>(body, envelope);
    case Kind::tree_roots_reply:
      return again<TreeRootsReply>(body, envelope);
    case Kind::tree_cells:
      return again<TreeCells>(body, envelope);
    case Kind::tree_cells_reply:
      return again<TreeCellsReply>(body, envelope);
    case Kind::range_digests:
      return again<RangeDigests>(body, envelope);
    case Kind::range_digests_reply:
      return again<RangeDigestsReply>(body, envelope);
    case Kind::range_pieces:
      return again<RangePieces>(body, envelope);
    case Kind::range_pieces_reply:
      return again<RangePiecesReply>(body, envelope);
    case Kind::replica_records:
      return again<ReplicaRecords>(body, envelope);
    case Kind::replica_records_reply:
      return again<ReplicaRecordsReply>(body, envelope);
    default:
      return fail(ErrorCode::unsupported_version, "no message of this kind");
  }
}

Result<Bytes> change_again(Kind kind, BytesView body, const Envelope& envelope) {
  switch (kind) {
    case Kind::stream_open:
      return again<StreamOpen>(body, envelope);
    case Kind::stream_open_reply:
      return again<StreamOpenReply>(body, envelope);
    case Kind::stream_batch:
      return again<StreamBatch>(body, envelope);
    case Kind::stream_batch_reply:
      return again<StreamBatchReply>(body, envelope);
    case Kind::change_evidence:
      return again<ChangeEvidence>(body, envelope);
    case Kind::change_evidence_reply:
      return again<ChangeEvidenceReply>(body, envelope);
    case Kind::node_facts:
      return again<NodeFacts>(body, envelope);
    case Kind::node_facts_reply:
      return again<NodeFactsReply>(body, envelope);
    case Kind::life_mark:
      return again<LifeMark>(body, envelope);
    case Kind::life_mark_reply:
      return again<LifeMarkReply>(body, envelope);
    default:
      return comparison_again(kind, body, envelope);
  }
}

Result<Bytes> background_again(Kind kind, BytesView body, const Envelope& envelope) {
  switch (kind) {
    case Kind::purge_list:
      return again<PurgeList>(body, envelope);
    case Kind::purge_list_reply:
      return again<PurgeListReply>(body, envelope);
    case Kind::purge_raise:
      return again<PurgeRaise>(body, envelope);
    case Kind::purge_raise_reply:
      return again<PurgeRaiseReply>(body, envelope);
    case Kind::purge_apply:
      return again<PurgeApply>(body, envelope);
    case Kind::purge_apply_reply:
      return again<PurgeApplyReply>(body, envelope);
    case Kind::epoch_prepare:
      return again<EpochPrepare>(body, envelope);
    case Kind::epoch_accept:
      return again<EpochAccept>(body, envelope);
    case Kind::epoch_vote:
      return again<EpochVote>(body, envelope);
    default:
      return change_again(kind, body, envelope);
  }
}

}  // namespace

Result<Bytes> reencode(Kind kind, BytesView body, const Envelope& envelope) {
  switch (kind) {
    case Kind::hello:
      return again<Hello>(body, envelope);
    case Kind::error:
      return again<ErrorReply>(body, envelope);
    case Kind::go_away:
      return again<GoAway>(body, envelope);
    case Kind::get:
      return again<Get>(body, envelope);
    case Kind::get_reply:
      return again<GetReply>(body, envelope);
    case Kind::put:
      return again<Put>(body, envelope);
    case Kind::put_reply:
      return again<PutReply>(body, envelope);
    case Kind::scan:
      return again<Scan>(body, envelope);
    case Kind::scan_reply:
      return again<ScanReply>(body, envelope);
    case Kind::ring:
      return again<RingRequest>(body, envelope);
    case Kind::ring_reply:
      return again<RingReply>(body, envelope);
    case Kind::replica_write:
      return again<ReplicaWrite>(body, envelope);
    case Kind::replica_write_reply:
      return again<ReplicaWriteReply>(body, envelope);
    case Kind::replica_read:
      return again<ReplicaRead>(body, envelope);
    case Kind::replica_read_reply:
      return again<ReplicaReadReply>(body, envelope);
    case Kind::replica_scan:
      return again<ReplicaScan>(body, envelope);
    case Kind::replica_scan_reply:
      return again<ReplicaScanReply>(body, envelope);
    case Kind::replica_inspect:
      return again<ReplicaInspect>(body, envelope);
    case Kind::replica_inspect_reply:
      return again<ReplicaInspectReply>(body, envelope);
    case Kind::push_pull:
    case Kind::push_pull_reply:
      return push_pull_again(kind, body, envelope);
    case Kind::birth_info:
      return again<BirthInfo>(body, envelope);
    case Kind::birth_info_reply:
      return again<BirthInfoReply>(body, envelope);
    case Kind::birth_accept:
      return again<BirthAccept>(body, envelope);
    case Kind::epoch_fetch:
      return again<EpochFetch>(body, envelope);
    case Kind::epoch_reply:
      return again<EpochReply>(body, envelope);
    default:
      return background_again(kind, body, envelope);
  }
}

}  // namespace coterie::wire
