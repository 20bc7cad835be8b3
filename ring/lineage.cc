#include "ring/lineage.h"

#include <algorithm>
#include <string>
#include <utility>

#include "ring/birth.h"

namespace coterie {

Result<Epoch> force_lineage(const Epoch& base, std::span<const NodeId> lost) {
  const auto is_lost = [lost](NodeId node) { return std::ranges::count(lost, node) != 0; };
  for (const NodeId node : lost) {
    if (base.member(node) != nullptr) continue;
    return fail(ErrorCode::invalid_argument, "node " + to_hex(node) + " is no member");
  }
  const auto voters_lost = static_cast<std::size_t>(std::ranges::count_if(base.voters(), is_lost));
  if (voters_lost <= base.voters().size() / 2) {
    return fail(ErrorCode::refused, std::to_string(base.voters().size() - voters_lost) + " of " +
                                        std::to_string(base.voters().size()) +
                                        " voters are left, which is enough: the ring can be "
                                        "changed as usual");
  }
  std::vector<Member> left;
  std::ranges::copy_if(base.members(), std::back_inserter(left),
                       [&is_lost](const Member& member) { return !is_lost(member.id); });
  EpochContents next = base.contents();
  next.number = {.lineage = base.number().lineage + 1, .number = base.number().number + 1};
  next.voters = choose_voters(left);
  if (next.voters.empty()) return fail(ErrorCode::refused, "no member would be left");
  for (auto& configuration : next.configurations) configuration.value += lineage_configurations;
  return Epoch::make(std::move(next));
}

}  // namespace coterie
