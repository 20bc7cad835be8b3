#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "ring/epoch.h"

namespace coterie {

/// The epoch's bytes on disk and on the wire, format 1 (2 while owners change, 3 once a bucket's R
/// or W has been raised), little-endian:
///   u16 format; u32 lineage; u64 number; u64 x 2 cluster id (high, low); u64 hash seed;
///   u32 partitions; u8 replicas;
///   varint members, each: u64 x 2 id (high, low), sized zone, varint weight, sized address;
///   varint voters, each: member place;
///   varint buckets, each: varint id, sized name, u8 kind (0 = eventual), u8 r, u8 w, u8 sloppy,
///     u8 durability, u8 resolver, varint default time to live (ms), format 3: u8 least r, u8 least
///     w (0: as r, w);
///   for each partition: u8 stage, varint configuration, replicas x member place;
///   formats 2 and 3: varint changes, in 2 at least one, each: varint id, u8 stage, u8 paused,
///   varint removed,
///     each: member place, varint handovers, each: varint partition, replicas x member place,
///     varint leaving, each: member place;
///   u64 XXH3-64 of all bytes before it.
/// A member place is its index in the list of members: u8 with up to 256 members, else u16.
/// Equal epochs have equal bytes.
[[nodiscard]] Bytes encode_epoch(const Epoch& epoch);

/// The reverse; `bytes` may come from anywhere. `corrupt` for bytes that encode_epoch() cannot have
/// written or an epoch that Epoch::make refuses; `unsupported_version` for a newer format, or
/// something in it (a kind of bucket, a stage) that this build does not know.
[[nodiscard]] Result<Epoch> decode_epoch(BytesView bytes);

/// Epoch::hash(): the checksum at the end of the contents' encoding. The contents must be valid.
[[nodiscard]] std::uint64_t content_hash(const EpochContents& contents);

}  // namespace coterie
