// What operators ask of the ring.

#include <utility>
#include <variant>

#include "node/control/control.h"
#include "ring/transition/entries.h"

namespace coterie {

using topology::Answer;

namespace {

std::string in_hex(const plan::Plan& plan) {
  return to_hex(plan.hash);
}

}  // namespace

void Control::order(topology::Order order, Answered done) {
  if (epochs_.newest() == nullptr) {
    done(fail(ErrorCode::unavailable, "this node belongs to no cluster yet"));
    return;
  }
  if (const auto* staged = std::get_if<topology::Stage>(&order)) {
    stage(*staged, std::move(done));
  } else if (const auto* unstaged = std::get_if<topology::Unstage>(&order)) {
    answer_after(staging_.remove(unstaged->node), std::move(done));
  } else if (std::holds_alternative<topology::Clear>(order)) {
    answer_after(staging_.clear(), std::move(done));
  } else if (const auto* committed = std::get_if<topology::Commit>(&order)) {
    commit(*committed, std::move(done));
  } else if (const auto* aborted = std::get_if<topology::Abort>(&order)) {
    propose_step(
        [id = aborted->change](EpochContents& next) {
          return transition::take_step(next, id, transition::Step::abort);
        },
        std::move(done));
  } else if (const auto* paused = std::get_if<topology::Pause>(&order)) {
    propose_step(
        [pause = *paused](EpochContents& next) {
          return transition::pause_change(next, pause.change, pause.is_paused);
        },
        std::move(done));
  } else {
    answer(std::move(done));
  }
}

void Control::stage(const topology::Stage& order, Answered done) {
  if (const auto* change = std::get_if<plan::StagedChange>(&order.what)) {
    answer_after(staging_.add(*epochs_.newest(), epochs_.former(), *change), std::move(done));
    return;
  }
  done(fail(ErrorCode::unsupported_version, "new nodes cannot be asked yet"));
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

void Control::commit(const topology::Commit& order, Answered done) {
  const auto& plan = plan_now();
  if (!plan) return done(std::unexpected(plan.error()));
  if (plan->hash != order.hash) {
    return done(fail(ErrorCode::refused,
                     "the ring or what is staged has changed since that plan was made: its hash "
                     "is now " +
                         in_hex(*plan) + "; run `plan` again"));
  }
  const auto report = plan::report_of(*epochs_.newest(), *plan, {});
  if (!report.problems.empty() && !order.is_forced) {
    return done(fail(ErrorCode::refused, report.problems.front()));
  }
  env_.log.info("changes", "an operator commits plan " + in_hex(*plan));
  propose(std::make_shared<const Epoch>(plan->next),
          [this, done = std::move(done)](Result<void> result) mutable {
            answer_after(std::move(result), std::move(done));
          });
}

void Control::propose_step(std::function<Result<void>(EpochContents&)> step, Answered done) {
  EpochContents next = transition::following(*epochs_.newest());
  if (auto fine = step(next); !fine) return done(std::unexpected(std::move(fine.error())));
  auto made = Epoch::make(std::move(next));
  if (!made) return done(std::unexpected(std::move(made.error())));
  propose(std::make_shared<const Epoch>(*std::move(made)),
          [this, done = std::move(done)](Result<void> result) mutable {
            answer_after(std::move(result), std::move(done));
          });
}

void Control::answer_after(Result<void> result, Answered done) {
  if (!result) return done(std::unexpected(std::move(result.error())));
  answer(std::move(done));
}

void Control::answer(Answered done) {
  Answer out{.epoch = epochs_.newest(),
             .staged = staging_.staged(),
             .plan = std::nullopt,
             .report = {},
             .why_no_plan = {},
             .changes = changes(),
             .dropped = staging_.dropped()};
  const auto& plan = plan_now();
  if (plan) {
    out.report = plan::report_of(*out.epoch, *plan, {});
    out.plan = *plan;
  } else if (!out.staged.empty()) {
    out.why_no_plan = plan.error().message;
  }
  done(std::move(out));
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
