#pragma once

#include <functional>
#include <vector>

#include "base/address.h"
#include "base/env/uv_loop.h"
#include "base/error.h"

namespace coterie {

/// Calls `done` on the loop, never from within resolve(), with the numeric addresses of `name`
/// (itself, if it is numeric), in the resolver's order, at least one. Dropped uncalled when the
/// loop ends. Error: not_found or io.
void resolve(UvLoop& loop, const Address& name,
             std::move_only_function<void(Result<std::vector<Address>>)> done);

}  // namespace coterie
