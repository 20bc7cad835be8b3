// Whether this node was restored from an old copy of its data directory: others remember how far it
// had come. And how one begins anew under the id of one that was lost.

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "node/control/control.h"
#include "node/control/recovery.h"

namespace coterie {
namespace {

constexpr const char* marks_path = "marks";

std::string what_to_do(const NodeId node, const std::string& what, NodeId from) {
  return "the data directory is an older state of this node than the one it last served with: " +
         what + " (node " + to_hex(from) +
         " remembers). It may lack acknowledged writes and promises, so that it must not serve: "
         "start it as `coterie-node --recover-as " +
         to_hex(node) +
         " --discard-data --config FILE`, which empties the directory and fills it again from the "
         "other nodes, or run `cluster-admin replace " +
         to_hex(node) + " ADDRESS --dead` with an empty node in its place";
}

}  // namespace

Result<void> Control::open_marks() {
  logs_.resize(options_.identity.shards);
  auto recovery = load_recovery(env_.files);
  if (!recovery) return std::unexpected(std::move(recovery.error()));
  recovery_ = *recovery;
  voting_.abstain(recovery_ && recovery_->votes != Recovery::Votes::over);
  const auto bytes = read_file(env_.files, marks_path);
  if (!bytes) return std::unexpected(bytes.error());
  if (!*bytes) return {};
  const auto decoded = marks_.decode(**bytes);
  if (decoded || decoded.error().code != ErrorCode::corrupt) return decoded;
  // Others remember the same.
  env_.log.error("marks", decoded.error().message + "; begins a new one");
  return {};
}

wire::LifeMark Control::own_mark(bool with_unsynced) const {
  wire::LifeMark out{.node = options_.identity.node,
                     .life = recovery_ ? recovery_->life : 0,
                     .incarnation = options_.identity.incarnation,
                     .run = options_.run,
                     .is_recovering = recovery_ && recovery_->life == 0};
  if (const auto* vote = voting_.kept(); vote != nullptr) {
    out.vote_slot = vote->slot;
    out.promised = {.round = vote->promised.round, .proposer = vote->promised.proposer};
    out.accepted = {.round = vote->accepted.round, .proposer = vote->accepted.proposer};
  }
  for (const OwnLog& log : logs_) {
    out.logs.push_back({.log_id = log.log_id, .synced = with_unsynced ? log.last : log.synced});
  }
  return out;
}

/// The next members by id, so that each node is remembered by as many.
std::vector<NodeId> Control::witnesses() const {
  const auto& members = epochs_.newest()->members();
  const auto own = std::ranges::find(members, options_.identity.node, &Member::id);
  std::vector<NodeId> out;
  if (own == members.end()) return out;
  const auto at = static_cast<std::size_t>(own - members.begin());
  const auto most = std::min(options_.witnesses, members.size() - 1);
  for (std::size_t i = 1; i <= most; ++i) out.push_back(members[(at + i) % members.size()].id);
  return out;
}

/// All members are asked: by an older epoch this node may have had other witnesses.
void Control::begin_comparison(bool was_here_before) {
  is_comparing_ = true;
  compare_until_ = env_.clock.now() + limits::marks_patience;
  // One that has not been started before cannot be known; an old copy may be from before its first
  // epoch.
  const bool may_be_old = was_here_before || options_.identity.incarnation > 1;
  const bool is_remembered = may_be_old && options_.witnesses > 0;
  if (is_member() && (is_remembered || recovery_)) {
    for (const Member& member : epochs_.newest()->members()) {
      if (member.id != options_.identity.node) unanswered_.insert(member.id);
    }
  }
  for (const NodeId node : std::set(unanswered_)) tell(node);
  if (options_.witnesses > 0 || recovery_) {
    marks_timer_ = env_.timers.start(limits::marks_patience, [this] { on_marks_timer(); });
  }
  look_at_comparison();
}

void Control::on_marks_timer() {
  marks_timer_ = env_.timers.start(limits::marks_interval, [this] { on_marks_timer(); });
  if (env_.look_at_logs) env_.look_at_logs();
  further_recovery();
  look_at_comparison();
  if (!is_member() || restored_) return;
  if (recovery_ && recovery_->votes == Recovery::Votes::unknown) {
    for (const Member& member : epochs_.newest()->members()) tell(member.id);
  } else {
    tell_witnesses();
  }
  if (++marks_ticks_ % limits::marks_kept_every == 0) keep_marks(false);
}

void Control::tell_witnesses() {
  const auto mark = own_mark(false);
  for (const NodeId node : witnesses()) {
    const auto told = told_.find(node);
    if (told == told_.end() || told->second != mark) tell(node);
  }
}

void Control::tell(NodeId node) {
  if (node == options_.identity.node) return;
  const auto* peer = gossip_.find(node);
  const bool is_away = peer != nullptr && (peer->state == gossip::MemberState::dead ||
                                           peer->state == gossip::MemberState::left);
  const auto address = gossip_address_of(node);
  if (!address) unanswered_.erase(node);
  if (is_away || !address || !telling_.insert(node).second) return;
  const auto mark = own_mark(false);
  const auto make = [&mark](std::uint64_t id) { return wire::encode(mark, {.request_id = id}); };
  calls_.call(*address, make, limits::marks_patience, [this, node, mark](auto reply) {
    telling_.erase(node);
    unanswered_.erase(node);
    const bool is_it = reply && reply->from == node;
    const auto answer = is_it ? wire::decode<wire::LifeMarkReply>(reply->body)
                              : Result<wire::LifeMarkReply>(wire::LifeMarkReply{});
    if (is_it && answer) on_mark_reply(node, mark, *answer);
    look_at_comparison();
  });
}

void Control::on_mark_reply(NodeId from, const wire::LifeMark& told,
                            const wire::LifeMarkReply& reply) {
  mark_replies_[from] = reply;
  if (!told.is_recovering && reply.known) told_.insert_or_assign(from, told);
  judge_own_state();
  further_recovery();
}

void Control::note_log(ShardIndex shard, const OwnLog& log) {
  logs_[shard.value] = log;
  judge_own_state();
}

void Control::judge_own_state() {
  if (restored_ || (recovery_ && recovery_->life == 0)) return;
  auto own = own_mark(true);
  // A damaged file of votes is another matter (Voting).
  if (voting_.kept() == nullptr) own.vote_slot.lineage = ~std::uint32_t{0};
  for (const auto& [from, reply] : mark_replies_) {
    const auto missing = reply.known ? what_is_missing(own, *reply.known) : std::nullopt;
    if (!missing) continue;
    restored_ = what_to_do(options_.identity.node, *missing, from);
    voting_.abstain(true);
    // For --recover-as, where this directory is itself of a node that has begun anew.
    if (auto kept = replace_file(env_.files, restored_path, *restored_); !kept) {
      env_.log.error("node", kept.error().message);
    }
    env_.log.error("node", *restored_);
    if (env_.on_restored) env_.on_restored({.code = ErrorCode::refused, .message = *restored_});
    return;
  }
}

void Control::look_at_comparison() {
  if (is_compared_ || restored_ || !is_comparing_) return;
  if (!unanswered_.empty() && env_.clock.now() < compare_until_) return;
  if (recovery_ && recovery_->life == 0) return;
  is_compared_ = true;
  if (env_.on_compared) env_.on_compared();
}

/// Its votes may be forgotten. It voted on no later epoch than the one after the newest it knew,
/// and whichever that was, most voters had accepted it before. So where as many other voters know
/// of none after this one, and have accepted none, it has voted on none later than the next.
void Control::further_recovery() {
  if (!recovery_ || !is_member()) return;
  Recovery next = *recovery_;
  const auto& newest = *epochs_.newest();
  const EpochNumber slot{.lineage = newest.number().lineage, .number = newest.number().number + 1};
  const bool has_waited = unanswered_.empty() || env_.clock.now() >= compare_until_;
  if (next.life == 0 && has_waited && !mark_replies_.empty()) {
    for (const auto& [from, reply] : mark_replies_) {
      if (reply.known) next.life = std::max(next.life, reply.known->life);
    }
    ++next.life;
  }
  if (next.votes == Recovery::Votes::through && slot.lineage > next.through.lineage) {
    next.votes = Recovery::Votes::unknown;
  }
  if (next.votes == Recovery::Votes::through && slot > next.through) {
    next.votes = Recovery::Votes::over;
  }
  if (next.votes == Recovery::Votes::unknown) {
    const auto& voters = newest.voters();
    const auto agree = std::ranges::count_if(voters, [&](NodeId voter) {
      const auto at = mark_replies_.find(voter);
      return at != mark_replies_.end() && at->second.may_vote && !at->second.has_accepted &&
             at->second.epoch == newest.number();
    });
    if (static_cast<std::size_t>(agree) > voters.size() / 2) {
      next.votes = Recovery::Votes::through;
      next.through = slot;
    }
  }
  if (next == *recovery_) return;
  if (auto kept = keep_recovery(env_.files, next); !kept) {
    env_.log.error("node", kept.error().message);
    return;
  }
  recovery_ = next;
  voting_.abstain(recovery_->votes != Recovery::Votes::over);
  look_at_comparison();
}

void Control::keep_marks(bool at_once) {
  if (!marks_.has_changed() || is_keeping_marks_) return;
  auto bytes = marks_.encode();
  const auto complain = [this](const Result<void>& kept) {
    if (!kept) env_.log.warn("marks", kept.error().message);
  };
  if (at_once || env_.worker == nullptr) {
    return complain(replace_file(env_.files, marks_path, bytes));
  }
  is_keeping_marks_ = true;
  // Shared by the thread that writes and the loop that hears of it.
  const auto kept = std::make_shared<Result<void>>();
  env_.worker->submit(
      [&files = env_.files, kept, bytes = std::move(bytes)] {
        *kept = replace_file(files, marks_path, bytes);
      },
      [this, kept, complain] {
        is_keeping_marks_ = false;
        complain(*kept);
        if (marks_.has_weighty_change()) keep_marks(true);
      });
}

Result<Bytes> Control::serve_life_mark(BytesView body, const wire::Envelope& envelope) {
  const auto told = wire::decode<wire::LifeMark>(body);
  if (!told) return std::unexpected(told.error());
  const auto& epoch = epochs_.newest();
  wire::LifeMarkReply reply{.known = std::nullopt,
                            .epoch = epoch == nullptr ? EpochNumber{} : epoch->number(),
                            .has_accepted = voting_.is_undecided(),
                            .may_vote = is_compared_ && voting_.may_vote().has_value()};
  const bool is_known = epoch != nullptr && epoch->member(told->node) != nullptr;
  if (is_known && options_.witnesses > 0) {
    const auto* known = told->is_recovering ? marks_.find(told->node) : &marks_.take(*told);
    if (known != nullptr) reply.known = *known;
    if (marks_.has_weighty_change()) keep_marks(true);
  }
  return wire::encode(reply, envelope);
}

}  // namespace coterie
