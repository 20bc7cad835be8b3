#include "tests/unit/coordinator/cluster.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "node/replica/merge.h"
#include "node/replica/mint.h"
#include "node/replica/read.h"
#include "storage/key.h"

namespace coterie::test {

using coordinator::ClientHandle;
using coordinator::LocalMerged;
using coordinator::LocalMinted;
using coordinator::LocalPut;
using coordinator::LocalRead;
using coordinator::LocalScan;
using coordinator::Tag;
using coordinator::Target;

Node::Node(Cluster& cluster, std::size_t index)
    : copy(partition, ActorId{1000 + index}, ConfigurationNumber{1}, Generation{0}),
      cluster_(cluster),
      index_(index) {
  set_options({});
}

void Node::set_options(const coordinator::Options& options) {
  options_ = options;
  coordinator_ =
      std::make_unique<coordinator::Coordinator>(cluster_.id_of(index_), *this, *this, options_);
}

void Node::sync() {
  durable_ = records;
  for (Message& message : std::exchange(answers_, {})) cluster_.queue.push_back(std::move(message));
  for (const Tag tag : std::exchange(waiting_, {})) {
    coordinator_->on_local_durable(tag, cluster_.now);
  }
}

void Node::forget_answers_to(std::size_t peer) {
  std::erase_if(answers_, [&](const Message& answer) { return answer.to == peer; });
}

void Node::crash(ActorId fresh) {
  records = durable_;
  copy.redraw(fresh);
  waiting_.clear();
  answers_.clear();
  clock_ = {};
  set_options(options_);
}

std::optional<BytesView> Node::record(BytesView key) const {
  const auto found = records.find(Bytes(key));
  return found == records.end() ? std::nullopt : std::optional<BytesView>(found->second);
}

Result<LocalMinted> Node::mint(const wire::ReplicaScope& scope, const LocalPut& put, Tag tag) {
  if (local_error) return std::unexpected(*local_error);
  if (const auto ok = check_scope(&copy, scope, replica::Use::mint); !ok) {
    return std::unexpected(ok.error());
  }
  Result<replica::Minted> minted = replica::mint(copy, clock_, put.key, record(put.key),
                                                 {.id = put.put.id,
                                                  .context = put.put.context,
                                                  .value = put.put.value,
                                                  .is_delete = put.put.is_delete,
                                                  .expires_ms = put.expires_ms,
                                                  .resolver = put.resolver,
                                                  .now = put.now});
  if (!minted) return std::unexpected(minted.error());
  if (!minted->is_known) {
    records[Bytes(put.key)] = minted->record;
    if (cluster_.on_mint) cluster_.on_mint(index_, minted->dot, minted->timestamp, put.put);
  }
  scratch_ = *record(put.key);
  if (is_durable_at_once) durable_ = records;
  return LocalMinted{.record = scratch_,
                     .context = minted->context,
                     .generation = copy.generation(),
                     .dot = minted->dot,
                     .timestamp = minted->timestamp,
                     .siblings = minted->siblings,
                     .is_durable = vote(put.durability, tag)};
}

Result<void> Node::merge_here(BytesView key, BytesView record, bool is_repair) {
  const Result<replica::Merged> merged =
      replica::merge(copy, key, this->record(key), record,
                     {.resolver = cluster_.bucket.resolver, .replaces_damaged = is_repair});
  if (!merged) return std::unexpected(merged.error());
  CHECK_FALSE(merged->forgot_own_dot);
  if (merged->outcome == replica::MergeOutcome::take_incoming) records[Bytes(key)] = record;
  if (merged->outcome == replica::MergeOutcome::take_merged) records[Bytes(key)] = merged->record;
  if (is_durable_at_once) durable_ = records;
  return {};
}

Result<LocalMerged> Node::merge(const wire::ReplicaScope& scope, BytesView key, BytesView record,
                                Resolver, Tag tag) {
  if (local_error) return std::unexpected(*local_error);
  if (const auto ok = check_scope(&copy, scope, replica::Use::write); !ok) {
    return std::unexpected(ok.error());
  }
  if (const auto ok = merge_here(key, record, true); !ok) return std::unexpected(ok.error());
  return LocalMerged{.is_durable = vote(cluster_.bucket.durability, tag)};
}

bool Node::vote(Durability durability, Tag tag) {
  const bool is_written = is_written_at_once && durability == Durability::interval;
  if (is_durable_at_once || is_written) return true;
  waiting_.push_back(tag);
  return false;
}

Result<LocalRead> Node::read(const wire::ReplicaScope& scope, BytesView key,
                             std::optional<Durability> durability, Tag tag) {
  if (local_error) return std::unexpected(*local_error);
  if (const auto ok = check_scope(&copy, scope, replica::Use::read); !ok) {
    return std::unexpected(ok.error());
  }
  const Result<std::uint64_t> digest = replica::read_digest(key, record(key));
  if (!digest) return std::unexpected(digest.error());
  return LocalRead{.digest = *digest,
                   .record = Bytes(record(key).value_or(BytesView{})),
                   .generation = copy.generation(),
                   .purged = copy.purged(),
                   .is_durable = vote(durability.value_or(cluster_.bucket.durability), tag)};
}

Result<LocalScan> Node::scan(const wire::ReplicaScan& message, Tag tag) {
  if (local_error) return std::unexpected(*local_error);
  if (const auto ok = check_scope(&copy, message.scope, replica::Use::read); !ok) {
    return std::unexpected(ok.error());
  }
  LocalScan page;
  for (auto at = records.lower_bound(Bytes(message.from)); at != records.end(); ++at) {
    if (!message.to.empty() && at->first >= message.to) break;
    if (page.entries.size() == message.limit_records) {
      page.is_truncated = true;
      break;
    }
    page.entries.push_back({.key = at->first, .record = at->second});
  }
  page.generation = copy.generation();
  page.purged = copy.purged();
  page.is_durable = vote(Durability::commit, tag);
  return page;
}

void Node::heard_of_purge(PartitionId of, Generation purged) {
  CHECK(of == partition);
  heard_of = purged;
}

std::uint32_t Node::send_to(std::span<const Target> targets, Instant deadline,
                            const decltype(Message::body)& body) {
  std::uint32_t refused = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::size_t to = cluster_.index_of(targets[i].node);
    if (cut_from.contains(to)) {
      refused |= 1U << i;
      continue;
    }
    cluster_.queue.push_back(
        {.from = index_, .to = to, .tag = targets[i].tag, .deadline = deadline, .body = body});
  }
  return refused;
}

