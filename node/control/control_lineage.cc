// The way out when most voters are gone for good.

#include <algorithm>
#include <utility>

#include "node/control/control.h"
#include "ring/lineage.h"
#include "ring/transition/entries.h"

namespace coterie {
namespace {

/// What an operator must know before.
std::string what_may_be_lost(const Epoch& base, const std::vector<NodeId>& lost) {
  const auto is_lost = [&lost](NodeId node) { return std::ranges::count(lost, node) != 0; };
  const auto enough = base.replicas() + 1 - transition::smallest_quorums(base).w;
  std::size_t thin = 0;
  std::size_t gone = 0;
  for (std::uint32_t p = 0; p < base.partitions(); ++p) {
    const auto owners = base.owners(PartitionId{p});
    const auto left =
        owners.size() - static_cast<std::size_t>(std::ranges::count_if(owners, is_lost));
    thin += left < enough ? 1U : 0U;
    gone += left == 0 ? 1U : 0U;
  }
  return "nothing was done. A new lineage gives up whatever the lost voters decided after epoch " +
         std::to_string(base.number().number) + " and nobody here knows; should any of the " +
         std::to_string(lost.size()) +
         " lost nodes run on somewhere, what it acknowledges is lost. " + std::to_string(thin) +
         " of " + std::to_string(base.partitions()) +
         " partitions have so few owners left that writes which only the lost held are gone, and " +
         std::to_string(gone) +
         " have none left. If the lost can be brought back, do that instead; else confirm, at "
         "this node only, and then stage `remove` or `replace` of each";
}

}  // namespace

void Control::force(const topology::ForceLineage& order, Answered done) {
  const auto& base = epochs_.newest();
  const NodeId self = options_.identity.node;
  if (std::ranges::count(order.lost, self) != 0) {
    return done(fail(ErrorCode::invalid_argument, "the node that is asked is not lost"));
  }
  auto made = force_lineage(*base, order.lost);
  if (!made) return done(std::unexpected(std::move(made.error())));
  if (!order.is_confirmed) {
    return done(fail(ErrorCode::refused, what_may_be_lost(*base, order.lost)));
  }
  std::vector<Address> whom;
  for (const Member& member : base->members()) {
    if (const auto address = gossip_address_of(member.id)) whom.push_back(*address);
  }
  auto ended = std::make_shared<Answered>(std::move(done));
  ask_facts(whom, false, [this, order, base, ended](const FactsByAddress& facts) {
    for (const auto& [address, answer] : facts) {
      if (!answer) continue;
      const auto who = "node " + to_hex(answer->node) + " at " + address;
      if (std::ranges::count(order.lost, answer->node) != 0) {
        return (*ended)(fail(ErrorCode::refused, who + " answers, so it is not lost"));
      }
      // What that one did by it, erased old copies even, must not be undone.
      if (answer->cluster == base->cluster() && answer->epoch > base->number()) {
        return (*ended)(fail(ErrorCode::refused,
                             who + " knows a later epoch than the asked node: ask that one"));
      }
    }
    if (epochs_.newest() != base) {
      return (*ended)(fail(ErrorCode::refused, "the ring has changed meanwhile: look again"));
    }
    auto forced = force_lineage(*base, order.lost);
    if (!forced) return (*ended)(std::unexpected(std::move(forced.error())));
    const auto next = std::make_shared<const Epoch>(*std::move(forced));
    env_.log.warn("epochs", "an operator forces lineage " + std::to_string(next->number().lineage) +
                                ", without " + std::to_string(order.lost.size()) + " lost nodes");
    adopt(next);
    if (epochs_.newest() != next) {
      return (*ended)(fail(ErrorCode::io, "the epoch cannot be kept; see this node's log"));
    }
    answer(std::move(*ended));
  });
}

}  // namespace coterie
