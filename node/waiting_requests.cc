#include "node/waiting_requests.h"

#include <utility>

namespace coterie {

bool WaitingRequests::add(Request request) {
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
