#include "tests/sim/workload.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "storage/key.h"
#include "storage/versions.h"

namespace coterie::sim {
namespace {

constexpr Duration answer_slack = 1s;
constexpr std::size_t recent_most = 12;

std::string value_of(OperationIndex index, std::size_t bytes) {
  std::string value = std::to_string(index) + ":";
  value.resize(std::max(value.size(), bytes), static_cast<char>('a' + index % 26));
  return value;
}

std::optional<OperationIndex> writer_of(BytesView value) {
  OperationIndex index = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), index);
  if (error != std::errc{} || end == value.data() + value.size() || *end != ':') {
    return std::nullopt;
  }
  return index;
}

std::string_view name(OperationKind kind) {
  return kind == OperationKind::get    ? "get"
         : kind == OperationKind::put  ? "put"
         : kind == OperationKind::scan ? "scan"
                                       : "remove";
}

}  // namespace

Workload::Workload(Cluster& cluster, History& history, const Settings& settings)
    : cluster_(cluster),
      history_(history),
      settings_(settings),
      random_(cluster.world().fork_random()) {
  history_.owners = cluster.replicas();
  for (std::size_t i = 0; i < settings_.keys; ++i) {
    const std::size_t group = i / settings_.sort_keys;
    KeyHistory key{.partition_key = "key-" + std::to_string(group), .bucket = commit_bucket};
    if (settings_.sort_keys > 1) key.sort_key = "s" + std::to_string(i % settings_.sort_keys);
    if (settings_.uses_interval && group % 4 == 2) key.bucket = interval_bucket;
    if (settings_.uses_lww && group % 4 == 3) key.bucket = lww_bucket;
    if (key.bucket == lww_bucket) key.resolver = Resolver::lww;
    history_.keys.push_back(std::move(key));
  }
}

void Workload::start() {
  for (std::size_t i = 0; i < settings_.sessions; ++i) session_step(i);
}

void Workload::session_step(std::size_t session) {
  const Duration think = draw(random_, Duration{0}, settings_.think_most);
  auto& world = cluster_.world();
  world.schedule(world.life(NodeIndex{0}), think, "session", [this, session] {
    if (is_stopped_) return;
    // Without a ring there is nobody to ask.
    if (cluster_.epoch() == nullptr) return session_step(session);
    const Request request = draw_request(session);
    ask(session, request);
  });
}

void Workload::ask(std::size_t session, const Request& request) {
  (void)issue(request, [this, session, request](OperationIndex index) {
    const auto& operation = history_.operations[index];
    if (contexts_.contains(index)) own_[{session, operation.key}] = index;
    const auto next = next_page(index, request);
    if (next && !is_stopped_ && random_.chance(0.7)) return ask(session, *next);
    session_step(session);
  });
}

Workload::Request Workload::draw_request(std::size_t session) {
  Request request;
  const auto draw_index = [this](std::size_t bound) {
    return static_cast<std::size_t>(random_.below(bound));
  };
  request.key = random_.chance(0.5) ? draw_index(std::min<std::size_t>(4, settings_.keys))
                                    : draw_index(settings_.keys);
  request.client = session % cluster_.clients().size();
  request.node = draw_index(cluster_.nodes().size());
  // Clients mostly avoid a node that they cannot connect to.
  if (!cluster_.nodes()[request.node]->is_ready() && random_.chance(0.8)) {
    request.node = draw_index(cluster_.nodes().size());
  }
  request.deadline = draw(random_, settings_.deadline_least, settings_.deadline_most);
  const double kind = random_.unit();
  if (kind < settings_.put) request.kind = OperationKind::put;
  if (kind >= settings_.put && kind < settings_.put + settings_.remove) {
    request.kind = OperationKind::remove;
  }
  if (random_.chance(settings_.own_quorum)) {
    request.quorum = static_cast<std::uint32_t>(1 + random_.below(cluster_.replicas()));
  }
  if (request.kind == OperationKind::get) {
    if (random_.chance(settings_.scan)) draw_scan(request);
    return request;
  }
  if (request.kind == OperationKind::put && random_.chance(settings_.expiring)) {
    request.time_to_live = draw(random_, 200ms, 20s);
  }
  if (random_.chance(settings_.own_durability)) {
    request.durability =
        random_.chance(0.5) ? wire::Durability::commit : wire::Durability::interval;
  }
  request.context_of = draw_context(session, request.key);
  request.is_doubled = random_.chance(settings_.doubled);
  request.tries_most = static_cast<std::uint32_t>(1 + random_.below(settings_.tries_most));
  return request;
}

