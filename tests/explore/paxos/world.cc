#include "tests/explore/paxos/world.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/codec.h"
#include "ring/birth.h"

namespace coterie::explore::paxos {
namespace {

using coterie::paxos::Acceptor;
using coterie::paxos::Ballot;
using coterie::paxos::Proposer;
using coterie::paxos::Value;
using coterie::paxos::Verdict;
using coterie::paxos::Vote;

NodeId voter_id(std::size_t voter) {
  return {.high = 1, .low = voter};
}

NodeId proposer_id(std::size_t proposer) {
  return {.high = 2, .low = proposer};
}

/// The epoch that all know, and the next as each proposer wants it. 0 is no value.
const std::array<Value, proposers + 1>& values() {
  static const auto made = [] {
    BirthInput input{.cluster = {.high = 1, .low = 1}, .partitions = 16, .replicas = 3};
    for (std::size_t i = 0; i < voters; ++i) {
      input.members.push_back({.id = voter_id(i), .address = "127.0.0.1:1"});
    }
    const auto base = first_epoch(input);
    check(base.has_value(), "the first epoch is fine");
    std::array<Value, proposers + 1> out{std::make_shared<const Epoch>(*base)};
    for (std::size_t i = 0; i < proposers; ++i) {
      EpochContents contents = base->contents();
      contents.number.number += 1;
      contents.members.front().weight += static_cast<std::uint32_t>(i + 1);
      auto next = Epoch::make(std::move(contents));
      check(next.has_value(), "the next epoch is fine");
      out[i + 1] = std::make_shared<const Epoch>(*std::move(next));
    }
    return out;
  }();
  return made;
}

std::uint8_t number_of(const Value& value) {
  if (value == nullptr) return 0;
  const auto found = std::ranges::find(values(), value);
  check(found != values().end(), "values are handed on as they are");
  return static_cast<std::uint8_t>(found - values().begin());
}

Ballot ballot_of(std::uint8_t round, std::uint8_t proposer) {
  return round == 0 ? Ballot{} : Ballot{.round = round, .proposer = proposer_id(proposer)};
}

std::uint8_t round_of(const Ballot& ballot) {
  return static_cast<std::uint8_t>(ballot.round);
}

std::uint8_t proposer_of(const Ballot& ballot) {
  return static_cast<std::uint8_t>(ballot.proposer.low);
}

bool is_for_voters(Message::Kind kind) {
  return kind == Message::Kind::prepare || kind == Message::Kind::accept ||
         kind == Message::Kind::news;
}

void add(ByteWriter& writer, const Message& message) {
  writer.u8(std::to_underlying(message.kind));
  for (const auto part :
       {message.proposer, message.round, message.value, message.voter, message.verdict,
        message.promised_round, message.promised_by, message.found_round, message.found_by}) {
    writer.u8(part);
  }
}

constexpr std::array<std::string_view, 5> kind_names = {"prepare", "accept", "promise", "accepted",
                                                        "news"};

}  // namespace

std::string describe(const Action& action) {
  const auto who = std::to_string(action.who);
  if (action.act == Act::begin) return "proposer " + who + " begins a round";
  if (action.act == Act::crash_voter) return "voter " + who + " crashes and starts";
  if (action.act == Act::crash_proposer) return "proposer " + who + " crashes and starts";
  const Message& message = action.message;
  std::string out = "deliver " + std::string(kind_names[static_cast<std::size_t>(message.kind)]) +
                    " of round " + std::to_string(message.round) + " of proposer " +
                    std::to_string(message.proposer) + ", value " + std::to_string(message.value);
  if (is_for_voters(message.kind)) return out + ", to voter " + who;
  return out + ", from voter " + std::to_string(message.voter) + ", verdict " +
         std::to_string(message.verdict);
}

World::World(const Scope& scope) : scope_(&scope) {
  for (std::size_t i = 0; i < voters; ++i) {
    voters_.push_back({.acceptor = Acceptor(voter_id(i), values()[0], {}), .disk = {}});
  }
  for (std::size_t i = 0; i < proposers; ++i) {
    attempts_.push_back(
        {.proposer =
             Proposer({.self = proposer_id(i), .base = values()[0], .own = values()[i + 1]})});
  }
}

std::vector<Action> World::actions() const {
  std::vector<Action> out;
  for (std::uint8_t i = 0; i < proposers; ++i) {
    const Attempt& attempt = attempts_[i];
    const bool is_decided = attempt.proposer.phase() == Proposer::Phase::decided;
    if (!is_decided && attempt.begun < scope_->rounds[i]) {
      out.push_back({.act = Act::begin, .who = i});
    }
    if (attempt.begun > 0 && proposer_crashes_ < scope_->proposer_crashes) {
      out.push_back({.act = Act::crash_proposer, .who = i});
    }
  }
  for (std::uint8_t i = 0; i < voters && voter_crashes_ < scope_->voter_crashes; ++i) {
    out.push_back({.act = Act::crash_voter, .who = i});
  }
  for (const Message& message : said_) {
    if (!is_for_voters(message.kind)) {
      if (!can_matter(message)) continue;
      out.push_back({.act = Act::deliver, .who = message.proposer, .message = message});
      continue;
    }
    for (std::uint8_t i = 0; i < voters; ++i) {
      if (!can_matter(message, i)) continue;
      out.push_back({.act = Act::deliver, .who = i, .message = message});
    }
  }
  return out;
}

void World::perform(const Action& action) {
  switch (action.act) {
    case Act::begin:
      begin(action.who);
      break;
    case Act::deliver:
      deliver(action.message, action.who);
      break;
    case Act::crash_voter: {
      Voter& voter = voters_[action.who];
      ++voter_crashes_;
      voter.acceptor = Acceptor(voter_id(action.who), voter.acceptor.newest(), voter.disk);
      break;
    }
    case Act::crash_proposer:
      ++proposer_crashes_;
      attempts_[action.who] = {.proposer = Proposer({.self = proposer_id(action.who),
                                                     .base = values()[0],
                                                     .own = values()[action.who + 1U]}),
                               .run = proposer_crashes_};
      break;
  }
  forget();
}

/// Whether an answer can change what the proposer does next.
bool World::can_matter(const Message& message) const {
  const Attempt& attempt = attempts_[message.proposer];
  if (attempt.proposer.phase() == Proposer::Phase::decided || message.run != attempt.run) {
    return false;
  }
  if (message.verdict == std::to_underlying(Verdict::decided)) return true;
  if (message.promised_round > attempt.highest) return true;
  const auto awaited = message.kind == Message::Kind::promise ? Proposer::Phase::preparing
                                                              : Proposer::Phase::accepting;
  return message.round == attempt.round && attempt.proposer.phase() == awaited;
}

/// Whether a request, or news, can change the voter or make it say something.
bool World::can_matter(const Message& message, std::size_t voter) const {
  const Acceptor& acceptor = voters_[voter].acceptor;
  const bool is_new = acceptor.newest() == values()[0];
  if (message.kind == Message::Kind::news) return is_new;
  if (!is_new) return message.run == attempts_[message.proposer].run;
  return ballot_of(message.round, message.proposer) >= acceptor.state().promised;
}

/// What can never matter again is not there any more: else states that have one future would be
/// many. Acceptances stay: they are what is decided.
void World::forget() {
  std::erase_if(said_, [this](const Message& message) {
    const bool is_acceptance = message.kind == Message::Kind::accepted &&
                               message.verdict == std::to_underlying(Verdict::granted);
    return !is_for_voters(message.kind) && !is_acceptance && !can_matter(message);
  });
}

void World::begin(std::size_t proposer) {
  Attempt& attempt = attempts_[proposer];
  const auto prepare = attempt.proposer.begin();
  ++attempt.begun;
  attempt.round = round_of(prepare.ballot);
  attempt.highest = std::max(attempt.highest, attempt.round);
  attempt.heard.clear();
  send({.kind = Message::Kind::prepare,
        .proposer = static_cast<std::uint8_t>(proposer),
        .run = attempt.run,
        .round = attempt.round});
}

void World::deliver(const Message& message, std::size_t to) {
  if (message.kind == Message::Kind::news) {
    voters_[to].acceptor.on_decided(values()[message.value]);
  } else if (is_for_voters(message.kind)) {
    ask(message, to);
  } else {
    hear(message);
  }
}

void World::ask(const Message& message, std::size_t to) {
  Acceptor& acceptor = voters_[to].acceptor;
  const auto slot = coterie::paxos::slot_after(*values()[0]);
  const auto ballot = ballot_of(message.round, message.proposer);
  if (message.kind == Message::Kind::prepare) {
    answer(message, to, acceptor.on_prepare({.slot = slot, .ballot = ballot}));
  } else {
    answer(message, to,
           acceptor.on_accept({.slot = slot, .ballot = ballot, .value = values()[message.value]}));
  }
}

void World::answer(const Message& message, std::size_t from,
                   const Result<Acceptor::Answer>& answer) {
  check(answer.has_value(), "voters of one history refuse nothing");
  const Vote& vote = answer->vote;
  if (answer->must_keep) voters_[from].disk = voters_[from].acceptor.state();
  if (vote.verdict == Verdict::outbid) return;
  const bool is_prepare = message.kind == Message::Kind::prepare;
  send({.kind = is_prepare ? Message::Kind::promise : Message::Kind::accepted,
        .proposer = message.proposer,
        .run = message.run,
        .round = message.round,
        .value = is_prepare || vote.epoch != nullptr ? number_of(vote.epoch) : message.value,
        .voter = static_cast<std::uint8_t>(from),
        .verdict = std::to_underlying(vote.verdict),
        .promised_round = round_of(vote.promised),
        .promised_by = proposer_of(vote.promised),
        .found_round = round_of(vote.accepted),
        .found_by = proposer_of(vote.accepted)});
}

void World::hear(const Message& message) {
  Attempt& attempt = attempts_[message.proposer];
  Proposer& proposer = attempt.proposer;
  const auto from = voter_id(message.voter);
  const auto ballot = ballot_of(message.round, message.proposer);
  const bool is_promise = message.kind == Message::Kind::promise;
  const auto verdict = static_cast<Verdict>(message.verdict);
  const bool has_epoch = is_promise || verdict == Verdict::decided;
  const Vote vote{.verdict = verdict,
                  .promised = ballot_of(message.promised_round, message.promised_by),
                  .accepted = ballot_of(message.found_round, message.found_by),
                  .epoch = has_epoch && message.value != 0 ? values()[message.value] : nullptr};
  const bool is_awaited =
      message.round == attempt.round &&
      proposer.phase() == (is_promise ? Proposer::Phase::preparing : Proposer::Phase::accepting);
  if (is_promise) {
    if (const auto accept = proposer.on_promise(from, ballot, vote)) {
      send({.kind = Message::Kind::accept,
            .proposer = message.proposer,
            .run = attempt.run,
            .round = attempt.round,
            .value = number_of(accept->value)});
    }
  } else {
    proposer.on_accepted(from, ballot, vote);
  }
  attempt.highest = std::max(attempt.highest, message.promised_round);
  const auto place = std::ranges::lower_bound(attempt.heard, message);
  const bool is_known = place != attempt.heard.end() && *place == message;
  if (is_awaited && !is_known) attempt.heard.insert(place, message);
  if (proposer.phase() == Proposer::Phase::decided && scope_->has_news) {
    send({.kind = Message::Kind::news,
          .proposer = message.proposer,
          .value = number_of(proposer.decided())});
  }
}

void World::send(const Message& message) {
  const auto place = std::ranges::lower_bound(said_, message);
  if (place == said_.end() || *place != message) said_.insert(place, message);
}

/// All that is said of this voter or by it.
Bytes World::fingerprint_of(std::size_t which) const {
  Bytes out;
  ByteWriter writer(out);
  const Voter& voter = voters_[which];
  writer.u8(number_of(voter.acceptor.newest()));
  for (const auto* state : {&voter.acceptor.state(), &voter.disk}) {
    writer.u8(round_of(state->promised));
    writer.u8(proposer_of(state->promised));
    writer.u8(round_of(state->accepted));
    writer.u8(proposer_of(state->accepted));
    writer.u8(number_of(state->value));
  }
  for (const Message& message : said_) {
    if (!is_for_voters(message.kind) && message.voter == which) add(writer, message);
  }
  for (const Attempt& attempt : attempts_) {
    writer.u8(UINT8_MAX);
    // Once it is decided, nothing it heard matters any more.
    if (attempt.proposer.phase() == Proposer::Phase::decided) continue;
    for (const Message& message : attempt.heard) {
      if (message.voter == which) add(writer, message);
    }
  }
  return out;
}

/// The voters are alike, and nothing relates one to another: their order is none.
Bytes World::fingerprint() const {
  std::vector<Bytes> of_voters;
  for (std::size_t i = 0; i < voters; ++i) of_voters.push_back(fingerprint_of(i));
  std::ranges::sort(of_voters);
  Bytes out;
  ByteWriter writer(out);
  for (const Bytes& bytes : of_voters) writer.sized(bytes);
  for (const Attempt& attempt : attempts_) {
    writer.u8(std::to_underlying(attempt.proposer.phase()));
    writer.u8(number_of(attempt.proposer.decided()));
    for (const auto part : {attempt.run, attempt.begun, attempt.round, attempt.highest}) {
      writer.u8(part);
    }
  }
  writer.u8(voter_crashes_);
  writer.u8(proposer_crashes_);
  for (const Message& message : said_) {
    if (is_for_voters(message.kind)) add(writer, message);
  }
  return out;
}

std::string World::violation() const {
  // Who has accepted what under which ballot is what was said of it, heard or not.
  std::array<bool, proposers + 1> is_chosen{};
  for (const Message& one : said_) {
    if (one.kind != Message::Kind::accepted) continue;
    if (one.verdict != std::to_underlying(Verdict::granted)) continue;
    std::array<bool, voters> by{};
    for (const Message& other : said_) {
      const bool is_same = other.kind == one.kind && other.verdict == one.verdict &&
                           other.round == one.round && other.proposer == one.proposer &&
                           other.run == one.run && other.value == one.value;
      if (is_same) by[other.voter] = true;
    }
    if (static_cast<std::size_t>(std::ranges::count(by, true)) > voters / 2) {
      is_chosen[one.value] = true;
    }
  }
  if (std::ranges::count(is_chosen, true) > 1) return "two epochs of one number were decided";
  for (const Attempt& attempt : attempts_) {
    const auto value = number_of(attempt.proposer.decided());
    if (value != 0 && !is_chosen[value]) return "what was not decided is taken for it";
  }
  return {};
}

}  // namespace coterie::explore::paxos
