#include "node/replica/minted_keys.h"

#include "base/hash.h"

namespace coterie::replica {

std::size_t MintedKeys::at(BytesView key) const {
  return hash64(key) % places_.size();
}

std::uint64_t MintedKeys::sequence(BytesView key, ActorId actor) const {
  const Place& place = places_[at(key)];
  return place.dot.actor == actor && place.key == key ? place.dot.sequence : 0;
}

void MintedKeys::note(BytesView key, const Dot& dot) {
  Place& place = places_[at(key)];
  place.key = key;
  place.dot = dot;
}

void MintedKeys::forget(BytesView key) {
  Place& place = places_[at(key)];
  if (place.key == key) place.dot = {};
}

}  // namespace coterie::replica
