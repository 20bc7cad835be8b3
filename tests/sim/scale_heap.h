#pragma once

#include <cstddef>

namespace coterie::sim {

/// What this program holds of the heap, as the allocator rounds it: a program that links this file
/// counts every operator new and delete. One thread.
[[nodiscard]] std::size_t heap_bytes();

}  // namespace coterie::sim
