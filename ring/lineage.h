#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "ring/epoch.h"

namespace coterie {

/// By so much all configuration numbers rise with a new lineage, so that none of the old one that
/// was decided and is not known here comes again.
inline constexpr std::uint64_t lineage_configurations = std::uint64_t{1} << 32;

/// The first epoch of a new lineage, which no voters decide: the operator's way out when most of
/// them are `lost` for good. Members, owners and changes under way are those of `base`; the voters
/// are chosen among the members that are not lost, so that entries can be decided again, of which
/// the first should remove() or replace the lost. What the old voters may have decided after `base`
/// is given up. Errors: refused: most voters are not lost, or no member is left;
/// invalid_argument: one that is lost is no member.
[[nodiscard]] Result<Epoch> force_lineage(const Epoch& base, std::span<const NodeId> lost);

}  // namespace coterie