std::uint32_t Node::send(std::span<const Target> targets, const wire::ReplicaWrite& message,
                         Instant deadline) {
  return send_to(targets, deadline,
                 WriteMessage{.scope = message.scope,
                              .key = Bytes(message.key),
                              .record = Bytes(message.record),
                              .is_repair = message.is_repair,
                              .intended = message.intended,
                              .owners = message.owners});
}

std::uint32_t Node::send(std::span<const Target> targets, const wire::ReplicaRead& message,
                         Instant deadline) {
  return send_to(targets, deadline,
                 ReadMessage{.scope = message.scope,
                             .key = Bytes(message.key),
                             .digest_only = message.digest_only,
                             .stands_in = message.stands_in});
}

std::uint32_t Node::send(std::span<const Target> targets, const wire::ReplicaScan& message,
                         Instant deadline) {
  return send_to(targets, deadline,
                 ScanMessage{.scope = message.scope,
                             .from = Bytes(message.from),
                             .to = Bytes(message.to),
                             .limit_records = message.limit_records});
}

void Node::reply(ClientHandle client, const wire::PutReply& reply) {
  ClientAnswer& answer = cluster_.answers[client.value];
  ++answer.times;
  answer.context = reply.context;
  answer.siblings = reply.siblings;
  answer.is_weak = reply.weak;
  answer.stand_ins = reply.stand_ins;
  answer.evidence = reply.evidence;
}

void Node::reply(ClientHandle client, const wire::GetReply& reply) {
  ClientAnswer& answer = cluster_.answers[client.value];
  ++answer.times;
  answer.context = reply.context;
  for (const wire::SiblingView& sibling : reply.siblings) {
    answer.values.push_back(Bytes(sibling.value));
  }
  answer.is_weak = reply.weak;
  answer.stand_ins = reply.stand_ins;
  answer.evidence = reply.evidence;
}

void Node::reply(ClientHandle client, const wire::ScanReply& reply) {
  ClientAnswer& answer = cluster_.answers[client.value];
  ++answer.times;
  for (const wire::ScanEntry& entry : reply.entries) {
    ScanRow row{.partition_key = Bytes(entry.partition_key),
                .sort_key = Bytes(entry.sort_key),
                .context = Bytes(entry.context)};
    for (const wire::SiblingView& sibling : entry.siblings) {
      row.values.push_back(Bytes(sibling.value));
    }
    answer.rows.push_back(std::move(row));
  }
  answer.cursor = reply.cursor;
  answer.stand_ins = reply.stand_ins;
}

void Node::fail(ClientHandle client, const Error& error) {
  ClientAnswer& answer = cluster_.answers[client.value];
  ++answer.times;
  answer.error = error;
}

