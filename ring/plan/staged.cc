#include "ring/plan/staged.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "ring/plan/members.h"

namespace coterie::plan {
namespace {

std::unexpected<Error> wrong(std::string why) {
  return fail(ErrorCode::invalid_argument, std::move(why));
}

std::unexpected<Error> refuse(std::string why) {
  return fail(ErrorCode::refused, std::move(why));
}

bool is_graphic(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

Result<void> check_weight(std::uint32_t weight) {
  if (weight >= 1 && weight <= limits::weight_most) return {};
  return wrong("weight must be from 1 to " + std::to_string(limits::weight_most) + ", not " +
               std::to_string(weight));
}

Result<void> check_zone(std::string_view zone) {
  if (is_graphic(zone, limits::zone_name_bytes)) return {};
  return wrong("a zone's name is 1 to " + std::to_string(limits::zone_name_bytes) +
               " characters of graphic ASCII");
}

/// Whether one change may be staged; a visitor.
class Check {
 public:
  Check(const Epoch& base, std::span<const NodeId> former, std::span<const StagedChange> staged)
      : base_(base), former_(former), staged_(staged) {}

  Result<void> operator()(const Join& join) const { return check_new(join.member, nullptr); }

  Result<void> operator()(const Replace& replace) const {
    if (auto fine = check_member(replace.node); !fine) return fine;
    return check_new(replace.by, base_.member(replace.node));
  }

  Result<void> operator()(const Weigh& weigh) const {
    if (auto fine = check_member(weigh.node); !fine) return fine;
    if (base_.member(weigh.node)->weight == weigh.weight) {
      return refuse("node " + to_hex(weigh.node) + " has weight " + std::to_string(weigh.weight) +
                    " already");
    }
    return check_weight(weigh.weight);
  }

  Result<void> operator()(const Rezone& rezone) const {
    if (auto fine = check_member(rezone.node); !fine) return fine;
    if (base_.member(rezone.node)->zone == rezone.zone) {
      return refuse("node " + to_hex(rezone.node) + " is in zone " + rezone.zone + " already");
    }
    return check_zone(rezone.zone);
  }

  Result<void> operator()(const Leave& leave) const { return check_member(leave.node); }
  Result<void> operator()(const Remove& remove) const { return check_member(remove.node); }

 private:
  [[nodiscard]] Result<void> check_member(NodeId node) const {
    if (base_.is_leaving(node)) {
      return refuse("node " + to_hex(node) + " leaves by a change that is under way");
    }
    if (base_.member(node) != nullptr) return {};
    if (std::ranges::count(former_, node) != 0) {
      return fail(ErrorCode::not_found, "node " + to_hex(node) + " is no member any more");
    }
    return fail(ErrorCode::not_found,
                "node " + to_hex(node) + " is no member; `status` lists the members");
  }

  /// `replaced`: whose address it may have.
  [[nodiscard]] Result<void> check_new(const Member& member, const Member* replaced) const {
    const auto who = "node " + to_hex(member.id);
    if (member.id.is_zero()) return wrong("the new node's id is zero");
    if (base_.member(member.id) != nullptr) return refuse(who + " is a member already");
    if (std::ranges::count(former_, member.id) != 0) {
      return refuse(who +
                    " was a member and was taken out; what it holds is old: start it with an empty "
                    "data directory, which gives it a new id, and stage that");
    }
    if (auto fine = check_weight(member.weight); !fine) return fine;
    if (auto fine = check_zone(member.zone); !fine) return fine;
    if (!is_graphic(member.address, limits::address_bytes)) {
      return wrong(who + ": its address is missing or malformed");
    }
    return check_address(member, replaced);
  }

  [[nodiscard]] Result<void> check_address(const Member& member, const Member* replaced) const {
    for (const Member& other : base_.members()) {
      if (other.address != member.address || &other == replaced) continue;
      return refuse(member.address + " is the address of member " + to_hex(other.id) +
                    "; if that node was wiped, stage `replace` of it by node " + to_hex(member.id));
    }
    for (const StagedChange& change : staged_) {
      const auto* join = std::get_if<Join>(&change);
      const auto* replace = std::get_if<Replace>(&change);
      const Member* other = join != nullptr      ? &join->member
                            : replace != nullptr ? &replace->by
                                                 : nullptr;
      if (other != nullptr && other->address == member.address) {
        return refuse(member.address + " is the address of another new node: " + words(change));
      }
    }
    return {};
  }

  const Epoch& base_;
  std::span<const NodeId> former_;
  std::span<const StagedChange> staged_;
};

Result<void> check_once(std::span<const StagedChange> staged, const StagedChange& change) {
  for (const StagedChange& before : staged) {
    for (const NodeId node : nodes_of(change)) {
      if (std::ranges::count(nodes_of(before), node) == 0) continue;
      return refuse("node " + to_hex(node) + " has a staged change already: " + words(before) +
                    "; commit or drop that first");
    }
  }
  const auto* replace = std::get_if<Replace>(&change);
  if (replace != nullptr && replace->node == replace->by.id) {
    return refuse("node " + to_hex(replace->node) +
                  " cannot replace itself; a node that was wiped "
                  "has a new id");
  }
  return {};
}

Result<void> check_sizes(const Epoch& base, std::span<const StagedChange> staged) {
  const auto members = target_members(base, staged);
  if (members.size() < base.replicas()) {
    return refuse("only " + std::to_string(members.size()) + " members would be left for the " +
                  std::to_string(base.replicas()) +
                  " replicas of each partition; stage a join first, or `replace`");
  }
  if (members.size() > limits::nodes) {
    return refuse("a cluster has at most " + std::to_string(limits::nodes) + " members");
  }
  std::set<std::string_view> zones;
  for (const Member& member : members) zones.insert(member.zone);
  if (zones.size() > limits::zones) {
    return refuse("a cluster has at most " + std::to_string(limits::zones) + " zones");
  }
  return {};
}

std::string words_of(const Member& member) {
  return to_hex(member.id) + " (zone " + member.zone + ", weight " + std::to_string(member.weight) +
         ", " + member.address + ")";
}

struct Words {
  std::string operator()(const Join& join) const { return "join " + words_of(join.member); }
  std::string operator()(const Replace& replace) const {
    return "replace " + std::string(replace.is_dead ? "dead " : "") + to_hex(replace.node) +
           " by " + words_of(replace.by);
  }
  std::string operator()(const Weigh& weigh) const {
    return "weight of " + to_hex(weigh.node) + " to " + std::to_string(weigh.weight);
  }
  std::string operator()(const Rezone& rezone) const {
    return "zone of " + to_hex(rezone.node) + " to " + rezone.zone;
  }
  std::string operator()(const Leave& leave) const { return "leave " + to_hex(leave.node); }
  std::string operator()(const Remove& remove) const {
    return "remove dead " + to_hex(remove.node);
  }
};

}  // namespace

Result<void> stage(const Epoch& base, std::span<const NodeId> former,
                   std::vector<StagedChange>& staged, StagedChange change) {
  if (auto fine = check_once(staged, change); !fine) return fine;
  if (auto fine = std::visit(Check(base, former, staged), change); !fine) return fine;
  staged.push_back(std::move(change));
  auto fine = check_sizes(base, staged);
  if (!fine) staged.pop_back();
  return fine;
}

std::vector<NodeId> nodes_of(const StagedChange& change) {
  if (const auto* join = std::get_if<Join>(&change)) return {join->member.id};
  if (const auto* replace = std::get_if<Replace>(&change)) return {replace->node, replace->by.id};
  if (const auto* weigh = std::get_if<Weigh>(&change)) return {weigh->node};
  if (const auto* rezone = std::get_if<Rezone>(&change)) return {rezone->node};
  if (const auto* leave = std::get_if<Leave>(&change)) return {leave->node};
  return {std::get<Remove>(change).node};
}

std::string words(const StagedChange& change) {
  return std::visit(Words{}, change);
}

}  // namespace coterie::plan
