#pragma once

#include <memory>

#include "node/admin/asker.h"
#include "node/admin/http_door.h"

namespace coterie::admin {

/// A node's admin door: HTTP on doors.admin, on threads of its own. The node outlives it.
class Admin {
 public:
  /// Errors: io (doors.admin cannot be listened on, and what to do).
  [[nodiscard]] static Result<std::unique_ptr<Admin>> open(Node& node);

 private:
  explicit Admin(Node& node) : asker_(node) {}

  struct StopAsking {
    Asker& asker;
    ~StopAsking() { asker.stop(); }
  };

  Asker asker_;
  std::unique_ptr<HttpDoor> door_;
  // Goes before the door, which waits for requests in progress.
  StopAsking stop_{asker_};
};

}  // namespace coterie::admin
