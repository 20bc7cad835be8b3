#include "node/transfer/purge_round.h"

#include <algorithm>
#include <map>
#include <utility>

namespace coterie::transfer {

PurgeRound::PurgeRound(std::size_t owners, std::size_t bystanders)
    : owners_(owners),
      bystanders_(bystanders),
      answers_(owners + bystanders, Answer::given),
      listings_(owners) {
  ask(Step::list);
}

std::vector<PurgeRound::Question> PurgeRound::take_questions() {
  return std::exchange(questions_, {});
}

void PurgeRound::ask(Step step) {
  step_ = step;
  first_id_ = last_id_ + 1;
  const bool are_bystanders = step == Step::clear;
  for (std::size_t owner = 0; owner < owners_ + bystanders_; ++owner) {
    ++last_id_;
    if (are_bystanders != (owner >= owners_)) continue;
    if (answers_[owner] == Answer::left_out) continue;
    answers_[owner] = Answer::waiting;
    questions_.push_back({.id = last_id_, .owner = owner});
  }
}

std::optional<std::size_t> PurgeRound::take(std::uint64_t id) {
  if (step_ == Step::done || step_ == Step::abandoned) return std::nullopt;
  if (id < first_id_ || id > last_id_) return std::nullopt;
  const auto owner = static_cast<std::size_t>(id - first_id_);
  if (answers_[owner] != Answer::waiting) return std::nullopt;
  answers_[owner] = Answer::given;
  return owner;
}

void PurgeRound::on_listed(std::uint64_t id, PurgeListing listing) {
  const auto owner = take(id);
  if (!owner) return;
  listings_[*owner] = std::move(listing);
  advance();
}

void PurgeRound::on_raised(std::uint64_t id, Generation generation) {
  const auto owner = take(id);
  if (!owner) return;
  if (generation < generation_) {
    step_ = Step::abandoned;
    blamed_ = *owner;
    reason_ = "an owner did not raise its generation";
    return;
  }
  advance();
}

void PurgeRound::on_applied(std::uint64_t id) {
  if (take(id)) advance();
}

void PurgeRound::on_failed(std::uint64_t id, const Error& error) {
  const auto owner = take(id);
  if (!owner) return;
  blamed_ = *owner;
  reason_ = error.message;
#ifdef COTERIE_PLANT_PURGE_AWAY  // defined only where a test must see it
  answers_[*owner] = Answer::left_out;
  return advance();
#endif
  // Once all have raised, each owner may purge whatever becomes of the others.
  if (step_ == Step::apply) {
    reach_.clear();
    return advance();
  }
  step_ = Step::abandoned;
}

void PurgeRound::advance() {
  if (std::ranges::find(answers_, Answer::waiting) != answers_.end()) return;
  if (step_ == Step::list) {
    compare();
    // One that was restored learns of it by being asked to raise; one that an abandoned round left
    // behind would be refused where a damaged record waits to be replaced.
    if (!batch_.empty() || is_one_behind_) return ask(Step::raise);
  } else if (step_ == Step::raise && bystanders_ > 0) {
    return ask(Step::clear);
  } else if (step_ == Step::raise || step_ == Step::clear) {
    return ask(Step::apply);
  }
  if (reach_.empty()) {
    step_ = reason_.empty() ? Step::done : Step::abandoned;
    return;
  }
  from_ = reach_;
  ask(Step::list);
}

/// What all owners listed alike, as far as the shortest listing reaches.
void PurgeRound::compare() {
  batch_.clear();
  reach_.clear();
  struct Listed {
    std::size_t alike = 0;
    bool is_erased = false;
  };
  std::map<BytesView, Listed> listed;
  const PurgeListing* first = nullptr;
  std::size_t asked = 0;
  Generation greatest;
  for (std::size_t owner = 0; owner < owners_; ++owner) {
    if (answers_[owner] == Answer::left_out) continue;
    const PurgeListing& listing = listings_[owner];
    if (first == nullptr) first = &listing;
    ++asked;
    greatest = std::max(greatest, listing.generation);
    purged_ = std::max(purged_, listing.purged);
    if (listing.reach.empty()) continue;
    reach_ = reach_.empty() ? listing.reach : std::min(reach_, listing.reach);
  }
  if (first == nullptr) return;
  is_one_behind_ = false;
  for (std::size_t owner = 0; owner < owners_; ++owner) {
    if (answers_[owner] == Answer::left_out) continue;
    if (listings_[owner].generation < greatest) is_one_behind_ = true;
  }
  for (std::size_t owner = 0; owner < owners_; ++owner) {
    if (answers_[owner] == Answer::left_out) continue;
    for (const PurgeEntry& entry : listings_[owner].entries) {
      if (!reach_.empty() && entry.key >= reach_) break;
      const auto same = std::ranges::lower_bound(first->entries, entry.key, {}, &PurgeEntry::key);
      const bool is_alike = same != first->entries.end() && *same == entry;
      Listed& seen = listed[entry.key];
      if (is_alike) ++seen.alike;
      if (entry.what == wire::Purging::erase) seen.is_erased = true;
    }
  }
  for (const PurgeEntry& entry : first->entries) {
    const auto found = listed.find(entry.key);
    if (found == listed.end() || found->second.alike != asked) continue;
    batch_.push_back(entry);
    listed.erase(found);
  }
  unequal_ += static_cast<std::uint64_t>(
      std::ranges::count_if(listed, [](const auto& each) { return each.second.is_erased; }));
  // A page that did not get on would be asked for again and again.
  if (!reach_.empty() && reach_ <= from_) reach_.clear();
  generation_ = Generation{greatest.value + 1};
}

}  // namespace coterie::transfer
