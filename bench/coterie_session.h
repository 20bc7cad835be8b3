#pragma once

#include <vector>

#include "base/address.h"
#include "bench/key_space.h"
#include "bench/session.h"
#include "client/options.h"

namespace coterie::bench {

struct CoterieTarget {
  std::vector<Address> seeds;
  client::Options client;
  client::Quorum r;
  client::Quorum w;
};

/// Clients of the SDK without threads of their own. Puts carry the context last seen of their key,
/// and what meets concurrent values is followed by a read that resolves them. `space` outlives the
/// sessions.
[[nodiscard]] MakeSession coterie_sessions(CoterieTarget target, KeySpace& space);

}  // namespace coterie::bench
