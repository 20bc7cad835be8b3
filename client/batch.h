#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "client/callback.h"

namespace coterie::client {

/// Runs one call for each item, at most limits::client_batch_window of them at once, and hands over
/// the results in the items' order. It lives as long as a call of it is in progress, hence shared.
template <class Item, class T>
class Batch final : public std::enable_shared_from_this<Batch<Item, T>> {
 public:
  using Results = std::vector<Result<T>>;
  using Start = std::move_only_function<void(Item, Callback<T>)>;
  using Done = std::move_only_function<void(Results)>;

  Batch(std::vector<Item> items, Start start, Done done)
      : items_(std::move(items)), start_(std::move(start)), done_(std::move(done)) {
    results_.resize(items_.size(), fail(ErrorCode::internal, "no result"));
  }

  /// Also for no items at all: then `done` is called at once.
  void run() { fill(); }

 private:
  /// A loop, since calls of a closed client fail within the call that starts them.
  void fill() {
    if (is_filling_) return;
    is_filling_ = true;
    while (next_ < items_.size() && next_ - ended_ < limits::client_batch_window) start_next();
    is_filling_ = false;
    if (ended_ == items_.size()) done_(std::move(results_));
  }

  void start_next() {
    const std::size_t index = next_++;
    start_(std::move(items_[index]),
           [self = this->shared_from_this(), index](Result<T> result) mutable {
             self->results_[index] = std::move(result);
             ++self->ended_;
             self->fill();
           });
  }

  std::vector<Item> items_;
  Start start_;
  Done done_;
  Results results_;
  std::size_t next_ = 0;
  std::size_t ended_ = 0;
  bool is_filling_ = false;
};

}  // namespace coterie::client
