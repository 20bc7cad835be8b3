// What may happen next, and what tells one state from another.

#include <algorithm>
#include <string_view>

#include "base/codec.h"
#include "tests/explore/world.h"

namespace coterie::explore {
namespace {

constexpr std::array<std::string_view, 13> act_names = {"put",
                                                        "put over what was read",
                                                        "delete blindly",
                                                        "delete what was read",
                                                        "read first",
                                                        "read next",
                                                        "deliver",
                                                        "deliver twice",
                                                        "time out",
                                                        "snapshot",
                                                        "restore",
                                                        "wipe",
                                                        "refill"};

void add_message(ByteWriter& writer, const Message& message) {
  writer.u8(static_cast<std::uint8_t>(message.kind));
  writer.u8(message.owner);
  writer.u8(message.op);
  writer.u8(message.generation);
  writer.u8(message.known);
  writer.u16(message.record);
  writer.u8(message.round);
  writer.u8(message.id);
  writer.u8(message.purged);
  writer.u16(message.actor);
  writer.u8(message.has_failed ? 1 : 0);
}

std::string describe(const Message& message) {
  const auto owner = std::to_string(message.owner);
  if (message.kind == Message::Kind::write) {
    const auto what = message.op == ops_most ? "a read's repair"
                                             : "the record of write " + std::to_string(message.op);
    return what + " of generation " + std::to_string(message.generation) + " to owner " + owner;
  }
  const auto step = message.id <= owners ? "list" : message.id <= 2 * owners ? "raise" : "apply";
  const auto way = message.kind == Message::Kind::question ? " to owner " : " answered by owner ";
  return std::string(step) + " of round " + std::to_string(message.round) + way + owner;
}

}  // namespace

std::string describe(const Action& action) {
  const std::string act(act_names[static_cast<std::size_t>(action.act)]);
  const bool is_of_message = action.act == Act::deliver || action.act == Act::deliver_doubled ||
                             action.act == Act::time_out;
  if (is_of_message) return act + ": " + describe(action.message);
  return act + ", owner " + std::to_string(action.owner);
}

std::vector<Action> World::actions() const {
  std::vector<Action> out;
  add_writes(out);
  add_messages(out);
  add_faults(out);
  return out;
}

void World::add_writes(std::vector<Action>& out) const {
  for (std::uint8_t owner = 0; owner < owners; ++owner) {
    if (!may_read(owner)) continue;
    // The owners that keep their disks are alike until one of them has written.
    const bool is_like_first = owner == 1 && ops_.empty();
    if (ops_.size() < scope_->ops && owner < scope_->writers && !is_like_first) {
      out.push_back({.act = Act::put, .owner = owner});
      // A delete of nothing deletes nothing.
      if (context_ != 0) out.push_back({.act = Act::put_seen, .owner = owner});
      if (context_ != 0) out.push_back({.act = Act::remove_seen, .owner = owner});
    }
    if (ops_.empty()) continue;
    if (!read_.is_given && reads_ < scope_->reads && ops_.size() < scope_->ops) {
      out.push_back({.act = Act::begin_read, .owner = owner});
    }
    if (read_.is_given && read_.owner != owner) {
      out.push_back({.act = Act::end_read, .owner = owner});
    }
  }
}

void World::add_messages(std::vector<Action>& out) const {
  for (std::size_t i = 0; i < flight_.size(); ++i) {
    const Message& message = flight_[i];
    if (i > 0 && flight_[i - 1] == message) continue;
    out.push_back({.act = Act::deliver, .message = message});
    if (doubled_ < scope_->doubled) {
      out.push_back({.act = Act::deliver_doubled, .message = message});
    }
    if (message.kind != Message::Kind::question || timeouts_ >= scope_->timeouts) continue;
    if (rounds_[message.round].heard[message.id].kind == Message::Kind::answer) continue;
    out.push_back({.act = Act::time_out, .message = message});
  }
}

void World::add_faults(std::vector<Action>& out) const {
  const Owner& owner = owners_[restored_owner];
  if (restores_ < scope_->restores) {
    if (!snapshot_.is_taken) out.push_back({.act = Act::snapshot, .owner = restored_owner});
    const bool is_old = owner.record != snapshot_.record || owner.minted != 0 ||
                        owner.copy.generation().value != snapshot_.generation;
    if (is_old) out.push_back({.act = Act::restore, .owner = restored_owner});
  }
  if (wipes_ < scope_->wipes) out.push_back({.act = Act::wipe, .owner = restored_owner});
  if (owner.is_lacking) out.push_back({.act = Act::refill, .owner = restored_owner});
}

Bytes World::fingerprint() const {
  Bytes out;
  ByteWriter writer(out);
  for (const Owner& owner : owners_) {
    writer.u64(owner.copy.actor().value);
    writer.u8(static_cast<std::uint8_t>(owner.copy.generation().value));
    writer.u8(static_cast<std::uint8_t>(owner.copy.purged().value));
    writer.u8(static_cast<std::uint8_t>(owner.copy.state()));
    writer.u16(owner.record);
    writer.u8(owner.known);
    writer.u8(owner.drawn);
    writer.u8(owner.minted);
    writer.u8(owner.runs);
    writer.u8(owner.is_lacking ? 1 : 0);
  }
  for (const Op& op : ops_) {
    writer.u64(op.dot.actor.value);
    writer.u8(static_cast<std::uint8_t>(op.dot.sequence));
    writer.u8(op.owner);
    writer.u8(op.run);
    writer.u8(op.holders);
    writer.u8(op.sent_again);
    writer.u8(op.seen);
    writer.u8(static_cast<std::uint8_t>((op.is_delete ? 2 : 0) | (op.is_acknowledged ? 1 : 0)));
  }
  writer.u8(static_cast<std::uint8_t>(flight_.size()));
  for (const Message& message : flight_) add_message(writer, message);
  for (const Round& round : rounds_) {
    for (const Message& heard : round.heard) add_message(writer, heard);
  }
  writer.u16(context_);
  writer.u8(context_known_);
  for (const auto part :
       {read_.is_given ? read_.owner + 1 : 0, +read_.generation, +read_.purged, +read_.known,
        +snapshot_.known, +snapshot_.generation, +snapshot_.purged, snapshot_.is_taken ? 1 : 0,
        +reads_, +doubled_, +timeouts_, +restores_, +wipes_, was_one_behind_ ? 1 : 0}) {
    writer.u8(static_cast<std::uint8_t>(part));
  }
  writer.u16(read_.record);
  writer.u16(snapshot_.record);
  return out;
}

}  // namespace coterie::explore