void Node::leave_hint(PartitionId of, BytesView key, NodeId target) {
  CHECK(of == partition);
  hints_.emplace_back(Bytes(key), cluster_.index_of(target));
}

void Node::seek_epoch(NodeId from, EpochNumber) {
  sought_.push_back(cluster_.index_of(from));
}

coordinator::Placement Node::placement(PartitionId of, bool, bool) {
  CHECK(of == partition);
  return cluster_.placement(*this);
}

void Node::learn(const Ring& later) {
  ring = later;
  if (later.configuration > copy.configuration()) copy.raise_configuration(later.configuration);
  coordinator_->on_ring(cluster_.now);
}

decltype(Message::body) Node::answer_to(const Message& message) {
  if (replica_error) return *replica_error;
  if (const auto* write = message.as<WriteMessage>()) {
    if (const auto ok = check_scope(&copy, write->scope, replica::Use::write); !ok) {
      const bool is_kept = copy.state() == replica::CopyState::unsure &&
                           may_keep(copy, write->scope) &&
                           merge_here(write->key, write->record, write->is_repair).has_value();
      CHECK((is_kept || ok.error().code != ErrorCode::internal));
      return ok.error();
    }
    if (const auto ok = merge_here(write->key, write->record, write->is_repair); !ok) {
      return ok.error();
    }
    return WriteAnswer{};
  }
  if (const auto* read = message.as<ReadMessage>()) {
    if (const auto ok = check_scope(&copy, read->scope, replica::Use::read); !ok) return ok.error();
    const Result<std::uint64_t> digest = replica::read_digest(read->key, record(read->key));
    if (!digest) return Error{.code = ErrorCode::unsure, .message = "the record is damaged"};
    ReadAnswer answer{.digest = *digest, .generation = copy.generation(), .purged = copy.purged()};
    if (!read->digest_only) answer.record = record(read->key).value_or(BytesView{});
    return answer;
  }
  const ScanMessage& asked = *message.as<ScanMessage>();
  const bool durable = std::exchange(is_durable_at_once, true);
  Result<LocalScan> page = scan({.scope = asked.scope,
                                 .from = asked.from,
                                 .to = asked.to,
                                 .limit_records = asked.limit_records},
                                {});
  is_durable_at_once = durable;
  if (!page) return page.error();
  return ScanAnswer{.entries = std::move(page->entries),
                    .is_truncated = page->is_truncated,
                    .generation = page->generation,
                    .purged = page->purged};
}

void Node::serve(const Message& message) {
  if (message.is_request()) {
    if (message.deadline <= cluster_.now.time) return;
    Message answer{
        .from = index_, .to = message.from, .tag = message.tag, .body = answer_to(message)};
    (is_durable_at_once ? cluster_.queue : answers_).push_back(std::move(answer));
    return;
  }
  const NodeId from = cluster_.id_of(message.from);
  if (message.as<WriteAnswer>() != nullptr) {
    coordinator_->on_reply(message.tag, from, wire::ReplicaWriteReply{}, cluster_.now);
  } else if (const auto* read = message.as<ReadAnswer>()) {
    coordinator_->on_reply(message.tag, from,
                           wire::ReplicaReadReply{.digest = read->digest,
                                                  .record = read->record,
                                                  .generation = read->generation,
                                                  .purged = read->purged},
                           cluster_.now);
  } else if (const auto* page = message.as<ScanAnswer>()) {
    wire::ReplicaScanReply reply{
        .truncated = page->is_truncated, .generation = page->generation, .purged = page->purged};
    for (const auto& entry : page->entries) {
      reply.entries.push_back({.key = entry.key, .record = entry.record});
    }
    coordinator_->on_reply(message.tag, from, reply, cluster_.now);
  } else {
    coordinator_->on_error(message.tag, from, *message.as<Error>(), cluster_.now);
  }
}

Cluster::Cluster(std::size_t owner_count, std::uint32_t r, std::uint32_t w, Resolver resolver)
    : bucket{.id = BucketId{1}, .name = "test", .r = r, .w = w, .resolver = resolver} {
  for (std::size_t index = 0; index < owner_count; ++index) {
    nodes.push_back(std::make_unique<Node>(*this, index));
    owners.push_back({.node = id_of(index)});
  }
}

void Cluster::add_fallbacks(std::size_t count) {
  bucket.sloppy = true;
  for (std::size_t i = 0; i < count; ++i) {
    fallbacks.push_back(id_of(nodes.size()));
    nodes.push_back(std::make_unique<Node>(*this, nodes.size()));
  }
}