std::optional<OperationIndex> Workload::draw_context(std::size_t session, KeyIndex key) {
  const double which = random_.unit();
  if (which < settings_.blind) return std::nullopt;
  const auto& recent = recent_[key];
  if (recent.empty()) return std::nullopt;
  if (which < settings_.blind + settings_.stale) {
    return recent[static_cast<std::size_t>(random_.below(recent.size()))];
  }
  const auto own = own_.find({session, key});
  return own == own_.end() ? recent.back() : own->second;
}

OperationIndex Workload::issue(const Request& request, Done done) {
  const OperationIndex index = history_.operations.size();
  auto& key = history_.keys[request.key];
  const auto& node = *cluster_.nodes()[request.node];
  const auto epoch = cluster_.epoch();
  const auto& bucket = *epoch->bucket(key.bucket);
  Operation operation{.kind = request.kind,
                      .key = request.key,
                      .client = cluster_.clients()[request.client]->index(),
                      .node = node.index(),
                      .begin = cluster_.world().now(),
                      .quorum = request.quorum,
                      .durability = bucket.durability,
                      .context_of = request.context_of,
                      .time_to_live = request.time_to_live,
                      .scan = {},
                      .values = {},
                      .strange_values = {},
                      .error = {}};
  const bool is_read = request.kind == OperationKind::get || request.kind == OperationKind::scan;
  if (request.quorum == 0) operation.quorum = is_read ? bucket.r : bucket.w;
  if (request.durability != wire::Durability::bucket_default) {
    operation.durability =
        request.durability == wire::Durability::commit ? Durability::commit : Durability::interval;
  }
  history_.operations.push_back(std::move(operation));
  if (request.kind != OperationKind::scan) key.operations.push_back(index);
  if (request.kind == OperationKind::put) {
    const auto bytes = random_.below(settings_.value_bytes_most + 1);
    values_[index] = value_of(index, static_cast<std::size_t>(bytes));
  }
  waiting_[index] = std::move(done);
  ++running_;
  const Token token = epoch->token(key.bucket, key.partition_key);
  const auto right = epoch->partition(token).value % node.shards();
  const auto shard =
      random_.chance(0.2) ? random_.below(node.shards()) : static_cast<std::uint64_t>(right);
  const Try attempt{.index = index,
                    .request = request,
                    .id = {.high = index + 1, .low = random_.next()},
                    .door = {.address = node.config().doors.client,
                             .shard = ShardIndex{static_cast<std::uint16_t>(shard)}}};
  if (cluster_.story().is_heard()) {
    cluster_.story().tell(
        "client", "#" + std::to_string(index) + " " + std::string(name(request.kind)) + " " +
                      name(key) + " at " + node.name() + (is_read ? " r=" : " w=") +
                      std::to_string(history_.operations[index].quorum) +
                      (request.context_of ? " after #" + std::to_string(*request.context_of) : ""));
  }
  // One that passes requests on might pass the two on to different owners.
  const bool is_doubled = request.is_doubled && is_owner(request);
  open_tries_[index] = is_doubled ? 2 : 1;
  send(attempt);
  if (is_doubled) send(attempt);
  return index;
}

void Workload::send(const Try& attempt) {
  (void)cluster_.clients()[attempt.request.client]->call(
      attempt.door,
      [this, &attempt](const wire::Envelope& envelope) { return frame_of(attempt, envelope); },
      attempt.request.deadline, answer_slack,
      [this, attempt](Result<SimClient::Reply> reply) { on_answer(attempt, reply); });
}

