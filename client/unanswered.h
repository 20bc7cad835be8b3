#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace coterie::client {

using CallId = Id<struct CallTag, std::uint64_t>;
/// One try of a call: the request id of its frame.
using TryId = Id<struct TryTag, std::uint64_t>;

/// The requests of one connection that have no answer yet, in the order in which they were sent;
/// most are answered in about that order.
class Unanswered {
 public:
  struct Request {
    TryId id;
    CallId call;
    std::size_t bytes = 0;
  };

  /// Ids rise.
  void add(const Request& request) {
    requests_.push_back(request);
    ++count_;
    bytes_ += request.bytes;
  }
  /// Nothing where there is none of this id.
  [[nodiscard]] std::optional<Request> take(TryId id) {
    const auto found =
        std::lower_bound(requests_.begin() + static_cast<std::ptrdiff_t>(first_), requests_.end(),
                         id, [](const Request& a, TryId b) { return a.id < b; });
    if (found == requests_.end() || found->id != id || found->call.value == 0) return std::nullopt;
    const Request taken = *found;
    found->call = {};
    --count_;
    bytes_ -= taken.bytes;
    drop_taken();
    return taken;
  }
  /// Those that are left, in their order.
  [[nodiscard]] std::vector<Request> take_all() {
    std::vector<Request> left = std::exchange(requests_, {});
    std::erase_if(left, [](const Request& request) { return request.call.value == 0; });
    first_ = count_ = bytes_ = 0;
    return left;
  }

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  void drop_taken() {
    while (first_ < requests_.size() && requests_[first_].call.value == 0) ++first_;
    if (count_ == 0) {
      requests_.clear();
      first_ = 0;
    } else if (requests_.size() > 64 && requests_.size() > 4 * count_) {
      std::erase_if(requests_, [](const Request& request) { return request.call.value == 0; });
      first_ = 0;
    }
  }

  std::vector<Request> requests_;  // taken ones have no call
  std::size_t first_ = 0;          // those before it are taken
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace coterie::client