void Cluster::add_nodes(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    nodes.push_back(std::make_unique<Node>(*this, nodes.size()));
  }
}

Ring Cluster::changing(Stage stage, std::uint64_t number,
                       const std::vector<std::size_t>& new_owners) const {
  Ring out{.configuration = ConfigurationNumber{number}, .owners = owners};
  std::vector<NodeId> old_ids;
  std::vector<NodeId> new_ids;
  for (const auto& owner : owners) old_ids.push_back(owner.node);
  for (const auto index : new_owners) new_ids.push_back(id_of(index));
  const transition::Configuration change{
      .number = out.configuration, .stage = stage, .old_owners = old_ids, .new_owners = new_ids};
  out.groups = transition::groups_of(change);
  for (const auto id : new_ids) {
    if (std::ranges::count(old_ids, id) == 0) out.owners.push_back({.node = id});
  }
  return out;
}

coordinator::Placement Cluster::placement(const Node& at) const {
  coordinator::Placement out{.partition = partition,
                             .configuration = configuration,
                             .owners = owners,
                             .groups = groups,
                             .fallbacks = fallbacks,
                             .is_sloppy = bucket.sloppy,
                             .are_hints_full = are_hints_full};
  if (at.ring) {
    out.configuration = at.ring->configuration;
    out.owners = at.ring->owners;
    out.groups = at.ring->groups;
  }
  return out;
}

Bytes Cluster::key(BytesView partition_key, BytesView sort_key) {
  return encode_key({.token = Token{42},
                     .bucket = BucketId{1},
                     .partition_key = partition_key,
                     .sort_key = sort_key})
      .value();
}

template <class Start>
std::uint64_t Cluster::request(std::size_t at, Duration deadline, const Start& start) {
  const std::uint64_t client = ++next_client_;
  answers[client] = {};
  const auto placement = this->placement(*nodes[at]);
  start(nodes[at]->coordinator(), coordinator::Coordinator::Request{.client = ClientHandle{client},
                                                                    .deadline = now.time + deadline,
                                                                    .bucket = bucket,
                                                                    .placement = placement});
  return client;
}

std::uint64_t Cluster::put(std::size_t at, BytesView key, BytesView value,
                           const PutOptions& options) {
  return request(at, options.deadline, [&](auto& coordinator, const auto& request) {
    coordinator.put(request, key,
                    wire::Put{.id = options.id,
                              .context = options.context,
                              .value = value,
                              .is_delete = options.is_delete,
                              .w = {options.w},
                              .durability = options.durability,
                              .time_to_live_ms = options.time_to_live_ms,
                              .want_evidence = options.want_evidence},
                    now);
  });
}

std::uint64_t Cluster::get(std::size_t at, BytesView key, const GetOptions& options) {
  return request(at, options.deadline, [&](auto& coordinator, const auto& request) {
    coordinator.get(request, key,
                    wire::Get{.r = {options.r}, .want_evidence = options.want_evidence}, now);
  });
}

std::uint64_t Cluster::scan(std::size_t at, const wire::Scan& scan, const KeyRange& range) {
  return request(at, std::chrono::seconds(1), [&](auto& coordinator, const auto& request) {
    coordinator.scan(request, range, scan, now);
  });
}

std::optional<Message> Cluster::take(const std::function<bool(const Message&)>& which) {
  const auto found = std::ranges::find_if(queue, which);
  if (found == queue.end()) return std::nullopt;
  Message message = std::move(*found);
  queue.erase(found);
  return message;
}

void Cluster::deliver(const Message& message) {
  nodes[message.to]->serve(message);
}

bool Cluster::deliver(const std::function<bool(const Message&)>& which) {
  const std::optional<Message> message = take(which);
  if (message) deliver(*message);
  return message.has_value();
}

void Cluster::deliver_all() {
  while (deliver([](const Message&) { return true; })) {
  }
}

void Cluster::pass(Duration time) {
  now.time += time;
  now.wall += std::chrono::duration_cast<std::chrono::milliseconds>(time);
  for (const auto& node : nodes) node->coordinator().on_time(now);
}

const ClientAnswer& Cluster::put_now(std::size_t at, BytesView key, BytesView value,
                                     const PutOptions& options) {
  const std::uint64_t client = put(at, key, value, options);
  deliver_all();
  REQUIRE(answers[client].times == 1);
  return answers[client];
}

const ClientAnswer& Cluster::get_now(std::size_t at, BytesView key, const GetOptions& options) {
  const std::uint64_t client = get(at, key, options);
  deliver_all();
  REQUIRE(answers[client].times == 1);
  return answers[client];
}

}  // namespace coterie::test
