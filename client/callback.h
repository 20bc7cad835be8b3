#pragma once

#include <functional>

#include "base/error.h"

namespace coterie::client {

/// Called exactly once, with the result or the error; never from within the call it was given to,
/// and never after the client's destructor has returned. It may start further calls. It must not
/// block, not throw, and not destroy the client.
template <class T>
using Callback = std::move_only_function<void(Result<T>)>;

}  // namespace coterie::client
