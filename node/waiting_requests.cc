#include "node/waiting_requests.h"

#include <utility>

namespace coterie {

bool WaitingRequests::add(Request request) {
  while (!requests_.empty()) {
    const Request& oldest = requests_.front();
    const std::chrono::milliseconds patience(oldest.header.deadline_ms);
    if (oldest.header.deadline_ms == 0 || oldest.came + patience > request.came) break;
    bytes_ -= oldest.body.size();
    requests_.pop_front();
  }
  const bool is_full = requests_.size() >= limits::waiting_requests_a_shard ||
                       bytes_ + request.body.size() > limits::waiting_request_bytes_a_shard;
  if (is_full) return false;
  bytes_ += request.body.size();
  requests_.push_back(std::move(request));
  return true;
}

std::deque<WaitingRequests::Request> WaitingRequests::take() {
  bytes_ = 0;
  return std::exchange(requests_, {});
}

void WaitingRequests::on_closed(ConnectionId connection) {
  std::erase_if(requests_, [&](const Request& request) {
    if (request.connection != connection) return false;
    bytes_ -= request.body.size();
    return true;
  });
}

}  // namespace coterie
