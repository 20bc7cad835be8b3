#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "base/ids.h"
#include "base/small_vector.h"

namespace coterie {

/// The name of exactly one write.
struct Dot {
  ActorId actor;
  std::uint64_t sequence = 0;

  constexpr auto operator<=>(const Dot&) const = default;
};

/// The greatest sequence of a dot, far beyond what an actor can mint in its life: a forged context
/// cannot make the next one overflow.
inline constexpr std::uint64_t sequence_most = std::uint64_t{1} << 62;

/// A version vector: for each actor the greatest sequence seen. Sorted by actor, sequences from 1.
class VersionVector {
 public:
  using Entry = std::pair<ActorId, std::uint64_t>;
  using Entries = SmallVector<Entry, 4>;

  VersionVector() = default;
  /// None unless the actors ascend strictly and the sequences are 1..sequence_most.
  [[nodiscard]] static std::optional<VersionVector> from_sorted(Entries entries);

  [[nodiscard]] bool covers(const Dot& dot) const { return dot.sequence <= sequence(dot.actor); }
  /// Every entry of `other` is covered here.
  [[nodiscard]] bool covers(const VersionVector& other) const;
  /// The greatest sequence of `actor` seen; 0 for none.
  [[nodiscard]] std::uint64_t sequence(ActorId actor) const;
  /// The pointwise maximum.
  void join(const VersionVector& other);
  /// Raises one entry to at least this dot.
  void add(const Dot& dot);
  [[nodiscard]] std::span<const Entry> entries() const {
    return {entries_.data(), entries_.size()};
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool is_empty() const { return entries_.empty(); }
  bool operator==(const VersionVector&) const = default;

 private:
  Entries entries_;
};

}  // namespace coterie