Bytes Workload::frame_of(const Try& attempt, const wire::Envelope& envelope) const {
  const auto& request = attempt.request;
  const auto& key = history_.keys[request.key];
  const wire::Key wire_key{
      .bucket = key.bucket, .partition_key = key.partition_key, .sort_key = key.sort_key};
  const wire::Quorum quorum{static_cast<std::uint8_t>(request.quorum)};
  if (request.kind == OperationKind::scan) return wire::encode(scan_of(request), envelope);
  if (request.kind == OperationKind::get) {
    return wire::encode(wire::Get{.key = wire_key, .r = quorum}, envelope);
  }
  wire::Put put{.id = attempt.id,
                .key = wire_key,
                .is_delete = request.kind == OperationKind::remove,
                .w = quorum,
                .durability = request.durability,
                .time_to_live_ms = static_cast<std::uint64_t>(request.time_to_live /
                                                              std::chrono::milliseconds(1))};
  if (request.context_of) put.context = contexts_.at(*request.context_of);
  if (!put.is_delete) put.value = values_.at(attempt.index);
  return wire::encode(put, envelope);
}

void Workload::on_answer(const Try& attempt, const Result<SimClient::Reply>& reply) {
  --open_tries_[attempt.index];
  auto& operation = history_.operations[attempt.index];
  if (!reply) {
    const bool is_silent = reply.error().code == ErrorCode::expired;
    if (is_silent && cluster_.is_undisturbed_since(operation.node, operation.begin) &&
        cluster_.is_undisturbed_since(operation.client, operation.begin)) {
      unanswered_.push_back(attempt.index);
    }
    return take_error(attempt, {.code = ErrorCode::closed, .message = reply.error().message});
  }
  switch (reply->header.kind) {
    case wire::Kind::get_reply:
      return take_get(attempt.index, reply->body);
    case wire::Kind::scan_reply:
      return take_scan(attempt, reply->body);
    case wire::Kind::put_reply:
      return take_put(attempt.index, reply->body);
    case wire::Kind::error:
      if (const auto error = wire::decode<wire::ErrorReply>(reply->body)) {
        return take_error(attempt, {.code = error->code, .message = std::string(error->message)});
      }
      [[fallthrough]];
    default:
      operation.strange_values.emplace_back("a reply that is none");
      take_error(attempt, {.code = ErrorCode::closed, .message = "a reply that is none"});
  }
}

void Workload::take_get(OperationIndex index, BytesView body) {
  auto& operation = history_.operations[index];
  const auto reply = wire::decode<wire::GetReply>(body);
  if (!reply) {
    operation.strange_values.push_back(reply.error().message);
    return conclude(index, Outcome::unknown);
  }
  take_values(operation, reply->siblings);
  operation.is_hinted = reply->stand_ins > 0;
  contexts_[index] = reply->context;
  conclude(index, Outcome::done);
}

void Workload::take_values(Operation& operation,
                           const std::vector<wire::SiblingView>& siblings) const {
  for (const auto& sibling : siblings) {
    const auto writer = writer_of(sibling.value);
    const auto known = writer ? values_.find(*writer) : values_.end();
    if (known == values_.end() || known->second != sibling.value ||
        history_.operations[*writer].key != operation.key) {
      operation.strange_values.emplace_back(sibling.value.substr(0, 40));
    } else {
      operation.values.push_back(*writer);
    }
  }
}

void Workload::take_put(OperationIndex index, BytesView body) {
  auto& operation = history_.operations[index];
  if (operation.outcome == Outcome::done) return conclude(index, Outcome::done);
  const auto reply = wire::decode<wire::PutReply>(body);
  if (!reply) {
    operation.strange_values.push_back(reply.error().message);
    return conclude(index, Outcome::unknown);
  }
  operation.is_hinted = reply->stand_ins > 0;
  operation.covers_itself = !seen_nothing_new(index, reply->context);
  contexts_[index] = reply->context;
  conclude(index, Outcome::done);
}

