#include "node/transfer/verified.h"

#include <algorithm>
#include <utility>

#include "base/codec.h"
#include "base/limits.h"

namespace coterie::transfer {

namespace {

constexpr BytesView prefix = "rv";
constexpr BytesView prefix_end = "rw";

Bytes key_of(PartitionId partition) {
  Bytes key(prefix);
  ByteWriter(key).u32_sorted(partition.value);
  return key;
}

}  // namespace

Result<void> VerifiedThrough::load() {
  bool is_good = true;
  auto scanned = store_.scan(Space::meta, prefix, prefix_end, [&](BytesView key, BytesView value) {
    ByteReader keys(key.substr(prefix.size()));
    const PartitionId partition{keys.u32_sorted()};
    ByteReader values(value);
    const std::chrono::milliseconds ms{static_cast<std::int64_t>(values.u64())};
    is_good = keys.finished() && values.finished();
    if (is_good) verified_[partition] = saved_[partition] = WallTime(ms);
    return is_good;
  });
  if (!scanned) return scanned;
  if (!is_good) return fail(ErrorCode::corrupt, "a malformed time of verification");
  return {};
}

void VerifiedThrough::note(const Comparison& comparison, std::span<const NodeId> others,
                           WallTime now) {
  auto& pass = passes_[comparison.partition];
  // The wall clock was set back.
  if (now < pass.began) pass = {};
  if (comparison.began < pass.began) return;
  if (pass.done.empty()) {
    pass.began = comparison.began;
    pass.root = comparison.root;
    pass.is_equal = true;
  }
  pass.is_equal = pass.is_equal && comparison.is_equal && comparison.root == pass.root;
  pass.done.insert(comparison.other);
  const bool is_complete =
      std::ranges::all_of(others, [&pass](NodeId node) { return pass.done.contains(node); });
  if (!is_complete) return;
  if (pass.is_equal) {
    verify(comparison.partition, pass.began);
  } else if (pass.previous) {
    verify(comparison.partition, *pass.previous);
  }
  pass.previous = std::exchange(pass.began, std::max(now, pass.began));
  pass.done.clear();
}

void VerifiedThrough::forget(PartitionId partition) {
  passes_.erase(partition);
  verified_.erase(partition);
  if (saved_.erase(partition) == 0) return;
  Write write{.space = Space::meta, .key = key_of(partition)};
  // What is not taken now is loaded at the next start, and forgotten again.
  (void)store_.append({&write, 1});
}

void VerifiedThrough::verify(PartitionId partition, WallTime through) {
  auto& verified = verified_[partition];
  if (through <= verified) return;
  verified = through;
  auto& saved = saved_[partition];
  if (through - saved < limits::verified_saved_every) return;
  Write write{.space = Space::meta, .key = key_of(partition)};
  const auto ms = through.time_since_epoch().count();
  ByteWriter(write.value.emplace()).u64(static_cast<std::uint64_t>(ms));
  // What is not taken now is written the next time.
  if (store_.append({&write, 1})) saved = through;
}

}  // namespace coterie::transfer
