// What operators ask of the ring.

#include <algorithm>
#include <utility>
#include <variant>

#include "base/limits.h"
#include "node/control/control.h"
#include "ring/bucket_entries.h"
#include "ring/transition/entries.h"

namespace coterie {

using plan::StagedChange;
using topology::Answer;

namespace {

constexpr auto step_pause = std::chrono::milliseconds(100);

/// An error that says more of a change than that it is at another stage.
Result<Change*> open_change(EpochContents& next, std::uint64_t id) {
  const auto found = std::ranges::find(next.changes, id, &Change::id);
  const auto which = "change " + std::to_string(id);
  if (found == next.changes.end()) {
    return fail(ErrorCode::not_found, "no " + which + " is under way");
  }
  if (found->stage == Stage::cut_over) {
    return fail(ErrorCode::refused,
                which +
                    " is cut over: new owners answer reads already, so it can only finish, and "
                    "does so by itself; change the ring back afterwards");
  }
  if (found->stage == Stage::aborting) {
    return fail(ErrorCode::refused, which + " is being aborted; it ends by itself");
  }
  return &*found;
}

Result<void> abort(EpochContents& next, const topology::Abort& order) {
  if (const auto change = open_change(next, order.change); !change) {
    return std::unexpected(change.error());
  }
  return transition::take_step(next, order.change, transition::Step::abort);
}

Result<void> pause(EpochContents& next, const topology::Pause& order) {
  const auto change = open_change(next, order.change);
  if (!change) return std::unexpected(change.error());
  if ((*change)->is_paused == order.is_paused) {
    return fail(ErrorCode::refused, "change " + std::to_string(order.change) +
                                        (order.is_paused ? " is paused" : " is not paused") +
                                        " already");
  }
  return transition::pause_change(next, order.change, order.is_paused);
}

/// The nodes that the plan takes for dead.
bool takes_for_dead(const StagedChange& change, NodeId node) {
  const auto* remove = std::get_if<plan::Remove>(&change);
  const auto* replace = std::get_if<plan::Replace>(&change);
  return (remove != nullptr && remove->node == node) ||
         (replace != nullptr && replace->is_dead && replace->node == node);
}

const Member* newcomer_of(const StagedChange& change) {
  if (const auto* join = std::get_if<plan::Join>(&change)) return &join->member;
  if (const auto* replace = std::get_if<plan::Replace>(&change)) return &replace->by;
  return nullptr;
}

std::string is_alive(NodeId node) {
  return "node " + to_hex(node) +
         " answers, so it is not dead: use `leave` or `replace`, or stop it for good first";
}

}  // namespace

void Control::order(topology::Order order, Answered done) {
  if (epochs_.newest() == nullptr || !is_member()) {
    const auto why = blockers();
    done(fail(ErrorCode::unavailable,
              why.empty() ? "this node belongs to no cluster yet" : why.front()));
    return;
  }
  if (orders_ >= limits::ring_orders) {
    done(fail(ErrorCode::overloaded, "too many orders at once; retry"));
    return;
  }
  ++orders_;
  auto counted = [this, done = std::move(done)](Result<Answer> answer) mutable {
    --orders_;
    done(std::move(answer));
  };
  if (const auto* staged = std::get_if<topology::Stage>(&order)) {
    stage(*staged, std::move(counted));
  } else if (const auto* unstaged = std::get_if<topology::Unstage>(&order)) {
    answer_after(staging_.remove(unstaged->node), std::move(counted));
  } else if (std::holds_alternative<topology::Clear>(order)) {
    answer_after(staging_.clear(), std::move(counted));
  } else if (const auto* committed = std::get_if<topology::Commit>(&order)) {
    commit(*committed, std::move(counted));
  } else if (const auto* aborted = std::get_if<topology::Abort>(&order)) {
    take_entry([one = *aborted](auto& next) { return abort(next, one); }, std::move(counted));
  } else if (const auto* paused = std::get_if<topology::Pause>(&order)) {
    take_entry([one = *paused](auto& next) { return pause(next, one); }, std::move(counted));
  } else if (const auto* created = std::get_if<topology::CreateBucket>(&order)) {
    take_entry([one = *created](auto& next) { return create_bucket(next, one.bucket); },
               std::move(counted));
  } else if (const auto* set = std::get_if<topology::SetBucket>(&order)) {
    take_entry([one = *set](auto& next) { return set_bucket(next, one.name, one.settings); },
               std::move(counted));
  } else if (std::holds_alternative<topology::FenceBuckets>(order)) {
    take_entry([](auto& next) { return transition::open_fence(next); }, std::move(counted));
  } else if (const auto* forced = std::get_if<topology::ForceLineage>(&order)) {
    force(*forced, std::move(counted));
  } else {
    answer(std::move(counted));
  }
}

void Control::stage(const topology::Stage& order, Answered done) {
  auto ended = std::make_shared<Answered>(std::move(done));
  if (const auto* join = std::get_if<topology::JoinAt>(&order.what)) {
    const Newcomer wanted{.address = join->gossip, .weight = join->weight, .zone = join->zone};
    ask_facts({join->gossip}, false, [this, wanted, ended](const FactsByAddress& facts) {
      const auto member = newcomer(facts, wanted);
      answer_after(member ? staging_.add(*epochs_.newest(), epochs_.former(), plan::Join{*member})
                          : std::unexpected(member.error()),
                   std::move(*ended));
    });
    return;
  }
  if (const auto* replace = std::get_if<topology::ReplaceBy>(&order.what)) {
    return stage_replacement(*replace, std::move(*ended));
  }
  const auto& change = std::get<StagedChange>(order.what);
  if (const auto* remove = std::get_if<plan::Remove>(&change)) {
    return stage_removal(*remove, std::move(*ended));
  }
  answer_after(staging_.add(*epochs_.newest(), epochs_.former(), change), std::move(*ended));
}

/// A change under way that waits for the dead goes on without it at once; to be no member any more
/// it has to wait for a change of its own.
void Control::stage_removal(const plan::Remove& remove, Answered done) {
  const auto address = gossip_address_of(remove.node);
  std::vector<Address> whom;
  if (address) whom.push_back(*address);
  auto ended = std::make_shared<Answered>(std::move(done));
  ask_facts(whom, false, [this, remove, ended](const FactsByAddress& facts) {
    for (const auto& [at, answer] : facts) {
      if (answer && answer->node == remove.node) {
        return (*ended)(fail(ErrorCode::refused, is_alive(remove.node)));
      }
    }
    const auto stage = [this, remove, ended](Result<void> result) {
      if (result) result = staging_.add(*epochs_.newest(), epochs_.former(), remove);
      answer_after(std::move(result), std::move(*ended));
    };
    EpochContents next = epochs_.newest()->contents();
    if (!transition::remove_from_changes(next, remove.node)) return stage({});
    const auto go_on = [node = remove.node](EpochContents& entry) -> Result<void> {
      if (transition::remove_from_changes(entry, node)) return {};
      return fail(ErrorCode::refused, "the change that waited for it has ended: remove it again");
    };
    take_entry(go_on, [stage](Result<Answer> answer) {
      stage(answer ? Result<void>() : std::unexpected(std::move(answer.error())));
    });
  });
}

Result<Member> Control::newcomer(const FactsByAddress& facts, const Newcomer& wanted) const {
  const auto& answer = facts.at(wanted.address.text());
  if (!answer) {
    return fail(
        answer.error().code == ErrorCode::refused ? ErrorCode::refused : ErrorCode::unavailable,
        "the node at " + wanted.address.text() + " cannot be asked: " + answer.error().message +
            "; it must run, and its doors.gossip be reachable from here");
  }
  return member_of(*answer, wanted, *epochs_.newest(), options_.config.cluster.name);
}

void Control::stage_replacement(const topology::ReplaceBy& order, Answered done) {
  std::vector<Address> whom = {order.by};
  const auto old = gossip_address_of(order.node);
  if (old && *old != order.by) whom.push_back(*old);
  auto ended = std::make_shared<Answered>(std::move(done));
  ask_facts(whom, false, [this, order, old, ended](const FactsByAddress& facts) {
    const auto member = newcomer(facts, {.address = order.by, .replaces = true});
    if (!member) return (*ended)(std::unexpected(member.error()));
    plan::Replace change{.node = order.node, .by = *member, .is_dead = order.is_dead};
    // Who has its address holds none of its data.
    if (old && *old == order.by) change.is_dead = true;
    const auto known = old ? facts.find(old->text()) : facts.end();
    if (change.is_dead && known != facts.end() && known->second &&
        known->second->node == order.node) {
      return (*ended)(fail(ErrorCode::refused, is_alive(order.node)));
    }
    answer_after(staging_.add(*epochs_.newest(), epochs_.former(), std::move(change)),
                 std::move(*ended));
  });
}

/// Of what is staged; with nothing staged, of putting each partition where it should be.
const Result<plan::Plan>& Control::plan_now() {
  const auto& base = epochs_.newest();
  if (!planned_ || planned_->base != base || planned_->staged != staging_.staged()) {
    planned_.emplace(base, staging_.staged(),
                     plan::make_plan(*base, staging_.staged(), epochs_.former()));
  }
  return planned_->plan;
}

std::vector<Address> Control::planned_nodes() const {
  std::vector<Address> out;
  for (const Member& member : epochs_.newest()->members()) {
    if (const auto address = gossip_address_of(member.id)) out.push_back(*address);
  }
  for (const StagedChange& change : staging_.staged()) {
    const auto* member = newcomer_of(change);
    const auto address =
        member == nullptr ? std::nullopt : std::optional(Address::parse(member->address));
    if (address && *address) out.push_back(**address);
  }
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

plan::PlanReport Control::report_on(const plan::Plan& plan, const FactsByAddress& answers) const {
  const Epoch& base = *epochs_.newest();
  plan::PlanFacts facts;
  facts.partition_bytes.resize(base.partitions());
  std::vector<NodeId> answered;
  for (const auto& [address, answer] : answers) {
    if (!answer) continue;
    answered.push_back(answer->node);
    const auto& sizes = answer->sizes;
    facts.free_bytes[answer->node] = sizes.free_bytes;
    for (std::size_t i = 0; i < sizes.partitions.size(); ++i) {
      if (sizes.partitions[i] >= base.partitions()) continue;
      auto& bytes = facts.partition_bytes[sizes.partitions[i]];
      bytes = std::max(bytes, sizes.partition_bytes[i]);
    }
    const auto rate = sizes.stream_bytes_a_second;
    const bool is_slower = facts.bytes_a_second == 0 || rate < facts.bytes_a_second;
    if (rate != 0 && is_slower) facts.bytes_a_second = rate;
  }
  std::vector<std::string> troubles;
  for (const Member& member : plan.next.members()) {
    if (std::ranges::count(answered, member.id) != 0) continue;
    facts.unreachable.push_back(member.id);
    if (base.member(member.id) == nullptr) {
      troubles.push_back("node " + to_hex(member.id) + " at " + member.address +
                         ", which shall become a member, does not answer");
    }
  }
  auto report = plan::report_of(base, plan, facts);
  report.problems.insert(report.problems.end(), troubles.begin(), troubles.end());
  return report;
}

/// What no operator can answer for.
Result<void> Control::check_plan(const plan::Plan& plan, const FactsByAddress& answers) const {
  for (const StagedChange& change : plan.staged) {
    for (const auto& [address, answer] : answers) {
      if (answer && takes_for_dead(change, answer->node)) {
        return fail(ErrorCode::refused, is_alive(answer->node));
      }
    }
    const auto* member = newcomer_of(change);
    const auto found = member == nullptr ? answers.end() : answers.find(member->address);
    if (found != answers.end() && found->second && found->second->node != member->id) {
      return fail(ErrorCode::refused, "another node answers at " + member->address +
                                          " now than the one that was staged: stage it again");
    }
  }
  const auto report = plan::report_of(*epochs_.newest(), plan, {});
  for (const auto& step : report.steps) {
    if (step.not_met == 0) continue;
    return fail(ErrorCode::refused, "reads could miss acknowledged writes at step \"" +
                                        std::string(name(step.step)) + "\"; this cannot be forced");
  }
  return {};
}

void Control::commit(const topology::Commit& order, Answered done) {
  auto ended = std::make_shared<Answered>(std::move(done));
  ask_facts(planned_nodes(), true, [this, order, ended](const FactsByAddress& facts) {
    when_free([this, order, ended, facts] {
      auto checked = committed(order, facts);
      if (!checked) return (*ended)(std::unexpected(std::move(checked.error())));
      const auto& changes = (*checked)->contents().changes;
      std::optional<std::uint64_t> begun = (*checked)->number().number;
      if (changes.empty() || changes.back().id != *begun) begun.reset();
      propose(*std::move(checked), [this, ended, begun](Result<void> result) {
        answer_after(std::move(result), [ended, begun](Result<Answer> answer) {
          if (answer) answer->begun = begun;
          (*ended)(std::move(answer));
        });
      });
    });
  });
}

/// The epoch to be proposed.
Result<std::shared_ptr<const Epoch>> Control::committed(const topology::Commit& order,
                                                        const FactsByAddress& facts) {
  const auto& plan = plan_now();
  if (!plan) return std::unexpected(plan.error());
  if (plan->hash != order.hash) {
    return fail(
        ErrorCode::refused,
        "the ring or what is staged here has changed since that plan was made: run `plan` again");
  }
  if (auto fine = check_plan(*plan, facts); !fine) {
    return std::unexpected(std::move(fine.error()));
  }
  const auto problems = report_on(*plan, facts).problems;
  if (!problems.empty() && !order.is_forced) {
    std::string why = problems.front();
    for (std::size_t i = 1; i < problems.size(); ++i) why += "; " + problems[i];
    return fail(ErrorCode::refused, why + "; commit by force, if it must be");
  }
  for (const auto& problem : problems) {
    env_.log.warn("changes", "committed by force although " + problem);
  }
  env_.log.info("changes", "an operator commits plan " + to_hex(plan->hash));
  return std::make_shared<const Epoch>(plan->next);
}

/// This node may be at it with another epoch, a step of a change.
void Control::when_free(std::move_only_function<void()> then) {
  waiting_orders_.push_back(
      {.until = env_.clock.now() + limits::epoch_decision_most, .then = std::move(then)});
  if (waiting_orders_.size() == 1) serve_waiting_orders();
}

void Control::serve_waiting_orders() {
  while (!waiting_orders_.empty()) {
    const bool is_busy = proposal_ != nullptr && !proposal_->is_over();
    if (is_busy && env_.clock.now() < waiting_orders_.front().until) {
      orders_timer_ = env_.timers.start(step_pause, [this] { serve_waiting_orders(); });
      return;
    }
    // Whoever comes meanwhile finds that others wait.
    waiting_orders_.front().then();
    waiting_orders_.pop_front();
  }
}

/// What becomes of changes by itself may be faster: then once more, from the epoch after it.
void Control::take_entry(MakeEntry make, Answered done) {
  when_free([this, make = std::move(make), done = std::move(done)]() mutable {
    EpochContents next = transition::following(*epochs_.newest());
    if (auto fine = make(next); !fine) return done(std::unexpected(std::move(fine.error())));
    auto made = Epoch::make(std::move(next));
    if (!made) return done(std::unexpected(std::move(made.error())));
    const auto base = epochs_.newest()->number();
    propose(
        std::make_shared<const Epoch>(*std::move(made)),
        [this, base, make = std::move(make), done = std::move(done)](Result<void> result) mutable {
          const bool was_late = !result && result.error().code == ErrorCode::refused &&
                                epochs_.newest()->number() > base;
          if (was_late) return take_entry(std::move(make), std::move(done));
          answer_after(std::move(result), std::move(done));
        });
  });
}

void Control::answer_after(Result<void> result, Answered done) {
  if (!result) return done(std::unexpected(std::move(result.error())));
  answer(std::move(done));
}

void Control::answer(Answered done) {
  const auto look = [this](const FactsByAddress& facts) {
    Answer out{.epoch = epochs_.newest(),
               .staged = staging_.staged(),
               .plan = std::nullopt,
               .report = {},
               .why_no_plan = {},
               .changes = changes(),
               .begun = std::nullopt,
               .dropped = staging_.dropped()};
    const auto& plan = plan_now();
    if (plan) {
      out.report = report_on(*plan, facts);
      out.plan = *plan;
    } else if (!out.staged.empty()) {
      out.why_no_plan = plan.error().message;
    }
    return out;
  };
  if (!plan_now()) return done(look({}));
  auto ended = std::make_shared<Answered>(std::move(done));
  ask_facts(planned_nodes(), true,
            [look, ended](const FactsByAddress& facts) { (*ended)(look(facts)); });
}

void Control::settle_staged() {
  const auto dropped = staging_.dropped().size();
  if (auto kept = staging_.settle(*epochs_.newest(), epochs_.former()); !kept) {
    env_.log.error("changes", "what is staged: " + kept.error().message);
  }
  for (auto i = dropped; i < staging_.dropped().size(); ++i) {
    env_.log.warn("changes", "not staged any more: " + staging_.dropped()[i]);
  }
}

}  // namespace coterie