/// The context in a put's reply is no more than what the put brought.
bool Workload::seen_nothing_new(OperationIndex index, BytesView context) const {
  const auto& operation = history_.operations[index];
  const Bytes key = cluster_.place_of(history_.keys[operation.key]).stored_key;
  const auto after = decode_context(key, context);
  const auto before = operation.context_of
                          ? decode_context(key, contexts_.at(*operation.context_of))
                          : Result<ClientContext>(ClientContext{});
  return !after || !before || after->seen == before->seen;
}

/// `error` is what the node answered; closed stands for no answer.
void Workload::take_error(const Try& attempt, const Error& error) {
  auto& operation = history_.operations[attempt.index];
  operation.error = std::string(coterie::name(error.code)) + ": " + error.message;
  const bool is_write =
      operation.kind == OperationKind::put || operation.kind == OperationKind::remove;
  const bool is_definite =
      is_write && error.code != ErrorCode::closed && executed(error.code) == Executed::no;
  // Only the coordinator that has minted a put recognises it: an owner, in the same run.
  const bool may_retry = is_write && error.code == ErrorCode::unknown_outcome &&
                         is_owner(attempt.request) && operation.outcome != Outcome::done &&
                         operation.tries < attempt.request.tries_most;
  if (may_retry) {
    ++operation.tries;
    ++open_tries_[attempt.index];
  }
  conclude(attempt.index, is_definite ? Outcome::refused : Outcome::unknown);
  if (may_retry) send(attempt);
}

bool Workload::is_owner(const Request& request) const {
  const auto epoch = cluster_.epoch();
  const auto& key = history_.keys[request.key];
  const auto node = cluster_.nodes()[request.node]->id();
  return epoch->owns(node, epoch->partition(epoch->token(key.bucket, key.partition_key)));
}

void Workload::note_context(KeyIndex key, OperationIndex index) {
  auto& recent = recent_[key];
  recent.push_back(index);
  if (recent.size() > recent_most) recent.pop_front();
}

/// At every answer, so that none is heard that rests on what an emptying took unseen.
void Workload::look_for_emptyings() {
  destroyed_copies_.resize(cluster_.nodes().size());
  for (std::size_t i = 0; i < destroyed_copies_.size(); ++i) {
    const SimNode& node = *cluster_.nodes()[i];
    const std::uint64_t count = node.destroyed_copies() + node.begun_anew();
    if (std::exchange(destroyed_copies_[i], count) == count) continue;
    history_.emptyings.push_back(
        {.when = cluster_.world().now(), .owned = cluster_.keys_of(node, history_)});
  }
}

void Workload::conclude(OperationIndex index, Outcome outcome) {
  look_for_emptyings();
  auto& operation = history_.operations[index];
  // Of several tries: done if one was; refused only if all were.
  const bool is_better = operation.outcome == Outcome::pending || outcome == Outcome::done ||
                         (operation.outcome == Outcome::refused && outcome == Outcome::unknown);
  if (is_better && operation.outcome != Outcome::done) {
    operation.outcome = outcome;
    if (outcome == Outcome::done) operation.end = cluster_.world().now();
  }
  if (open_tries_[index] > 0) return;
  open_tries_.erase(index);
  if (operation.end == Instant::max()) operation.end = cluster_.world().now();
  if (contexts_.contains(index)) note_context(operation.key, index);
  if (cluster_.story().is_heard()) {
    std::string line = "#" + std::to_string(index);
    line += operation.outcome == Outcome::done      ? " done"
            : operation.outcome == Outcome::refused ? " refused, "
                                                    : " unknown, ";
    if (operation.outcome != Outcome::done) line += operation.error;
    if (operation.kind == OperationKind::get && operation.outcome == Outcome::done) {
      line += ":";
      for (const auto value : operation.values) line += " #" + std::to_string(value);
      if (operation.values.empty()) line += " nothing";
    }
    cluster_.story().tell("client", line);
  }
  --running_;
  const auto waiting = waiting_.extract(index);
  if (waiting.mapped()) waiting.mapped()(index);
}

}  // namespace coterie::sim
