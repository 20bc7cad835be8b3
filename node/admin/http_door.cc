#include "node/admin/http_door.h"

#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

// The one file of the room that includes it.
#include <httplib.h>

#include "base/limits.h"

namespace coterie::admin {
namespace {

/// httplib's own pool has no bound. Here the accepting thread waits for room, so that more
/// connections stay in the kernel's queue.
class BoundedPool final : public httplib::TaskQueue {
 public:
  BoundedPool() {
    for (std::size_t i = 0; i < limits::admin_threads; ++i)
      threads_.emplace_back([this] { run(); });
  }

  void enqueue(std::function<void()> task) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return tasks_.size() < limits::admin_queue; });
    tasks_.push_back(std::move(task));
    changed_.notify_all();
  }

  // What is queued is still done: it closes the connections.
  void shutdown() override {
    {
      const std::scoped_lock lock(mutex_);
      is_stopping_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return is_stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      changed_.notify_all();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool is_stopping_ = false;
  std::vector<std::thread> threads_;
};

HttpRequest request_of(const httplib::Request& request) {
  HttpRequest out{.path = request.path};
  for (const auto& [name, value] : request.params) out.parameters.emplace(name, value);
  out.is_post = request.method == "POST";
  if (!out.is_post) return out;
  out.content_type = request.get_header_value("Content-Type");
  out.body = request.body;
  return out;
}

/// Only the address may be reused at once after a restart; httplib's own choice (SO_REUSEPORT)
/// would let two nodes share a port and split its requests.
void set_socket_options(int socket) {
  const int yes = 1;
  (void)::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
}

}  // namespace

struct HttpDoor::Server {
  httplib::Server http;
  std::atomic<bool> has_ended = false;
  std::thread thread;
};

HttpDoor::HttpDoor(std::unique_ptr<Server> server, Address address)
    : server_(std::move(server)), address_(std::move(address)) {}

HttpDoor::~HttpDoor() {
  server_->http.stop();
  server_->thread.join();
}

Result<std::unique_ptr<HttpDoor>> HttpDoor::open(const Address& address, Handler handler) {
  auto server = std::make_unique<Server>();
  auto& http = server->http;
  http.new_task_queue = [] { return new BoundedPool; };
  http.set_socket_options(set_socket_options);
  http.set_keep_alive_max_count(1);
  http.set_read_timeout(limits::admin_patience);
  http.set_write_timeout(limits::admin_patience);
  http.set_payload_max_length(limits::admin_request_bytes);
  const auto serve = [handler = std::move(handler)](const httplib::Request& request,
                                                    httplib::Response& response) {
    auto answer = handler(request_of(request));
    response.status = answer.status;
    response.set_content(std::move(answer.body), answer.content_type);
  };
  http.Get(".*", serve);
  http.Post(".*", serve);
  http.set_error_handler([](const httplib::Request&, httplib::Response& response) {
    // Ours have bodies already; these are httplib's own refusals.
    if (!response.body.empty()) return;
    const bool is_method = response.status == 404;
    if (is_method) response.status = 405;
    response.set_content(is_method ? R"({"format":1,"error":{"code":"invalid_argument","message":)"
                                     R"("the admin door takes GET and POST only"}})"
                                   : R"({"format":1,"error":{"code":"invalid_argument","message":)"
                                     R"("not a request that the admin door understands"}})",
                         "application/json");
  });
  errno = 0;
  Address bound = address;
  bool is_bound = false;
  if (address.port == 0) {
    const int port = http.bind_to_any_port(address.host);
    is_bound = port > 0;
    if (is_bound) bound.port = static_cast<std::uint16_t>(port);
  } else {
    is_bound = http.bind_to_port(address.host, address.port);
  }
  if (!is_bound) {
    const std::string why = errno == 0 ? "no such address" : std::strerror(errno);
    return fail(ErrorCode::io, "doors.admin: cannot listen on " + address.text() + ": " + why +
                                   "; end what uses it, or name another address and port");
  }
  server->thread = std::thread([serving = server.get()] {
    serving->http.listen_after_bind();
    serving->has_ended = true;
  });
  // stop() does nothing before the server runs.
  while (!http.is_running() && !server->has_ended) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return std::unique_ptr<HttpDoor>(new HttpDoor(std::move(server), std::move(bound)));
}

}  // namespace coterie::admin
