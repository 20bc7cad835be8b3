#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "storage/store.h"

/// The bytes of the log (docs/storage-formats.md). A batch:
///   header, 96 bytes | payload: appends | partition list | zeros up to a multiple of 8
/// Its checksum is the header's, which covers those of payload and list, so that a chain can be
/// followed over batches whose payload is damaged.
namespace coterie::log_format {

inline constexpr std::uint32_t magic = 0x474c5443;  // "CTLG"
inline constexpr std::uint16_t version = 1;
inline constexpr std::size_t header_bytes = 96;
inline constexpr std::size_t alignment = 8;

struct Header {
  std::uint16_t version = log_format::version;
  /// The first batch of a run of the process; its position may lie beyond the successor of the one
  /// before it, where damage was found.
  bool is_opening = false;
  /// Something in it belongs to no one partition (votes, meta).
  bool has_other_spaces = false;
  std::uint64_t log_id = 0;
  /// Counts the times the log was opened; in a chain it never falls.
  std::uint64_t run = 0;
  /// The position of its first append, and how many follow one another.
  LogPosition first;
  std::uint32_t appends = 0;
  std::uint32_t partitions_bytes = 0;
  std::uint64_t payload_bytes = 0;
  /// What was known to be synced when this batch was written.
  LogPosition synced;
  /// The checksum of the batch before.
  std::uint64_t previous = 0;
  std::uint64_t payload_checksum = 0;
  std::uint64_t partitions_checksum = 0;
  /// The checksum of all the above.
  std::uint64_t checksum = 0;

  /// The position of its last append; of the one before if it has none.
  [[nodiscard]] LogPosition last() const { return {first.value + appends - 1}; }
  /// With its padding.
  [[nodiscard]] std::uint64_t batch_bytes() const;
};

/// Fills in sizes and checksums and makes `batch`, which begins with header_bytes of room, then the
/// payload, a whole batch. `partitions` is sorted.
void finish_batch(Bytes& batch, Header& header, std::span<const std::uint32_t> partitions);

/// The header at the beginning of `bytes` if one of this log stands there whole; nothing is said
/// about what follows it. A newer version is given as it is: only magic, version, log id and
/// checksum are to be trusted in it.
[[nodiscard]] std::optional<Header> read_header(BytesView bytes, std::uint64_t log_id);

/// The partitions of a batch that begins `bytes`; none if the list is damaged.
[[nodiscard]] std::optional<std::vector<std::uint32_t>> read_partitions(BytesView bytes,
                                                                        const Header& header);
/// The payload of a batch that begins `bytes`; none if it is damaged.
[[nodiscard]] std::optional<BytesView> read_payload(BytesView bytes, const Header& header);

/// Adds one append to a payload.
void write_append(Bytes& payload, std::span<const Write> writes);
/// Takes the next append off a payload; without leaf hashes. Errors: corrupt.
[[nodiscard]] Result<std::vector<Write>> read_append(BytesView& payload);

}  // namespace coterie::log_format
