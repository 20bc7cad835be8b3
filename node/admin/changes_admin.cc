#include "node/admin/changes_admin.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "node/admin/availability.h"
#include "node/admin/bucket_orders.h"
#include "node/admin/change_documents.h"
#include "node/admin/facts.h"
#include "node/admin/orders.h"

namespace coterie::admin {
namespace {

using Json = nlohmann::ordered_json;

std::unexpected<Error> wrong_order(std::string words) {
  return fail(ErrorCode::invalid_argument, std::move(words));
}

std::set<NodeId> reachable_in(const NodeStatus& status) {
  std::set<NodeId> out;
  for (const auto& peer : status.view->peers) {
    if (peer.node == status.node || sight_of(peer) == Sight::alive) out.insert(peer.node);
  }
  return out;
}

std::string named(NodeId node) {
  return "node " + short_name(node);
}

/// To take a node for dead that lives loses what only it holds, and lets it answer with it later.
Result<void> check_dead(const NodeStatus& status, NodeId node) {
  const auto* peer = status.view->peer(node);
  if (peer == nullptr) return {};
  const Sight sight = node == status.node ? Sight::alive : sight_of(*peer);
  if (sight == Sight::alive) {
    return fail(ErrorCode::refused, named(node) +
                                        " is alive; let it hand over what it holds: "
                                        "cluster-admin leave, or replace without --dead");
  }
  if (sight == Sight::suspect) {
    return fail(ErrorCode::refused, named(node) +
                                        " is suspect: whether it is dead is decided within "
                                        "seconds; ask again then");
  }
  return {};
}

Result<void> check_needed(const NodeStatus& status, const Order& order, NodeId node) {
  const auto force = flag_in(order, "force");
  if (!force) return std::unexpected(force.error());
  const std::string why = *force ? std::string() : why_needed(status, node);
  if (why.empty()) return {};
  std::string away;
  const auto reachable = reachable_in(status);
  for (const auto& member : status.view->epoch->members()) {
    if (member.id == node || reachable.contains(member.id)) continue;
    away += (away.empty() ? "" : ", ") + short_name(member.id);
  }
  return fail(ErrorCode::refused,
              why + ": " + (away.empty() ? "add nodes first" : "bring back " + away + " first") +
                  ", or have those requests refused (--force)");
}

Result<Address> address_in(const Order& order) {
  auto address = Address::parse(field(order, "address"));
  if (!address) return wrong_order("\"address\": " + address.error().message);
  return address;
}

Result<std::optional<std::uint32_t>> weight_in(const Order& order) {
  if (!order.contains("weight")) return std::nullopt;
  const auto weight = number_in(order, "weight");
  if (!weight) return std::unexpected(weight.error());
  // Whoever stages it says what it may be; it is not to be cut off before.
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(*weight, UINT32_MAX));
}

Result<topology::Order> join(const Order& order) {
  const auto address = address_in(order);
  if (!address) return std::unexpected(address.error());
  const auto weight = weight_in(order);
  if (!weight) return std::unexpected(weight.error());
  topology::JoinAt out{.gossip = *address, .weight = *weight, .zone = {}};
  if (order.contains("zone")) out.zone = field(order, "zone");
  return topology::Stage{std::move(out)};
}

Result<topology::Order> replace(const NodeStatus& status, const Order& order, NodeId node) {
  const auto by = address_in(order);
  if (!by) return std::unexpected(by.error());
  const auto is_dead = flag_in(order, "dead");
  if (!is_dead) return std::unexpected(is_dead.error());
  if (*is_dead) {
    if (const auto fine = check_dead(status, node); !fine) return std::unexpected(fine.error());
  }
  return topology::Stage{topology::ReplaceBy{.node = node, .by = *by, .is_dead = *is_dead}};
}

Result<topology::Order> weigh(const Order& order, NodeId node) {
  const auto weight = weight_in(order);
  if (!weight) return std::unexpected(weight.error());
  if (!*weight) return wrong_order("name the \"weight\"");
  return topology::Stage{plan::StagedChange{plan::Weigh{.node = node, .weight = **weight}}};
}

Result<topology::Order> staged(const NodeStatus& status, const Order& order) {
  const std::string what = field(order, "what");
  if (what == "join") return join(order);
  constexpr std::array of_members = {"leave", "replace", "weight", "zone", "remove"};
  if (std::ranges::find(of_members, what) == of_members.end()) {
    return wrong_order("\"what\" should be join, leave, replace, weight, zone or remove");
  }
  const auto node = node_in(order, "node");
  if (!node) return std::unexpected(node.error());
  if (what == "replace") return replace(status, order, *node);
  if (what == "weight") return weigh(order, *node);
  if (what == "zone") {
    return topology::Stage{
        plan::StagedChange{plan::Rezone{.node = *node, .zone = field(order, "zone")}}};
  }
  if (what == "remove") {
    if (const auto fine = check_dead(status, *node); !fine) return std::unexpected(fine.error());
  }
  if (const auto fine = check_needed(status, order, *node); !fine) {
    return std::unexpected(fine.error());
  }
  if (what == "leave") return topology::Stage{plan::StagedChange{plan::Leave{.node = *node}}};
  return topology::Stage{plan::StagedChange{plan::Remove{.node = *node}}};
}

Result<topology::Order> committed(const Order& order) {
  const std::string text = field(order, "hash");
  std::uint64_t hash = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), hash, 16);
  if (text.size() != 16 || error != std::errc{} || end != text.data() + text.size()) {
    return wrong_order("\"hash\" should be a plan's, 16 hexadecimal digits");
  }
  const auto force = flag_in(order, "force");
  if (!force) return std::unexpected(force.error());
  return topology::Commit{.hash = hash, .is_forced = *force};
}

