#include "node/coordinator/parts.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "base/check.h"

namespace coterie::coordinator {

Result<std::uint32_t> resolve(wire::Quorum asked, std::uint32_t of_bucket, std::size_t owners) {
  const auto all = static_cast<std::uint32_t>(owners);
  if (asked.count == wire::Quorum::bucket_default) return of_bucket;
  if (asked.count == wire::Quorum::quorum) return all / 2 + 1;
  if (asked.count == wire::Quorum::all) return all;
  if (asked.count > all) {
    return fail(ErrorCode::invalid_argument, "a quorum of " + std::to_string(asked.count) +
                                                 " is asked of " + std::to_string(all) +
                                                 " owners; ask at most that many");
  }
  return asked.count;
}

void recycle(Bytes& buffer) {
  constexpr std::size_t kept_bytes = 4096;
  if (buffer.capacity() > kept_bytes) {
    buffer = Bytes();
  } else {
    buffer.clear();
  }
}

Owners owners_of(const Placement& placement, NodeId self) {
  check(placement.owners.size() <= places_most, "a partition has at most 7 owners, twice");
  Owners owners{.count = static_cast<std::uint8_t>(placement.owners.size()),
                .groups = placement.groups};
  owners.replicas = owners.count;
  if (owners.groups.old_owners == 0) {
    owners.groups.old_owners = (transition::Places{1} << owners.count) - 1;
  } else {
    owners.replicas = static_cast<std::uint8_t>(std::popcount(owners.groups.old_owners));
  }
  for (const Owner& owner : placement.owners) owners.nodes[owners.total++] = owner.node;
  for (const NodeId fallback : placement.fallbacks) {
    if (owners.total == places_most) break;
    owners.nodes[owners.total++] = fallback;
  }
  owners.readable = static_cast<std::uint8_t>(owners.replicas + owners.total - owners.count);
  const auto end = owners.nodes.begin() + owners.total;
  owners.self =
      static_cast<std::uint8_t>(std::find(owners.nodes.begin(), end, self) - owners.nodes.begin());
  return owners;
}

std::string count_in_words(const Owners& owners, const std::function<bool(std::size_t)>& counts) {
  std::size_t of_owners = 0;
  std::size_t of_fallbacks = 0;
  for (std::size_t place = 0; place < owners.total; ++place) {
    if (counts(place)) ++(owners.is_fallback(place) ? of_fallbacks : of_owners);
  }
  std::string words = std::to_string(of_owners) + " of " + std::to_string(owners.count) + " owners";
  if (of_fallbacks != 0) words += " and " + std::to_string(of_fallbacks) + " standing in";
  return words;
}

namespace {

bool is_in_reach(const Placement& placement, const Owners& owners, std::size_t place) {
  return owners.is_fallback(place) || place == owners.self ||
         placement.owners[place].reach != Reach::none;
}

}  // namespace

bool may_reach(std::uint32_t w, const Placement& placement, const Owners& owners) {
  transition::Places counted_on = 0;
  for (std::size_t place = 0; place < owners.count; ++place) {
    if (is_in_reach(placement, owners, place)) counted_on |= transition::Places{1} << place;
  }
  const auto quorum = transition::PlaceQuorum::of_write(owners.groups, w);
  if (quorum.is_reached(counted_on)) return true;
  return quorum.held(counted_on) + owners.total - owners.count >= w;
}

std::string in_reach_in_words(const Placement& placement, const Owners& owners) {
  return count_in_words(owners,
                        [&](std::size_t place) { return is_in_reach(placement, owners, place); }) +
         " can be reached";
}

PlaceOrder read_order(const Placement& placement, const Owners& owners, const PeerLoad& load) {
  std::array<std::uint64_t, places_most> costs;
  PlaceOrder order{};
  std::size_t end = 0;
  // a handful: insertion keeps equals in the ring's order and allocates nothing
  for (std::uint8_t place = 0; place < owners.count; ++place) {
    if ((owners.groups.readers() >> place & 1) == 0) continue;
    const auto reach = static_cast<std::uint64_t>(placement.owners[place].reach);
    costs[place] =
        place == owners.self ? 0 : (reach + 1) << 32 | load.outstanding(owners.nodes[place]);
    std::size_t at = end++;
    for (; at > 0 && costs[place] < costs[order[at - 1]]; --at) order[at] = order[at - 1];
    order[at] = place;
  }
  for (std::uint8_t place = owners.count; place < owners.total; ++place) order[end++] = place;
  return order;
}

}  // namespace coterie::coordinator
