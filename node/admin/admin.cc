#include "node/admin/admin.h"

#include <utility>

#include "node/admin/routes.h"

namespace coterie::admin {

Result<std::unique_ptr<Admin>> Admin::open(Node& node) {
  std::unique_ptr<Admin> admin(new Admin(node));
  auto door = HttpDoor::open(node.config().doors.admin, routes(admin->asker_.source()));
  if (!door) return std::unexpected(door.error());
  admin->door_ = *std::move(door);
  return admin;
}

}  // namespace coterie::admin