Result<topology::Order> order_of(const NodeStatus& status, const Order& order) {
  const std::string action = field(order, "action");
  if (action == "stage") return staged(status, order);
  if (action == "clear") return topology::Clear{};
  if (action == "commit") return committed(order);
  if (action == "create_bucket" || action == "set_bucket") {
    return bucket_order(order, status.view->epoch->replicas());
  }
  if (action == "fence_buckets") return topology::FenceBuckets{};
  if (action == "force_lineage") return lineage_order(order);
  if (action == "unstage") {
    const auto node = node_in(order, "node");
    if (!node) return std::unexpected(node.error());
    return topology::Unstage{.node = *node};
  }
  const bool is_pause = action == "pause";
  if (!is_pause && action != "resume" && action != "abort") {
    return wrong_order(
        "\"action\" should be stage, unstage, clear, commit, abort, pause, resume, create_bucket, "
        "set_bucket, fence_buckets or force_lineage");
  }
  const auto change = number_in(order, "change");
  if (!change) return std::unexpected(change.error());
  if (action == "abort") return topology::Abort{.change = *change};
  return topology::Pause{.change = *change, .is_paused = is_pause};
}

Result<std::string> document_of(const NodeStatus& status, const Result<topology::Answer>& answer) {
  if (!answer) return std::unexpected(answer.error());
  return changes_document(status.node, *answer);
}

}  // namespace

std::string why_needed(const NodeStatus& status, NodeId node) {
  const auto rest = resting_on(*status.view->epoch, reachable_in(status), node);
  if (rest.empty()) return {};
  return "without " + named(node) + " " + std::to_string(rest.size()) + " of " +
         std::to_string(status.view->epoch->partitions()) +
         " partitions would have no quorum of nodes that can be reached";
}

void warn_of_stop(Node& node, Log& log) {
  (void)node.ask_status([&log](const NodeStatus& status) {
    if (status.view == nullptr) return;
    const std::string why = why_needed(status, status.node);
    if (!why.empty()) log.warn("node", "stopping as told, although " + why);
  });
}

Result<std::string> look_at_changes(const NodeStatus& status, const Source& source) {
  return document_of(status, source.order(topology::Look{}));
}

Result<std::string> act_on_changes(const NodeStatus& status, const HttpRequest& request,
                                   const Source& source) {
  const auto fields = read_order(request);
  if (!fields) return std::unexpected(fields.error());
  const auto order = order_of(status, *fields);
  if (!order) return std::unexpected(order.error());
  return document_of(status, source.order(*order));
}

Result<std::string> drain(const NodeStatus& status, const HttpRequest& request,
                          const Source& source) {
  const auto order = read_order(request);
  if (!order) return std::unexpected(order.error());
  if (const auto fine = check_needed(status, *order, status.node); !fine) {
    return std::unexpected(fine.error());
  }
  source.stop();
  const Json out = {{"format", 1}, {"action", "drain"}, {"node", to_hex(status.node)}};
  return out.dump(2) + "\n";
}

}  // namespace coterie::admin
