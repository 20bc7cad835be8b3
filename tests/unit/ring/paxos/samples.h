#pragma once

#include <array>
#include <memory>

#include "ring/birth.h"
#include "ring/paxos/messages.h"
#include "tests/unit/ring/epoch_samples.h"

/// A cluster of five, and what might follow its first epoch.
namespace coterie::paxos::samples {

inline Value base() {
  static const auto made = std::make_shared<const Epoch>(*first_epoch(epoch_samples::birth_of(5)));
  return made;
}

inline NodeId voter_of(std::size_t place) {
  return base()->voters()[place];
}

/// Different for each `which`, from 1.
inline Value next(std::uint32_t which) {
  static std::array<Value, 4> made;
  Value& value = made.at(which);
  if (value == nullptr) {
    EpochContents contents = base()->contents();
    contents.number.number += 1;
    contents.members.front().weight += which;
    value = std::make_shared<const Epoch>(*Epoch::make(std::move(contents)));
  }
  return value;
}

}  // namespace coterie::paxos::samples
