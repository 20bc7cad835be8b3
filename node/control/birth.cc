#include "node/control/birth.h"

#include <algorithm>
#include <utility>

#include "base/codec.h"
#include "base/hash.h"
#include "ring/birth.h"

namespace coterie {
namespace {

std::uint64_t hash_of(const Config& config) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.sized(config.cluster.name);
  for (const auto& member : config.cluster.initial_members) writer.sized(member.text());
  writer.u32(config.cluster.replicas);
  writer.u32(config.cluster.partitions);
  for (const auto& bucket : config.buckets) {
    writer.u32(bucket.id.value);
    writer.sized(bucket.name);
    writer.u32(bucket.r);
    writer.u32(bucket.w);
    writer.u8(bucket.sloppy ? 1 : 0);
    writer.u8(static_cast<std::uint8_t>(bucket.durability));
    writer.u8(static_cast<std::uint8_t>(bucket.resolver));
    writer.u64(static_cast<std::uint64_t>(bucket.default_ttl.count()));
  }
  return hash64(bytes);
}

}  // namespace

Birth::Birth(Options options, Random random)
    : options_(std::move(options)),
      random_(random),
      own_address_(options_.config.doors.gossip.text()),
      configuration_hash_(hash_of(options_.config)) {
  for (const auto& member : options_.config.cluster.initial_members) {
    problems_[member] = "has not answered yet";
  }
}

bool Birth::is_proposer() const {
  const auto& members = options_.config.cluster.initial_members;
  return !members.empty() && members.front() == options_.config.doors.gossip;
}

wire::BirthInfoReply Birth::info(bool is_empty) const {
  return {.node = options_.self,
          .configuration_hash = configuration_hash_,
          .is_empty = is_empty,
          .gossip_address = own_address_,
          .zone = options_.config.node.zone,
          .weight = options_.config.node.weight};
}

void Birth::resume(std::shared_ptr<const Epoch> proposal) {
  proposal_ = std::move(proposal);
  fresh_ = nullptr;
  for (const auto& member : options_.config.cluster.initial_members) {
    problems_[member] = "has not kept the first epoch yet";
  }
}

std::vector<Birth::Question> Birth::questions() const {
  std::vector<Question> out;
  if (!is_proposer() || fresh_ != nullptr) return out;
  for (const auto& member : options_.config.cluster.initial_members) {
    // those that have answered too: one may have been emptied, or configured otherwise, since
    if (proposal_ == nullptr) {
      out.push_back({.ask = Ask::info, .to = member});
    } else if (proposal_ != nullptr && !accepted_.contains(member)) {
      out.push_back({.ask = Ask::accept, .to = member});
    }
  }
  return out;
}

void Birth::on_info(const Address& from, const Result<wire::BirthInfoReply>& reply) {
  if (proposal_ != nullptr || fresh_ != nullptr) return;
  infos_.erase(from);
  if (!reply) {
    problems_[from] = "does not answer: " + reply.error().message;
  } else if (!reply->is_empty) {
    problems_[from] =
        "belongs to a cluster already, or holds the data of one; empty its data directory, or take "
        "it off initial_members";
  } else if (reply->configuration_hash != configuration_hash_) {
    problems_[from] =
        "is configured otherwise: [cluster] name, initial_members (order too), replicas, "
        "partitions and every [[bucket]] must be the same on all";
  } else {
    problems_.erase(from);
    infos_[from] = {.node = reply->node,
                    .zone = std::string(reply->zone),
                    .weight = reply->weight,
                    .address = from};
  }
  propose_if_complete();
}

void Birth::propose_if_complete() {
  const auto& config = options_.config;
  if (infos_.size() != config.cluster.initial_members.size()) return;
  BirthInput first;
  first.partitions = config.cluster.partitions;
  first.replicas = config.cluster.replicas;
  first.cluster = {.high = random_.next(), .low = random_.next() | 1};
  first.hash_seed = random_.next();
  first.buckets = config.buckets;
  for (const auto& [address, info] : infos_) {
    first.members.push_back(
        {.id = info.node, .zone = info.zone, .weight = info.weight, .address = address.text()});
  }
  auto epoch = first_epoch(std::move(first));
  if (!epoch) {
    problems_[config.doors.gossip] = epoch.error().message;
    infos_.clear();
    return;
  }
  fresh_ = std::make_shared<const Epoch>(*std::move(epoch));
}

void Birth::on_accepted(const Address& from) {
  if (proposal_ == nullptr) return;
  accepted_[from] = true;
  problems_.erase(from);
}

void Birth::on_refused(const Address& from, const std::string& why) {
  if (proposal_ == nullptr || accepted_.contains(from)) return;
  problems_[from] = "does not keep the first epoch: " + why;
}

std::shared_ptr<const Epoch> Birth::take_proposal() {
  // If it cannot be kept, everything is asked anew.
  if (fresh_ != nullptr) infos_.clear();
  return std::exchange(fresh_, nullptr);
}

std::shared_ptr<const Epoch> Birth::decided() const {
  const bool all = accepted_.size() == options_.config.cluster.initial_members.size();
  return proposal_ != nullptr && all ? proposal_ : nullptr;
}

Result<void> Birth::admits(const Epoch& epoch) const {
  const auto& config = options_.config;
  const auto refuse = [](const char* why) { return fail(ErrorCode::refused, why); };
  if (epoch.number() != EpochNumber{.lineage = 1, .number = 1}) return refuse("not a first epoch");
  if (config.cluster.initial_members.empty()) return refuse("it waits to be joined to a cluster");
  if (epoch.member(options_.self) == nullptr) return refuse("it does not name this node");
  if (epoch.replicas() != config.cluster.replicas ||
      epoch.partitions() != config.cluster.partitions ||
      !std::ranges::equal(epoch.buckets(), config.buckets)) {
    return refuse("it is of another configuration than this node's");
  }
  return {};
}

std::vector<std::string> Birth::blockers() const {
  std::vector<std::string> out;
  if (!is_proposer() && !options_.config.cluster.initial_members.empty()) {
    out.push_back("waiting for " + options_.config.cluster.initial_members.front().text() +
                  ", first of initial_members, to form the cluster");
    return out;
  }
  for (const auto& [address, problem] : problems_) out.push_back(address.text() + " " + problem);
  return out;
}

}  // namespace coterie
