#pragma once

#include "base/wire/frame.h"
#include "base/wire/messages.h"
#include "base/wire/messages_changes.h"
#include "base/wire/messages_epochs.h"
#include "base/wire/messages_marks.h"

namespace coterie::wire {

/// What each message needs to become a frame.
struct Envelope {
  std::uint64_t request_id = 0;
  std::uint32_t deadline_ms = 0;
};

/// A whole frame, header and body; the kind follows from the message. One encode() a struct of
/// messages.h. Does not hold the message against limits: a receiver refuses what is over them. Only
/// an error's words are cut to limits::error_message_bytes.
[[nodiscard]] Bytes encode(const Hello& message, const Envelope& envelope = {});
[[nodiscard]] Bytes encode(const ErrorReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const GoAway& message, const Envelope& envelope = {});
[[nodiscard]] Bytes encode(const Get& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const GetReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const Put& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const PutReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const Scan& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ScanReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const RingRequest& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const RingReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaWrite& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaWriteReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaRead& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaReadReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaScan& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaScanReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaInspect& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaInspectReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const PurgeList& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const PurgeListReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const PurgeRaise& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const PurgeRaiseReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const PurgeApply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const PurgeApplyReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const StreamOpen& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const StreamOpenReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const StreamBatch& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const StreamBatchReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ChangeEvidence& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ChangeEvidenceReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const NodeFacts& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const NodeFactsReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const LifeMark& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const LifeMarkReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const TreeRoots& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const TreeRootsReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const TreeCells& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const TreeCellsReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const RangeDigests& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const RangeDigestsReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const RangePieces& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const RangePiecesReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaRecords& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const ReplicaRecordsReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const BirthInfo& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const BirthInfoReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const BirthAccept& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const EpochFetch& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const EpochReply& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const EpochPrepare& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const EpochAccept& message, const Envelope& envelope);
[[nodiscard]] Bytes encode(const EpochVote& message, const Envelope& envelope);
/// `kind` is push_pull or push_pull_reply.
[[nodiscard]] Bytes encode(const PushPull& message, Kind kind, const Envelope& envelope);

/// The message in `body`, verified first. One for each struct of messages.h, below. `body` must be
/// 8-byte aligned (check()ed): a transport hands out aligned bodies, a std::string's bytes are
/// aligned. The result borrows from `body`. Errors:
/// - corrupt: not verifiable, a required field missing, a value out of its range;
/// - too_large: a key, value or list over its limit;
/// - unsupported_version: a hello of versions that this build does not speak.
template <class T>
[[nodiscard]] Result<T> decode(BytesView body) = delete;

template <>
[[nodiscard]] Result<Hello> decode(BytesView body);
template <>
[[nodiscard]] Result<ErrorReply> decode(BytesView body);
template <>
[[nodiscard]] Result<GoAway> decode(BytesView body);
template <>
[[nodiscard]] Result<Get> decode(BytesView body);
template <>
[[nodiscard]] Result<GetReply> decode(BytesView body);
template <>
[[nodiscard]] Result<Put> decode(BytesView body);
template <>
[[nodiscard]] Result<PutReply> decode(BytesView body);
template <>
[[nodiscard]] Result<Scan> decode(BytesView body);
template <>
[[nodiscard]] Result<ScanReply> decode(BytesView body);
template <>
[[nodiscard]] Result<RingRequest> decode(BytesView body);
template <>
[[nodiscard]] Result<RingReply> decode(BytesView body);
template <>
[[nodiscard]] Result<ReplicaWrite> decode(BytesView body);
template <>
[[nodiscard]] Result<ReplicaWriteReply> decode(BytesView body);
template <>
[[nodiscard]] Result<ReplicaRead> decode(BytesView body);
template <>
[[nodiscard]] Result<ReplicaReadReply> decode(BytesView body);
template <>
[[nodiscard]] Result<ReplicaScan> decode(BytesView body);
template <>
[[nodiscard]] Result<ReplicaScanReply> decode(BytesView body);
template <>
[[nodiscard]] Result<ReplicaInspect> decode(BytesView body);
template <>
[[nodiscard]] Result<ReplicaInspectReply> decode(BytesView body);
template <>
[[nodiscard]] Result<PurgeList> decode(BytesView body);
template <>
[[nodiscard]] Result<PurgeListReply> decode(BytesView body);
template <>
[[nodiscard]] Result<PurgeRaise> decode(BytesView body);
template <>
[[nodiscard]] Result<PurgeRaiseReply> decode(BytesView body);
template <>
[[nodiscard]] Result<PurgeApply> decode(BytesView body);
template <>
[[nodiscard]] Result<PurgeApplyReply> decode(BytesView body);
template <>
[[nodiscard]] Result<StreamOpen> decode(BytesView body);
template <>
[[nodiscard]] Result<StreamOpenReply> decode(BytesView body);
template <>
[[nodiscard]] Result<StreamBatch> decode(BytesView body);
template <>
[[nodiscard]] Result<StreamBatchReply> decode(BytesView body);
template <>
[[nodiscard]] Result<ChangeEvidence> decode(BytesView body);
template <>
[[nodiscard]] Result<ChangeEvidenceReply> decode(BytesView body);
template <>
[[nodiscard]] Result<NodeFacts> decode(BytesView body);
template <>
[[nodiscard]] Result<NodeFactsReply> decode(BytesView body);
template <>
[[nodiscard]] Result<LifeMark> decode(BytesView body);
template <>
[[nodiscard]] Result<LifeMarkReply> decode(BytesView body);
template <>
[[nodiscard]] Result<TreeRoots> decode(BytesView body);
template <>
[[nodiscard]] Result<TreeRootsReply> decode(BytesView body);
template <>
[[nodiscard]] Result<TreeCells> decode(BytesView body);
template <>
[[nodiscard]] Result<TreeCellsReply> decode(BytesView body);
template <>
[[nodiscard]] Result<RangeDigests> decode(BytesView body);
template <>
[[nodiscard]] Result<RangeDigestsReply> decode(BytesView body);
template <>
[[nodiscard]] Result<RangePieces> decode(BytesView body);
template <>
[[nodiscard]] Result<RangePiecesReply> decode(BytesView body);
template <>
[[nodiscard]] Result<ReplicaRecords> decode(BytesView body);
template <>
[[nodiscard]] Result<ReplicaRecordsReply> decode(BytesView body);
template <>
[[nodiscard]] Result<BirthInfo> decode(BytesView body);
template <>
[[nodiscard]] Result<BirthInfoReply> decode(BytesView body);
template <>
[[nodiscard]] Result<BirthAccept> decode(BytesView body);
template <>
[[nodiscard]] Result<EpochFetch> decode(BytesView body);
template <>
[[nodiscard]] Result<EpochReply> decode(BytesView body);
template <>
[[nodiscard]] Result<EpochPrepare> decode(BytesView body);
template <>
[[nodiscard]] Result<EpochAccept> decode(BytesView body);
template <>
[[nodiscard]] Result<EpochVote> decode(BytesView body);
template <>
[[nodiscard]] Result<PushPull> decode(BytesView body);

}  // namespace coterie::wire
