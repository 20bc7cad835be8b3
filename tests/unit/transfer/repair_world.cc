#include "tests/unit/transfer/repair_world.h"

namespace coterie::transfer {

template <class Reply, class Message>
bool WorldOwners::send(NodeId to, const Message& message, Done<Reply> done) {
  Bytes frame = wire::encode(message, wire::Envelope{});
  bytes_ += frame.size();
  ++world_.asked[wire::decode_header(frame)->kind];
  // The queue's functions are copied; an answer is given once.
  auto given = std::make_shared<Done<Reply>>(std::move(done));
  world_.under_way.push_back([this, to, frame = std::move(frame), given] {
    const auto answer = world_.answer(to, frame);
    if (!answer) return (*given)(std::unexpected(answer.error()));
    bytes_ += answer->size();
    (*given)(wire::decode<Reply>(BytesView(*answer).substr(wire::header_bytes)));
  });
  world_.most_under_way = std::max(world_.most_under_way, world_.under_way.size());
  return true;
}

bool WorldOwners::ask(NodeId to, const wire::TreeRoots& message, Done<wire::TreeRootsReply> done) {
  return send<wire::TreeRootsReply>(to, message, std::move(done));
}
bool WorldOwners::ask(NodeId to, const wire::TreeCells& message, Done<wire::TreeCellsReply> done) {
  return send<wire::TreeCellsReply>(to, message, std::move(done));
}
bool WorldOwners::ask(NodeId to, const wire::RangeDigests& message,
                      Done<wire::RangeDigestsReply> done) {
  return send<wire::RangeDigestsReply>(to, message, std::move(done));
}
bool WorldOwners::ask(NodeId to, const wire::RangePieces& message,
                      Done<wire::RangePiecesReply> done) {
  return send<wire::RangePiecesReply>(to, message, std::move(done));
}
bool WorldOwners::ask(NodeId to, const wire::ReplicaRecords& message,
                      Done<wire::ReplicaRecordsReply> done) {
  return send<wire::ReplicaRecordsReply>(to, message, std::move(done));
}
bool WorldOwners::ask(NodeId to, const wire::ReplicaWrite& message,
                      Done<wire::ReplicaWriteReply> done) {
  return send<wire::ReplicaWriteReply>(to, message, std::move(done));
}

Side::Side(RepairWorld& world, std::shared_ptr<const Epoch> epoch_, NodeId self_,
           const AntiEntropyOptions& options, HandClock& clock, HandTimers& timers,
           std::vector<PartitionId> damaged, std::uint64_t doubt)
    : self(self_),
      epoch(std::move(epoch_)),
      store(epoch->partitions()),
      gate(
          store, [](ConnectionId, const Bytes&) {}, [](coordinator::Tag) {}),
      local(store, gate, Random(self.low), doubt),
      copies(local, store),
      answers(store, copies),
      others(world),
      anti_entropy({.clock = clock,
                    .timers = timers,
                    .store = store,
                    .copies = copies,
                    .others = others,
                    .should_yield = {},
                    .made_equal = {}},
                   {.self = self, .schedule = options}, Random(self.low + 100)) {
  store.set_damaged(std::move(damaged));
  copies.set_partitions(epoch->partitions());
  local.set_epoch(epoch, self, ShardIndex{0}, 1);
  local.set_damage_handler(
      [this](PartitionId partition, BytesView key) { anti_entropy.on_damaged(partition, key); });
}

void Side::view(const std::set<NodeId>& alive) {
  anti_entropy.on_view(epoch, {alive.begin(), alive.end()});
}

Bytes Side::record(BytesView key) const {
  return store.get(Space::records, key)->value_or(Bytes());
}

std::map<Bytes, Bytes> Side::everything() const {
  std::map<Bytes, Bytes> out;
  const auto scanned = store.scan(Space::records, {}, {}, [&](BytesView key, BytesView value) {
    out.emplace(key, value);
    return true;
  });
  REQUIRE(scanned);
  return out;
}

void Side::damage(BytesView key) {
  Bytes bad = record(key);
  REQUIRE(!bad.empty());
  bad.back() ^= 1;
  // The tree does not hear of it.
  Write write{.space = Space::records, .key = Bytes(key), .value = bad};
  REQUIRE(store.append({&write, 1}));
}

void Side::erase(BytesView key) {
  const auto old = store.get(Space::records, key);
  Write write{.space = Space::records,
              .key = Bytes(key),
              .value = std::nullopt,
              .old_leaf_hash = stored_leaf_hash(key, *old)};
  REQUIRE(store.append({&write, 1}));
}

RepairWorld::RepairWorld(AntiEntropyOptions options) : options_(options), sides_(3) {
  for (std::size_t i = 0; i < 3; ++i) add_side(i);
}

void RepairWorld::add_side(std::size_t index, std::vector<PartitionId> damaged,
                           std::uint64_t doubt) {
  sides_[index] = std::make_unique<Side>(*this, epoch, node_id(index + 1), options_, clock, timers,
                                         std::move(damaged), doubt);
}

void RepairWorld::tell_views() {
  std::set<NodeId> alive;
  for (const auto& side : sides_) {
    if (!is_dead(side->self)) alive.insert(side->self);
  }
  for (const auto& side : sides_) {
    if (!is_dead(side->self)) side->view(alive);
  }
}

Bytes RepairWorld::key(std::uint64_t number, BytesView partition_key) const {
  const Bytes own = "key " + std::to_string(number);
  const BytesView part = partition_key.empty() ? BytesView(own) : partition_key;
  return *encode_key({.token = epoch->token(BucketId{1}, part),
                      .bucket = BucketId{1},
                      .partition_key = part,
                      .sort_key = partition_key.empty() ? BytesView() : BytesView(own)});
}

PartitionId RepairWorld::partition_of(BytesView key) const {
  return epoch->partition(decode_key(key)->token);
}

Bytes RepairWorld::version(BytesView key, std::uint64_t version) {
  const Dot dot{.actor = ActorId{77}, .sequence = version};
  const Bytes value = "version " + std::to_string(version);
  Record record;
  record.context.add(dot);
  record.siblings.push_back({.dot = dot, .timestamp = Timestamp{version}, .value = value});
  return encode_record(key, record);
}

void RepairWorld::put(std::size_t side, BytesView key, std::uint64_t number) {
  auto& copies = sides_[side]->local;
  REQUIRE(copies.keep(partition_of(key), Generation{}, key, version(key, number), false));
}

void RepairWorld::put_all(BytesView key, std::uint64_t number) {
  for (std::size_t i = 0; i < sides_.size(); ++i) put(i, key, number);
}

namespace {

Result<Bytes> answer_as_older(Side& side, const Bytes& body) {
  auto question = *wire::decode<wire::RangeDigests>(body);
  question.short_hashes.clear();
  const Bytes asked = wire::encode(question, wire::Envelope{});
  const auto frame = side.answers.answer(wire::Kind::range_digests,
                                         Bytes(BytesView(asked).substr(wire::header_bytes)), {});
  if (!frame) return frame;
  auto reply = *wire::decode<wire::RangeDigestsReply>(BytesView(*frame).substr(wire::header_bytes));
  reply.rest = 0;
  return wire::encode(reply, wire::Envelope{});
}

}  // namespace

Result<Bytes> RepairWorld::answer(NodeId to, BytesView frame) {
  const auto kind = wire::decode_header(frame)->kind;
  if (before_answer) before_answer(to, kind);
  if (is_dead(to)) return fail(ErrorCode::unavailable, "it did not answer in time");
  auto& side = *sides_[to.low - 1];
  const Bytes body(frame.substr(wire::header_bytes));
  if (is_older && kind == wire::Kind::range_digests) return answer_as_older(side, body);
  if (kind != wire::Kind::replica_write) return side.answers.answer(kind, body, {});
  const auto message = wire::decode<wire::ReplicaWrite>(body);
  REQUIRE(message);
  const auto wrote = side.local.write(*message);
  if (!wrote) return std::unexpected(wrote.error());
  return wire::encode(wire::ReplicaWriteReply{.generation = wrote->generation}, wire::Envelope{});
}

void RepairWorld::run(Duration most) {
  const Instant end = clock.time + most;
  while (clock.time < end) {
    while (!under_way.empty()) {
      const auto next = std::move(under_way.front());
      under_way.pop_front();
      next();
      for (const auto& side : sides_) side->anti_entropy.on_answer(clock.time);
    }
    timers.advance(std::chrono::milliseconds(10));
  }
}

bool RepairWorld::are_equal() {
  const auto first = side(0).everything();
  for (std::size_t i = 0; i < sides_.size(); ++i) {
    if (side(i).everything() != first) return false;
    for (std::uint32_t p = 0; p < epoch->partitions(); ++p) {
      const PartitionId partition{p};
      const auto* ours = side(0).store.tree(partition);
      const auto* theirs = side(i).store.tree(partition);
      const TreeCell none;
      if ((ours ? ours->root() : none) != (theirs ? theirs->root() : none)) return false;
    }
  }
  return true;
}

}  // namespace coterie::transfer
