#include "node/transfer/purge.h"

#include <algorithm>
#include <utility>

namespace coterie::transfer {

Purge::Purge(Timers& timers, PurgePort& port, const Options& options)
    : timers_(timers), port_(port), options_(options) {
  status_.is_enabled = options_.is_enabled;
  if (options_.is_enabled) arm(options_.interval);
}

Purge::~Purge() {
  timers_.cancel(timer_);
}

PurgeStatus Purge::status() const {
  PurgeStatus out = status_;
  out.partitions_left = left_.size();
  return out;
}

/// The only timer: of the next pass, or of the running one's next step.
void Purge::arm(Duration after) {
  timers_.cancel(timer_);
  timer_ = timers_.start(after, [this] { begin_pass(); });
}

void Purge::later(std::move_only_function<void()> call) {
  timers_.cancel(timer_);
  timer_ = timers_.start(limits::purge_pause, std::move(call));
}

void Purge::set_epoch(std::shared_ptr<const Epoch> epoch) {
  const bool is_changed =
      round_ && epoch->configuration(partition_) != epoch_->configuration(partition_);
  epoch_ = std::move(epoch);
  if (!is_changed) return;
  ++serial_;
  ++status_.abandoned;
  round_.reset();
  later([this] { next_partition(); });
}

void Purge::start_now() {
  if (status_.is_running || status_.is_paused) return;
  arm(Duration{0});
}

void Purge::resume() {
  if (!std::exchange(status_.is_paused, false) || status_.is_running) return;
  if (options_.is_enabled) arm(options_.interval);
}

void Purge::begin_pass() {
  if (status_.is_paused) return;
  left_.clear();
  waiting_.clear();
  differing_ = 0;
  if (epoch_ != nullptr) {
    for (const auto partition : epoch_->partitions_of(options_.self)) {
      if (partition.value % options_.shards == options_.shard.value) left_.push_back(partition);
    }
    std::ranges::reverse(left_);
  }
  status_.is_running = true;
  next_partition();
}

void Purge::next_partition() {
  while (!left_.empty() && !status_.is_paused) {
    const auto partition = left_.back();
    left_.pop_back();
    if (begin_partition(partition)) return;
  }
  status_.is_running = false;
  left_.clear();
  ++status_.passes;
  end_count();
  status_.differing = std::exchange(differing_, 0);
  if (options_.is_enabled && !status_.is_paused) arm(options_.interval);
}

void Purge::end_count() {
  const auto before = std::exchange(status_.waiting, {});
  for (const auto& [node, records] : std::exchange(waiting_, {})) {
    if (records == 0) continue;
    const auto known = before.find(node);
    const auto since = known == before.end() ? port_.wall_now() : known->second.since;
    status_.waiting[node] = {.records = records, .since = since};
  }
}

/// False: not this node's to purge, or not now.
bool Purge::begin_partition(PartitionId partition) {
  if (epoch_->stage(partition) != Stage::stable) return false;
  const auto owners = epoch_->owners(partition);
  if (std::ranges::find(owners, options_.self) == owners.end()) return false;
  std::optional<NodeId> lowest;
  std::optional<NodeId> away;
  for (const auto owner : owners) {
    if (owner != options_.self && !port_.is_alive(owner)) {
      away = owner;
    } else {
      lowest = lowest ? std::min(*lowest, owner) : owner;
    }
  }
  if (lowest != options_.self) return false;
  bystanders_.clear();
  // A fallback may hold the only copies of a write. It is asked whether it does, and one that is
  // away cannot answer.
  if (std::ranges::any_of(epoch_->buckets(), &Bucket::sloppy)) {
    for (const auto& member : epoch_->members()) {
      if (std::ranges::find(owners, member.id) != owners.end()) continue;
      bystanders_.push_back(member.id);
      if (!away && !port_.is_alive(member.id)) away = member.id;
    }
  }
  ++serial_;
  partition_ = partition;
#ifndef COTERIE_PLANT_PURGE_AWAY  // defined only where a test must see it
  if (away) {
    count_waiting(partition, *away, {});
    return true;
  }
#endif
  owners_.assign(owners.begin(), owners.end());
  round_.emplace(owners_.size(), bystanders_.size());
  owners_.insert(owners_.end(), bystanders_.begin(), bystanders_.end());
  ask();
  return true;
}

void Purge::count_waiting(PartitionId partition, NodeId away, Bytes from) {
  port_.list(options_.self, partition, from,
             [this, partition, away, from, serial = serial_](Result<PurgeListing> listing) {
               if (serial != serial_) return;
               if (!listing) return later([this] { next_partition(); });
               waiting_[away] += static_cast<std::uint64_t>(
                   std::ranges::count(listing->entries, wire::Purging::erase, &PurgeEntry::what));
               if (listing->reach.empty() || listing->reach <= from) {
                 return later([this] { next_partition(); });
               }
               later([this, partition, away, reach = std::move(listing->reach)] {
                 count_waiting(partition, away, reach);
               });
             });
}

void Purge::ask() {
  for (const auto& question : round_->take_questions()) ask(question);
}

void Purge::ask(const PurgeRound::Question& question) {
  const auto owner = owners_[question.owner];
  const auto id = question.id;
  // What an answer leads to waits for a turn of its own, and paces the pass.
  const auto answered = [this, serial = serial_](const auto& take) {
    if (serial != serial_ || !round_) return;
    const auto before = round_->step();
    const auto from = round_->from();
    take(*round_);
    if (round_->step() == before && round_->from() == from) return;
    later([this] { end_round(); });
  };
  switch (round_->step()) {
    case PurgeRound::Step::list:
      return port_.list(owner, partition_, round_->from(),
                        [answered, id](Result<PurgeListing> listing) {
                          answered([&](PurgeRound& round) {
                            if (!listing) return round.on_failed(id, listing.error());
                            round.on_listed(id, *std::move(listing));
                          });
                        });
    case PurgeRound::Step::raise:
    case PurgeRound::Step::clear:
      return port_.raise(owner, partition_,
                         {.generation = round_->generation(),
                          .purged = round_->purged(),
                          .actor = round_->actor(question.owner)},
                         [answered, id](Result<Generation> raised) {
                           answered([&](PurgeRound& round) {
                             if (!raised) return round.on_failed(id, raised.error());
                             round.on_raised(id, *raised);
                           });
                         });
    case PurgeRound::Step::apply:
      return port_.apply(owner, partition_, round_->generation(), round_->batch(),
                         [answered, id](Result<void> applied) {
                           answered([&](PurgeRound& round) {
                             if (!applied) return round.on_failed(id, applied.error());
                             round.on_applied(id);
                           });
                         });
    case PurgeRound::Step::done:
    case PurgeRound::Step::abandoned:
      return;
  }
}

/// The next step of the round, or its end.
void Purge::end_round() {
  const auto step = round_->step();
  if (step != PurgeRound::Step::done && step != PurgeRound::Step::abandoned) return ask();
  differing_ += round_->unequal();
  if (step == PurgeRound::Step::done) {
    ++status_.rounds;
  } else {
    ++status_.abandoned;
    status_.last_trouble = "partition " + std::to_string(partition_.value) + ", " +
                           short_name(owners_[round_->blamed()]) + ": " + round_->reason();
  }
  round_.reset();
  next_partition();
}

}  // namespace coterie::transfer
