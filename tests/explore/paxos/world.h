#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "ring/paxos/acceptor.h"
#include "ring/paxos/proposer.h"

namespace coterie::explore::paxos {

inline constexpr std::size_t voters = 3;
inline constexpr std::size_t proposers = 2;

/// How often what may happen. Those who are outbid are not told: a round may begin at any time.
struct Scope {
  std::array<std::size_t, proposers> rounds{1, 1};  // that each may begin in a run
  std::size_t voter_crashes = 0;  // of any voter: what was not durable is forgotten
  std::size_t proposer_crashes = 0;
  bool has_news = false;  // a proposer that knows the decision tells voters
};

/// Said once, and then there for as long as it can matter: what is delivered late, twice, in
/// another order or never is all a matter of which of them is delivered when. Small numbers stand
/// for ballots and values.
struct Message {
  enum class Kind : std::uint8_t { prepare, accept, promise, accepted, news };

  Kind kind = Kind::prepare;
  std::uint8_t proposer = 0;  // whose; news: from whom
  std::uint8_t run = 0;       // of the proposer's process: answers to an earlier one reach nobody
  std::uint8_t round = 0;
  std::uint8_t value = 0;  // accept; promise: found; accepted (a ghost: whose acceptance); news
  std::uint8_t voter = 0;  // from whom: promise, accepted
  // promise, accepted
  std::uint8_t verdict = 0;
  std::uint8_t promised_round = 0;
  std::uint8_t promised_by = 0;
  std::uint8_t found_round = 0;
  std::uint8_t found_by = 0;

  auto operator<=>(const Message&) const = default;
};

enum class Act : std::uint8_t { begin, deliver, crash_voter, crash_proposer };

struct Action {
  Act act = Act::begin;
  std::uint8_t who = 0;
  Message message;  // deliver
};

[[nodiscard]] std::string describe(const Action& action);

/// Three voters and two proposers that want different epochs, and the messages between them, driven
/// through ring/paxos. Copyable.
class World {
 public:
  explicit World(const Scope& scope);

  [[nodiscard]] std::vector<Action> actions() const;
  void perform(const Action& action);
  [[nodiscard]] Bytes fingerprint() const;
  /// At most one value is accepted by most voters under one ballot, and whoever believes one
  /// decided believes in that one.
  [[nodiscard]] std::string violation() const;

 private:
  struct Voter {
    coterie::paxos::Acceptor acceptor;
    coterie::paxos::AcceptorState disk;
  };
  struct Attempt {
    coterie::paxos::Proposer proposer;
    std::uint8_t run = 0;
    std::uint8_t begun = 0;      // rounds of this run
    std::uint8_t round = 0;      // of the ballot that is out
    std::uint8_t highest = 0;    // round heard of
    std::vector<Message> heard;  // in this round; with the rest it says all of `proposer`
  };

  void begin(std::size_t proposer);
  void deliver(const Message& message, std::size_t to);
  void ask(const Message& message, std::size_t voter);
  void answer(const Message& message, std::size_t voter,
              const Result<coterie::paxos::Acceptor::Answer>& answer);
  void hear(const Message& message);
  void send(const Message& message);
  void forget();
  [[nodiscard]] bool can_matter(const Message& message) const;
  [[nodiscard]] bool can_matter(const Message& message, std::size_t voter) const;
  [[nodiscard]] Bytes fingerprint_of(std::size_t voter) const;

  const Scope* scope_;
  std::vector<Voter> voters_;
  std::vector<Attempt> attempts_;
  std::vector<Message> said_;  // sorted
  std::uint8_t voter_crashes_ = 0;
  std::uint8_t proposer_crashes_ = 0;
};

}  // namespace coterie::explore::paxos
