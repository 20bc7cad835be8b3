// What purge rounds do to the world.

#include <algorithm>

#include "base/check.h"
#include "node/replica/purge.h"
#include "tests/explore/world.h"
#include "tests/explore/world_key.h"

namespace coterie::explore {
namespace {

constexpr std::uint64_t other_digest = 7;
/// Of a round of one page: three questions an owner.
constexpr std::uint8_t first_raise = owners + 1;
constexpr std::uint8_t first_apply = 2 * owners + 1;

}  // namespace

void World::take_questions(std::size_t round) {
  auto next = std::make_shared<transfer::PurgeRound>(*rounds_[round].state);
  for (const auto& question : next->take_questions()) {
    check(question.id < rounds_[round].heard.size(), "a round of one page asks three questions");
    send({.kind = Message::Kind::question,
          .owner = static_cast<std::uint8_t>(question.owner),
          .round = static_cast<std::uint8_t>(round),
          .id = static_cast<std::uint8_t>(question.id)});
  }
  rounds_[round].state = std::move(next);
}

void World::answer_question(const Message& question) {
  Message answer = question;
  answer.kind = Message::Kind::answer;
  if (question.id < first_raise) {
    list(question, answer);
  } else if (question.id < first_apply) {
    raise(question, answer);
  } else {
    apply(question, answer);
  }
  if (scope_->has_late_answers) return send(answer);
  take_answer(answer);
}

/// As LocalCopies::purge_list; what is listed follows from the record.
void World::list(const Message& question, Message& answer) const {
  const Owner& owner = owners_[question.owner];
  answer.has_failed = !may_read(question.owner);
  if (answer.has_failed) return;
  answer.record = owner.record;
  answer.generation = static_cast<std::uint8_t>(owner.copy.generation().value);
  answer.purged = static_cast<std::uint8_t>(owner.copy.purged().value);
  answer.actor = static_cast<std::uint16_t>(owner.copy.actor().value);
}

/// As LocalCopies::purge_raise.
void World::raise(const Message& question, Message& answer) {
  const auto& round = *rounds_[question.round].state;
  heard_of_purge(question.owner, round.purged());
  auto& copy = owners_[question.owner].copy;
  answer.has_failed = !may_read(question.owner) ||
                      !replica::check_listed(copy, round.actor(question.owner)).has_value();
  if (answer.has_failed) return;
  if (round.generation() > copy.generation()) copy.raise_generation(round.generation());
  answer.generation = static_cast<std::uint8_t>(copy.generation().value);
}

/// As LocalCopies::purge_apply.
void World::apply(const Message& question, Message& answer) {
  const auto& round = *rounds_[question.round].state;
  Owner& owner = owners_[question.owner];
  answer.has_failed = true;
  if (!may_read(question.owner)) return;
  if (owner.copy.generation() < round.generation()) {
    return heard_of_purge(question.owner, round.generation());
  }
  answer.has_failed = false;
  if (owner.copy.purged() < round.generation()) owner.copy.raise_purged(round.generation());
  for (const auto& entry : round.batch()) {
    if (entry.key != key() || owner.record == 0) continue;
    const auto done = replica::purge({.key = entry.key, .digest = entry.digest, .what = entry.what},
                                     records_->bytes(owner.record), Resolver::siblings, wall_now);
    check(done.has_value(), "an undamaged record can be purged");
    if (done->outcome == replica::PurgeOutcome::unchanged) continue;
    owner.record = records_->id_of(done->record);
    if (owner.record == 0) owner.known = 0;
  }
}

void World::take_answer(const Message& answer) {
  Round& round = rounds_[answer.round];
  auto& heard = round.heard[answer.id];
  if (heard.kind == Message::Kind::answer) return;
  auto next = std::make_shared<transfer::PurgeRound>(*round.state);
  if (answer.has_failed) {
    next->on_failed(answer.id, Error{.code = ErrorCode::unsure, .message = "it failed"});
  } else if (answer.id < first_raise) {
    transfer::PurgeListing listing{.generation = Generation{answer.generation},
                                   .purged = Generation{answer.purged},
                                   .actor = ActorId{answer.actor}};
    const auto& bytes = records_->bytes(answer.record);
    if (answer.record != 0) {
      const auto record = decode_record(key(), bytes);
      check(record.has_value(), "what was encoded decodes");
      const auto what = replica::purgeable(*record, Resolver::siblings, wall_now);
      if (what) {
        listing.entries.push_back({.key = key(), .digest = digest(*record), .what = *what});
      }
    }
    if (scope_->has_other_key) {
      listing.entries.push_back({.key = other_key(), .digest = other_digest});
    }
    next->on_listed(answer.id, std::move(listing));
  } else if (answer.id < first_apply) {
    next->on_raised(answer.id, Generation{answer.generation});
  } else {
    next->on_applied(answer.id);
  }
  heard = answer;
  round.state = std::move(next);
  take_questions(answer.round);
}

}  // namespace coterie::explore
