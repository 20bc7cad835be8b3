#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "storage/version_vector.h"

namespace coterie::replica {

/// The last dots minted for some keys, those minted for of late: whoever mints for a key again
/// checks that the local record reflects them (DESIGN: versions, the invariant of minting).
/// Bounded: a key's dot is forgotten when another key takes its place.
class MintedKeys {
 public:
  explicit MintedKeys(std::size_t places) : places_(places) {}

  /// The last sequence that `actor` is known to have minted for the key; 0: none.
  [[nodiscard]] std::uint64_t sequence(BytesView key, ActorId actor) const;
  void note(BytesView key, const Dot& dot);
  /// The key was purged: its record need not reflect anything any more.
  void forget(BytesView key);

 private:
  struct Place {
    Bytes key;
    Dot dot;
  };

  [[nodiscard]] std::size_t at(BytesView key) const;

  std::vector<Place> places_;
};

}  // namespace coterie::replica
