#pragma once

#include "base/error.h"
#include "node/admin/orders.h"
#include "node/control/topology.h"

namespace coterie::admin {

/// Of "create_bucket" and "set_bucket": a "name" and settings as a [[bucket]] of a configuration
/// file states them. A new bucket's r and w are a majority of the copies unless they are given.
/// Errors: invalid_argument.
[[nodiscard]] Result<topology::Order> bucket_order(const Order& order, std::uint32_t replicas);

/// Of "force_lineage": the "lost" nodes' whole ids, with commas between them, and "confirmed".
/// Errors: invalid_argument.
[[nodiscard]] Result<topology::Order> lineage_order(const Order& order);

}  // namespace coterie::admin
