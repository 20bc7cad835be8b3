#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/address.h"
#include "base/error.h"

namespace coterie::admin {

struct HttpRequest {
  std::string path;
  std::map<std::string, std::string> parameters;  // of the query; the first of a name
  bool is_post = false;
  std::string content_type;  // of a POST; its body is at most limits::admin_request_bytes
  std::string body;
};

struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
};

/// An HTTP server with a few threads of its own, for GET and POST. One request a connection; what
/// neither a thread nor the short queue can take waits in the kernel's. This is the one adapter
/// over cpp-httplib.
class HttpDoor {
 public:
  /// On one of the door's threads, several at a time; does not throw, and ends within seconds.
  using Handler = std::function<HttpAnswer(const HttpRequest&)>;

  /// Port 0: any free one. Errors: io (what is wrong with the address and what to do).
  [[nodiscard]] static Result<std::unique_ptr<HttpDoor>> open(const Address& address,
                                                              Handler handler);
  HttpDoor(const HttpDoor&) = delete;
  HttpDoor& operator=(const HttpDoor&) = delete;
  /// Waits for the requests in progress.
  ~HttpDoor();

  [[nodiscard]] const Address& address() const { return address_; }

 private:
  struct Server;
  HttpDoor(std::unique_ptr<Server> server, Address address);

  std::unique_ptr<Server> server_;
  Address address_;
};

}  // namespace coterie::admin
