#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "base/random.h"
#include "base/wire/messages.h"
#include "node/config.h"
#include "ring/epoch.h"

namespace coterie {

/// How the first epoch comes about (DESIGN: topology, birth). The first of `initial_members`
/// proposes, and only it: once every member has said that it is empty and configured alike, it
/// makes the epoch, keeps it durably and from then on hands out this one and no other until all
/// have kept it. So at most one first epoch exists for a list of empty nodes, whatever crashes; a
/// proposer that lost its disk finds members that are not empty, and stops. Pure: the driver asks,
/// stores and calls back.
class Birth {
 public:
  struct Options {
    NodeId self;
    Config config;
  };

  enum class Ask : std::uint8_t { info, accept };
  struct Question {
    Ask ask = Ask::info;
    Address to;
  };

  Birth(Options options, Random random);

  [[nodiscard]] bool is_proposer() const;
  /// Of everything that must be alike on all members.
  [[nodiscard]] std::uint64_t configuration_hash() const { return configuration_hash_; }
  /// What this node answers to BirthInfo; views borrow from this.
  [[nodiscard]] wire::BirthInfoReply info(bool is_empty) const;

  /// A proposal made durable in an earlier run.
  void resume(std::shared_ptr<const Epoch> proposal);
  /// What the proposer wants asked now: every member anew until there is a proposal, so that it is
  /// made of what they are and not of what they were; to be called again after a pause for as long
  /// as there is no epoch.
  [[nodiscard]] std::vector<Question> questions() const;
  void on_info(const Address& from, const Result<wire::BirthInfoReply>& reply);
  void on_accepted(const Address& from);
  void on_refused(const Address& from, const std::string& why);

  /// Set once when all infos are in: to be made durable and handed to resume() before it is asked
  /// about.
  [[nodiscard]] std::shared_ptr<const Epoch> take_proposal();
  /// The durable proposal; null before.
  [[nodiscard]] const std::shared_ptr<const Epoch>& proposal() const { return proposal_; }
  /// All members keep the proposal: it is the epoch.
  [[nodiscard]] std::shared_ptr<const Epoch> decided() const;
  /// Whether this node may keep a first epoch that the proposer hands out. Errors: refused, and
  /// why.
  [[nodiscard]] Result<void> admits(const Epoch& epoch) const;
  /// What keeps the birth from happening, for people; one line a member.
  [[nodiscard]] std::vector<std::string> blockers() const;

 private:
  struct Info {
    NodeId node;
    std::string zone;
    std::uint32_t weight = 1;
    Address address;
  };
  void propose_if_complete();

  Options options_;
  Random random_;
  std::string own_address_;
  std::uint64_t configuration_hash_ = 0;
  std::map<Address, Info> infos_;
  std::map<Address, std::string> problems_;
  std::map<Address, bool> accepted_;
  std::shared_ptr<const Epoch> fresh_;     // made, not durable yet
  std::shared_ptr<const Epoch> proposal_;  // durable
};

}  // namespace coterie
