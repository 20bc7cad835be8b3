#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/bytes.h"
#include "base/siphash.h"

namespace coterie::gossip {

/// Makes and verifies the tag at the end of every gossip packet. Several keys may be known at once,
/// so that a secret can be changed node by node.
class PacketSeal {
 public:
  virtual ~PacketSeal() = default;
  /// The key that packets are sent under.
  [[nodiscard]] virtual std::uint8_t key_id() const = 0;
  /// The tag of `bytes` under that key; nothing if the key is not known.
  [[nodiscard]] virtual std::optional<std::uint64_t> tag(std::uint8_t key_id,
                                                         BytesView bytes) const = 0;
};

/// SipHash-2-4 under keys made from configured secrets.
class SipSeal final : public PacketSeal {
 public:
  /// The all-zero key as key 0: keeps strayed packets out, not attackers.
  SipSeal() : keys_{{0, SipKey{}}} {}
  SipSeal(std::uint8_t key_id, const SipKey& key) : current_(key_id), keys_{{key_id, key}} {}

  /// Also accepts packets under this key.
  void accept(std::uint8_t key_id, const SipKey& key) { keys_[key_id] = key; }

  [[nodiscard]] std::uint8_t key_id() const override { return current_; }
  [[nodiscard]] std::optional<std::uint64_t> tag(std::uint8_t key_id,
                                                 BytesView bytes) const override;

 private:
  std::uint8_t current_ = 0;
  std::map<std::uint8_t, SipKey> keys_;
};

}  // namespace coterie::gossip
