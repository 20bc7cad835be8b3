// How this node stands to a cluster, and how new members and it come to know each other.

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "node/control/control.h"

namespace coterie {
namespace {

/// Of a node at the address of a member that it is not.
std::string wiped(const Member& member) {
  const auto id = to_hex(member.id);
  return "this node holds nothing and has a new id, but the cluster knows member " + id +
         " at its address: if that node's data is gone, run `cluster-admin replace " + id + " " +
         member.address + "` at another member, or start this one as `coterie-node --recover-as " +
         id + " --config FILE`; else stop this node and start that one with its data directory";
}

}  // namespace

wire::NodeStanding Control::standing() const {
  if (epochs_.newest() != nullptr) {
    return is_member() ? wire::NodeStanding::member : wire::NodeStanding::former;
  }
  if (options_.has_data) return wire::NodeStanding::damaged;
  return options_.config.cluster.initial_members.empty() ? wire::NodeStanding::waiting
                                                         : wire::NodeStanding::forming;
}

bool Control::is_member() const {
  return epochs_.newest() != nullptr && epochs_.newest()->member(options_.identity.node) != nullptr;
}

std::vector<std::string> Control::blockers() const {
  const auto own = options_.config.doors.gossip.text();
  if (restored_) return {*restored_};
  if (recovery_ && (epochs_.newest() == nullptr || recovery_->life == 0)) {
    return {"this node begins anew as " + to_hex(options_.identity.node) +
            " and waits to hear from a member of its cluster; name some in "
            "cluster.initial_members if that takes longer than a minute"};
  }
  switch (standing()) {
    case wire::NodeStanding::member:
      return {};
    case wire::NodeStanding::former:
      return {"this node left the cluster or was removed from it, as epoch " +
              std::to_string(epochs_.newest()->number().number) +
              " says, and serves nothing: its data may be deleted; to use it again, empty its "
              "data directory, which gives it a new id, start it without "
              "cluster.initial_members, and run `cluster-admin join " +
              own + "` at a member"};
    case wire::NodeStanding::damaged:
      return {
          "its data directory holds data but no epoch: restore epochs/ from a backup, or empty the "
          "directory"};
    case wire::NodeStanding::waiting:
    case wire::NodeStanding::forming:
      break;
  }
  if (foreign_ != nullptr) {
    const auto& members = foreign_->members();
    const auto at_own = std::ranges::find(members, own, &Member::address);
    if (at_own != members.end()) return {wiped(*at_own)};
  }
  if (standing() == wire::NodeStanding::forming && foreign_ == nullptr) {
    auto missing = birth_.blockers();
    for (auto& line : missing) line.insert(0, "the cluster is forming: ");
    return missing;
  }
  return {"this node waits to be joined: run `cluster-admin join " + own +
          "` at a member of its cluster; to make a new cluster, name all its nodes in "
          "cluster.initial_members"};
}

void Control::report_blockers() {
  auto lines = blockers();
  if (lines == reported_blockers_) return;
  for (const auto& line : lines) env_.log.info("cluster", line);
  reported_blockers_ = std::move(lines);
}

/// Decided; what others say of it cannot change.
void Control::learn(const std::shared_ptr<const Epoch>& epoch) {
  const auto& known = epochs_.newest();
  if (known == nullptr && epoch->member(options_.identity.node) == nullptr) {
    // It is nothing to this node, unless it belongs to that cluster one day.
    if (foreign_ == nullptr || epoch->number() > foreign_->number()) foreign_ = epoch;
    report_blockers();
    return;
  }
  if (known != nullptr && epoch->number() == known->number() && epoch->hash() == known->hash()) {
    return;
  }
  adopt(epoch);
}

/// Gossip hears of new members by the epoch, and they of the cluster by gossip.
void Control::greet_members() {
  std::vector<Address> strangers;
  for (const Member& member : epochs_.newest()->members()) {
    if (gossip_.find(member.id) != nullptr || !greeted_.insert(member.id).second) continue;
    if (const auto address = Address::parse(member.address)) strangers.push_back(*address);
  }
  if (strangers.empty()) return;
  gossip_.join(env_.clock.now(), strangers, outbox_);
  perform();
}

void Control::own_facts(bool with_partitions, std::function<void(NodeFacts)> done) const {
  const auto& config = options_.config;
  const auto& epoch = epochs_.newest();
  NodeFacts facts{.node = options_.identity.node,
                  .standing = standing(),
                  .cluster_name = config.cluster.name,
                  .cluster = epoch == nullptr ? ClusterId{} : epoch->cluster(),
                  .epoch = epoch == nullptr ? EpochNumber{} : epoch->number(),
                  .gossip_address = config.doors.gossip.text(),
                  .zone = config.node.zone,
                  .weight = config.node.weight,
                  .shards = options_.identity.shards,
                  .build = options_.build,
                  .sizes = {}};
  if (env_.sizes == nullptr) {
    facts.sizes.free_bytes = env_.files.free_bytes().value_or(0);
    done(std::move(facts));
    return;
  }
  env_.sizes(with_partitions, [facts = std::move(facts), done = std::move(done)](NodeSizes sizes) {
    NodeFacts whole = facts;
    whole.sizes = std::move(sizes);
    done(std::move(whole));
  });
}

void Control::serve_node_facts(ConnectionId connection, const wire::FrameHeader& header,
                               BytesView body) {
  const wire::Envelope envelope{.request_id = header.request_id};
  const auto question = wire::decode<wire::NodeFacts>(body);
  if (!question) {
    const auto& why = question.error();
    (void)transport_->send(
        connection,
        wire::encode(wire::ErrorReply{.code = why.code, .message = why.message}, envelope));
    return;
  }
  own_facts(question->with_partitions, [this, connection, envelope](const NodeFacts& facts) {
    (void)transport_->send(connection, wire::encode(reply_of(facts), envelope));
  });
}

void Control::ask_facts(const std::vector<Address>& whom, bool with_partitions,
                        std::function<void(FactsByAddress)> done) {
  struct Asking {
    FactsByAddress facts;
    std::function<void(FactsByAddress)> done;
    std::size_t awaited = 0;

    void settle(const std::string& address, Result<NodeFacts> answer) {
      facts.insert_or_assign(address, std::move(answer));
      if (--awaited == 0) std::exchange(done, nullptr)(std::move(facts));
    }
  };
  // Shared by the answers, whichever comes last.
  auto all = std::make_shared<Asking>();
  all->done = std::move(done);
  all->awaited = whom.size() + 1;
  const auto make = [with_partitions](std::uint64_t id) {
    return wire::encode(wire::NodeFacts{.with_partitions = with_partitions}, {.request_id = id});
  };
  for (const Address& address : whom) {
    if (address == options_.config.doors.gossip) {
      --all->awaited;
      continue;
    }
    calls_.call(address, make, limits::facts_patience, [all, address](auto reply) {
      auto answer = reply ? wire::decode<wire::NodeFactsReply>(reply->body)
                          : Result<wire::NodeFactsReply>(std::unexpected(reply.error()));
      if (answer) {
        all->settle(address.text(), facts_of(*std::move(answer)));
      } else {
        all->settle(address.text(), std::unexpected(std::move(answer.error())));
      }
    });
  }
  own_facts(with_partitions, [all, own = options_.config.doors.gossip.text()](NodeFacts facts) {
    all->settle(own, std::move(facts));
  });
}

}  // namespace coterie
