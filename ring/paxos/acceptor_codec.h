#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "ring/paxos/acceptor.h"

namespace coterie::paxos {

/// A voter's state as it lies on disk, format 1, little-endian:
///   u16 format; u32 lineage; u64 number of the slot;
///   u64 round; u64 x 2 proposer (high, low) of the promised ballot; the same of the accepted one;
///   sized epoch (ring/epoch_codec.h): what was accepted; empty if nothing was;
///   u64 XXH3-64 of all bytes before it.
[[nodiscard]] Bytes encode_acceptor(const AcceptorState& state);

/// The reverse; `bytes` may come from anywhere. `corrupt` for bytes that encode_acceptor() cannot
/// have written, `unsupported_version` for a newer format.
[[nodiscard]] Result<AcceptorState> decode_acceptor(BytesView bytes);

}  // namespace coterie::paxos
